package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

const pushLong = `Pushes an image that publish wrote into an OCI layout or a tarball, so that the job
that builds needs no credentials. Manifest, config and layers stay as they are, byte
for byte. An index goes as a whole, with its images of other systems and whatever else
it names; --os-version takes one image out of it. Prints the digest reference on stdout.`

const pushExample = `  nanobuild publish ./src/Web --oci-layout out
  nanobuild push oci:out --repo ghcr.io/me/web -t v1`

func (a *app) push() *cobra.Command {
	var o flow.PushOptions
	var network networkFlags
	var out outputs
	var cache string
	cmd := &cobra.Command{
		Use:     "push oci:DIR[:tag]|tar:FILE --repo REPOSITORY [flags]",
		Short:   "Push an image or index that another run wrote to files",
		Long:    pushLong,
		Example: pushExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.checkOutputs(out); err != nil {
				return err
			}
			o.Source, o.Cache = args[0], a.cacheDir(cache)
			deps, err := a.networkDeps(&network, &o.NetworkOptions)
			if err != nil {
				return err
			}
			ref, err := flow.Push(cmd.Context(), o, deps)
			if ref == "" {
				return err
			}
			return errors.Join(err, a.printRefs(out, []string{ref}))
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.Repo, "repo", "", "`repository` to push to")
	flags.StringArrayVarP(&o.Tags, "tag", "t", nil, "`tag` of the image (repeatable; default latest)")
	flags.StringVar(&o.OSVersion, "os-version", "", "Windows `version` whose image alone is taken out of an index, such as 10.0.20348")
	flags.BoolVar(&o.Foreign, "push-foreign", false, "send the layers of old bases too that are not distributable and have URLs instead")
	out.add(flags)
	flags.IntVarP(&o.Jobs, "jobs", "j", defaultJobs, "`number` of layers that are pushed at a time")
	addPushFlags(flags, &network)
	addNetworkFlags(flags, &network)
	addCacheFlag(flags, &cache)
	return cmd
}
