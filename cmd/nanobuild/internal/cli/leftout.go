//go:build nosign

package cli

import (
	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/publish/sign"
)

// verify says that this program cannot.
func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use: "verify IMAGE", Short: "Check an image (left out of this program)", Args: cobra.ArbitraryArgs, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return usageError{sign.ErrLeftOut} },
	}
}
