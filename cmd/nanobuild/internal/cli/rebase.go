package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

const rebaseLong = `Puts images onto the newest base of the line that each was built on: ltsc2022 stays
ltsc2022. No sources and no build are needed, and the layers of the application are
neither downloaded nor uploaded. Works on images that nanobuild, ko, crane, docker
build and the .NET SDK made, and on indexes, whose images stay each on its own line.

Settings that came from the old base take the values of the new one, all others stay.
A tag moves when everything is in place. Prints one digest reference per image on
stdout, also of those that are up to date.

One image that cannot be rebased does not stop the others.`

const rebaseExample = `  # what would change, and then the change
  nanobuild rebase ghcr.io/me/web:v1 --dry-run
  nanobuild rebase ghcr.io/me/web:v1

  # the images of a list, with a tag of their own
  nanobuild rebase --from images.txt -t patched

  # all images of a company that are in use
  nanobuild rebase --repo-prefix registry.example.com/shop --tag 'prod-*' --tag latest`

// rebaseFlags are the flags of rebase, as the command line gives them.
type rebaseFlags struct {
	options flow.RebaseOptions
	tags    []string
	from    []string
	outputs outputs
	cache   string
	network networkFlags
}

func (a *app) rebase() *cobra.Command {
	f := &rebaseFlags{}
	cmd := &cobra.Command{
		Use:     "rebase [IMAGE]... [flags]",
		Short:   "Put images onto the newest patches of Windows, without a build",
		Long:    rebaseLong,
		Example: rebaseExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Images = args
			return a.runRebase(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.add(flags)
	// Variables for publish would move images to another Windows, or the patches to
	// another tag than the one that is in use.
	onlyGiven(flags, "base", "old-base", "tag")
	f.outputs.add(flags)
	addSignFlags(flags, &f.options.Signing)
	addUploadFlags(flags, &f.network)
	addPullFlags(flags, &f.network)
	addNetworkFlags(flags, &f.network)
	addCacheFlag(flags, &f.cache)
	return cmd
}

func (f *rebaseFlags) add(flags *pflag.FlagSet) {
	o := &f.options
	flags.StringArrayVarP(&f.tags, "tag", "t", nil, "`tag` of the results, which leaves the tag that was read where it is; with --repo-prefix\na pattern of the tags to rebase, such as 'prod-*' (repeatable)")
	flags.StringArrayVar(&f.from, "from", nil, "rebase the images in `FILE` too, one per line; - is stdin (repeatable)")
	flags.StringVar(&o.Fleet.Prefix, "repo-prefix", "", "rebase all images below `HOST/PATH` that the registry's catalog shows; needs --tag")
	flags.StringVar(&o.Shard, "shard", "", "rebase part `I/N` of the repositories only, with I from 0 to N-1")
	flags.StringVar(&o.Base, "base", "", "new base `image` for all (default: the newest of the line that each is on)")
	flags.StringVar(&o.OldBase, "old-base", "", "base `image` that those were built on which do not say it")
	flags.BoolVar(&o.DryRun, "dry-run", false, "print what would change, and change nothing")
	flags.StringVar(&o.Created, "created", "", "creation `time` of the results, RFC 3339 or Unix seconds\n(default: SOURCE_DATE_EPOCH, else the later of the old image's and the new base's)")
	flags.BoolVar(&o.Foreign, "push-foreign", false, "send the layers of old bases too that are not distributable and have URLs instead")
	flags.IntVarP(&o.Jobs, "jobs", "j", defaultJobs, "`number` of images at a time")
}

func (a *app) runRebase(cmd *cobra.Command, f *rebaseFlags) error {
	o := &f.options
	o.Tags, o.Fleet.Tags = f.tags, nil
	if o.Fleet.Prefix != "" {
		o.Tags, o.Fleet.Tags = nil, f.tags
	}
	if err := a.checkOutputs(f.outputs); err != nil {
		return err
	}
	for _, file := range f.from {
		images, err := a.readImages(cmd.Context(), file)
		if err != nil {
			return usageError{fmt.Errorf("--from %s: %w", file, err)}
		}
		o.Images = append(o.Images, images...)
	}
	if len(f.from) > 0 && len(o.Images) == 0 && o.Fleet.Prefix == "" {
		a.log.Warn("--from names no image, so there is nothing to do")
		return nil
	}
	a.signing(&o.Signing)
	o.Cache = a.cacheDir(f.cache)
	o.Epoch = a.getenv(envSourceDateEpoch)
	deps, err := a.networkDeps(&f.network, &o.NetworkOptions)
	if err != nil {
		return err
	}
	done, err := flow.Rebase(cmd.Context(), *o, deps)
	if o.DryRun {
		return errors.Join(err, a.printChanges(done))
	}
	var refs []string
	for _, d := range done {
		if d.Ref != "" {
			refs = append(refs, d.Ref)
		}
	}
	return errors.Join(err, a.printRefs(f.outputs, refs))
}

// readImages reads a list of images; - is stdin.
func (a *app) readImages(ctx context.Context, file string) (images []string, err error) {
	if file == "-" {
		return interruptible(ctx, func() ([]string, error) { return flow.ReadImageList(a.stdin()) })
	}
	in, err := os.Open(a.absolute(file))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return flow.ReadImageList(in)
}

// printChanges shows what a run would do, one line per difference.
func (a *app) printChanges(done []flow.RebasedImage) error {
	var failed error
	for _, d := range done {
		lines := d.Changes
		switch {
		case d.Err != nil || d.Left:
			continue
		case d.Current && len(lines) == 0:
			lines = []string{"is up to date"}
		}
		for _, line := range lines {
			_, err := fmt.Fprintln(a.Stdout, a.log.secrets.Redact(d.Image+": "+line))
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
