package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

const cacheOff = "off"

func addCacheFlag(flags *pflag.FlagSet, value *string) {
	flags.StringVar(value, "cache", "", "`DIR` for the records of earlier runs, or off (default: nanobuild in the system's folder for caches, such as ~/.cache)")
}

// cacheDir is the folder that --cache means; "" is none.
func (a *app) cacheDir(given string) string {
	switch given {
	case cacheOff:
		return ""
	case "":
		return a.CacheDir
	}
	return a.absolute(given)
}

func (a *app) cacheCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Show or remove the records of earlier runs",
		Long: `The cache is one small file of records, not of blobs: which digest each layer got,
the manifests and configs of base images, and which blobs each repository has. It
saves time and requests. Hosts refuse an image that was made with a wrong record,
and publish --recompute trusts none. It can be removed, lost or shared between machines
at any time.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("cache %s is unknown: use info or clear", args[0])}
			}
			return cmd.Help()
		},
	}
	addCacheFlag(cmd.PersistentFlags(), &dir)
	cmd.AddCommand(
		&cobra.Command{
			Use: "info", Short: "Show where the records are and how many", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return a.cacheInfo(dir) },
		},
		&cobra.Command{
			Use: "clear", Short: "Remove the records", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				if _, err := flow.ReadCache(a.cacheDir(dir)); err != nil {
					return err
				}
				return flow.ClearCache(a.cacheDir(dir))
			},
		},
	)
	return cmd
}

func (a *app) cacheInfo(dir string) error {
	info, err := flow.ReadCache(a.cacheDir(dir))
	if err != nil {
		return err
	}
	if info.Folder == "" {
		_, err := fmt.Fprintln(a.Stdout, "the cache is off")
		return err
	}
	t := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "folder\t%s\nfile\t%s\n", info.Folder, info.File)
	fmt.Fprintf(t, "size\t%s\n", flow.BytesText(info.Bytes))
	for _, c := range info.Counts {
		fmt.Fprintf(t, "%s\t%d\n", c.What, c.Count)
	}
	return t.Flush()
}
