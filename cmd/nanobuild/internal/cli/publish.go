package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

const publishLong = `Runs dotnet publish for each PROJECT, turns the output into Windows layers, puts
them on the base image, and pushes the result. Prints one digest reference per
project on stdout.

PROJECT is a project file, a folder with exactly one, a file-based app such as
app.cs, or a folder that is already published. Without it, the working directory
is the project. What follows -- is passed on to dotnet.

Without --repo, --oci-layout and --tarball the project's ContainerRegistry or
ContainerArchiveOutputPath decides, else an OCI layout is written to
bin/nanobuild in the project's folder.`

const publishExample = `  # the project in this folder, to a registry
  nanobuild publish --repo ghcr.io/me/web -t v1 -t latest

  # two services of one repository, each under the prefix with its own name
  nanobuild publish src/Api src/Worker --repo registry.example.com/shop/

  # a folder that dotnet publish made, without a registry
  nanobuild publish ./out --tarball web.tar`

// publishFlags are the flags of publish, as the command line gives them.
type publishFlags struct {
	options flow.PublishOptions
	push    bool
	layers  string
	outputs outputs
	cache   string
	network networkFlags
	about   describeFlags
}

func (a *app) publish() *cobra.Command {
	f := &publishFlags{}
	cmd := &cobra.Command{
		Use:     "publish [PROJECT]... [flags] [-- DOTNET ARGUMENTS]",
		Short:   "Build .NET projects into Windows images and push them",
		Long:    publishLong,
		Example: publishExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				args, f.options.Dotnet.Extra = args[:n], args[n:]
			}
			f.options.Projects = args
			return a.runPublish(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.addTargets(flags)
	f.addImage(flags)
	f.addDotnet(flags)
	addSignFlags(flags, &f.options.Signing)
	f.about.add(flags, &f.options.Describe)
	addPushFlags(flags, &f.network)
	addPullFlags(flags, &f.network)
	addNetworkFlags(flags, &f.network)
	addCacheFlag(flags, &f.cache)
	flags.BoolVar(&f.options.Recompute, "recompute", false, "compress all layers to learn their digests, instead of trusting records")
	return cmd
}

func (f *publishFlags) addTargets(flags *pflag.FlagSet) {
	t := &f.options.Targets
	flags.StringVar(&t.Repo, "repo", "", "`repository` to push to; for several projects a prefix that ends in /")
	flags.StringArrayVarP(&t.Tags, "tag", "t", nil, "`tag` of the image (repeatable; default: the project's, else latest)")
	flags.BoolVar(&f.push, "push", true, "push to the registry; false builds only")
	flags.StringArrayVar(&t.Layouts, "oci-layout", nil, "write an OCI layout: `DIR[:tag]` (repeatable)")
	flags.StringArrayVar(&t.Tarballs, "tarball", nil, "write a tarball for docker load: `FILE`, compressed if it ends in .gz, or a folder for REPOSITORY.tar.gz (repeatable)")
	flags.StringVar(&f.options.IntoIndex, "into-index", "", "put the images into the index `REPOSITORY:TAG`, beside what it holds for other platforms, in place of --repo and --tag")
	flags.BoolVar(&f.options.PlatformTags, "platform-tags", false, "let each tag also be there as TAG-ltsc2022 and so on, for the image of that Windows alone")
	flags.BoolVar(&t.Foreign, "push-foreign", false, "send the layers of old bases too that are not distributable and have URLs instead")
	f.outputs.add(flags)
	flags.IntVarP(&f.options.Jobs, "jobs", "j", defaultJobs, "`number` of layers that are packed and pushed at a time")
}

const defaultJobs = 4

func (f *publishFlags) addImage(flags *pflag.FlagSet) {
	o, i := &f.options, &f.options.Image
	flags.StringArrayVar(&o.Bases, "base", nil, "base `image`: a short name such as ltsc2022, a reference, oci:DIR[:tag] or tar:FILE;\nall is every Nano Server; several give one index with an image for each (repeatable;\ndefault: the project's, else nanoserver ltsc2022)")
	flags.StringVar(&o.OSVersion, "os-version", "", "Windows `version` to take from a base with several, such as 10.0.20348")
	flags.BoolVar(&o.Index, "index", false, "take all Windows versions of a base with several, as one index")
	flags.StringArrayVarP(&i.Env, "env", "e", nil, "environment variable `NAME=VALUE` (repeatable)")
	flags.StringArrayVarP(&i.Labels, "label", "l", nil, "label `NAME=VALUE` (repeatable)")
	flags.StringArrayVar(&i.Annotations, "annotation", nil, "annotation `NAME=VALUE` of the manifest, OCI format only (repeatable)")
	flags.StringVarP(&i.User, "user", "u", "", "Windows `user` that runs the app, such as ContainerAdministrator (default: the base's)")
	flags.StringVarP(&i.Workdir, "workdir", "w", "", "working `folder` in the container (default: the app's folder)")
	flags.StringVar(&i.AppDir, "app-dir", "", "`folder` of the app in the container (default C:\\app)")
	flags.StringArrayVar(&i.Ports, "port", nil, "`PORT[/tcp|udp]` that the app listens on (repeatable)")
	flags.StringArrayVar(&i.Entrypoint, "entrypoint", nil, "entry point, one `argument` per repetition; base keeps the base's")
	flags.StringArrayVar(&i.Cmd, "cmd", nil, "default arguments of the entry point, one `argument` per repetition")
	flags.StringArrayVar(&i.Writable, "writable", nil, "`folder` in the container that the app may change, made if missing (repeatable)")
	flags.StringVar(&o.Created, "created", "", "creation `time` of the image, RFC 3339 or Unix seconds\n(default: SOURCE_DATE_EPOCH, else the commit's)")
	flags.StringVar(&i.Format, "format", "", "manifest `format`: docker or oci (default: the base's)")
	flags.StringVar((*string)(&i.Compression), "compression", "", "`compression` of the layers: gzip, or zstd with --format oci (default gzip)")
	flags.StringVar(&f.layers, "layers", "split", "`split` by origin (runtime, packages, app, …) or single")
}

func (f *publishFlags) addDotnet(flags *pflag.FlagSet) {
	d := &f.options.Dotnet
	flags.StringVarP(&d.Configuration, "configuration", "c", "", "build `configuration` (default Release)")
	flags.StringVarP(&d.Framework, "framework", "f", "", "target `framework`, such as net10.0")
	flags.StringVarP(&d.RuntimeIdentifier, "runtime", "r", "", "runtime `identifier`; win-x64 is the only one that is supported")
	addSelfContained(flags, &d.SelfContained)
	flags.StringArrayVarP(&d.Properties, "property", "p", nil, "MSBuild property `NAME=VALUE` (repeatable)")
	flags.BoolVar(&d.NoRestore, "no-restore", false, "do not restore packages")
	flags.BoolVar(&d.Locked, "locked", false, "fail if packages.lock.json would change")
	flags.StringVar(&d.Program, "dotnet", "", "dotnet `program` (default: dotnet from PATH)")
}

func (a *app) runPublish(cmd *cobra.Command, f *publishFlags) error {
	o := &f.options
	o.Targets.NoPush = !f.push
	switch f.layers {
	case "split":
	case "single":
		o.Image.Single = true
	default:
		return usageError{fmt.Errorf("--layers %s is unknown: use split or single", f.layers)}
	}
	if err := strayValue(o.Dotnet.SelfContained, o.Projects); err != nil {
		return err
	}
	if err := errors.Join(a.checkOutputs(f.outputs), a.checkDescriptions(o.Describe)); err != nil {
		return err
	}
	a.signing(&o.Signing)
	o.Cache = a.cacheDir(f.cache)
	o.Epoch = a.getenv(envSourceDateEpoch)
	o.Dotnet.CI = a.inCI()
	if a.getenv(envGitHubActions) == "true" && a.logFormat != "json" { // each line is JSON there
		o.Dotnet.Annotate = func(d dotnet.Diagnostic) { fmt.Fprintln(a.Stderr, a.log.secrets.Redact(d.GitHub())) }
	}
	deps, err := a.networkDeps(&f.network, &o.NetworkOptions)
	if err != nil {
		return err
	}
	a.describe(cmd, f.about, o.Projects, o.Dotnet.Extra, &o.Describe)
	refs, err := flow.Publish(cmd.Context(), *o, deps)
	return errors.Join(err, a.printRefs(f.outputs, refs))
}

func (a *app) inCI() bool {
	v := a.getenv(envCI)
	return v != "" && !strings.EqualFold(v, "false")
}
