package cli

import (
	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

const signLong = `Signs an image or an index, with all images in it, that is in a registry, so that the
job that builds needs no key. IMAGE is named by its digest, which is what publish prints:
a tag may move between build and signature. Signing twice adds nothing.

--sbom-file and --provenance-file attest what publish wrote under the same flags. For an
index they are folders, as in --sbom-file documents/, since each of its images has
documents of its own.`

const signExample = `  nanobuild publish --repo ghcr.io/me/web --sbom-file sbom.json --image-refs image.txt
  nanobuild sign "$(cat image.txt)" --sign-key cosign.key --sbom-file sbom.json`

func (a *app) sign() *cobra.Command {
	var o flow.SignOptions
	var network networkFlags
	cmd := &cobra.Command{
		Use:     "sign IMAGE@DIGEST [flags]",
		Short:   "Sign an image that was pushed before",
		Long:    signLong,
		Example: signExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Image = args[0]
			a.signing(&o.Signing)
			deps, err := a.networkDeps(&network, &o.NetworkOptions)
			if err != nil {
				return err
			}
			return flow.Sign(cmd.Context(), o, deps)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSignFlags(flags, &o.Signing)
	flags.StringVar(&o.SBOM, "sbom-file", "", "attest the SBOM in `FILE`, SPDX or CycloneDX, or those in a folder that publish wrote")
	flags.StringVar(&o.Provenance, "provenance-file", "", "attest the provenance in `FILE`, or those in a folder that publish wrote")
	addNetworkFlags(flags, &network)
	return cmd
}
