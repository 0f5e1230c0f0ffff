package cli

import (
	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

func (a *app) demo() *cobra.Command {
	var layout string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole way on a sample app, without .NET, network or registry",
		Long: `Publishes a sample application to a registry inside this process: first, again,
and after a change, and tells what was uploaded each time. The last image stays
in an OCI layout.`,
		Example: "  nanobuild demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if layout == "" {
				layout = flow.DemoLayout(a.WorkDir)
			}
			return flow.Demo(cmd.Context(), flow.DemoOptions{Layout: layout, Out: a.Stdout}, a.deps(a.log))
		},
	}
	cmd.Flags().StringVar(&layout, "oci-layout", "", "`folder` for the last image (default: nanobuild-out/demo)")
	return cmd
}
