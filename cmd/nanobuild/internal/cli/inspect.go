package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

func (a *app) inspect() *cobra.Command {
	var o flow.InspectOptions
	var network networkFlags
	var output string
	cmd := &cobra.Command{
		Use:   "inspect IMAGE|oci:DIR[:tag]|tar:FILE",
		Short: "Show config, layers, hosts and lint verdict of an image",
		Long: `Shows what an image is made of: its platform and config, and each layer with its
origin and size. Layers that nanobuild made are read and checked for what
Windows' importer demands.

It tells which versions of Windows run the image, in a process of their own kernel
or in Hyper-V's virtual machine, and until when Microsoft supports the Windows and
the .NET in it; what is past its end says OUT OF SUPPORT.`,
		Example: `  nanobuild inspect ghcr.io/me/web:v1
  nanobuild inspect oci:bin/nanobuild -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Image = args[0]
			if output != "text" && output != "json" {
				return usageError{fmt.Errorf("--output %s is unknown: use text or json", output)}
			}
			deps, err := a.networkDeps(&network, &o.NetworkOptions)
			if err != nil {
				return err
			}
			found, err := flow.Inspect(cmd.Context(), o, deps)
			if err != nil {
				return err
			}
			if output == "json" {
				return writeJSON(a.Stdout, found)
			}
			return writeInspection(a.Stdout, found)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&output, "output", "o", "text", "`format` of the output: text or json")
	flags.StringVar(&o.OSVersion, "os-version", "", "Windows `version` to take from a list with several, such as 10.0.20348")
	addPullFlags(flags, &network)
	addNetworkFlags(flags, &network)
	return cmd
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func writeInspection(w io.Writer, i *flow.Inspection) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range facts(i) {
		if row[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
		}
	}
	writeHosts(t, i.RunsOn)
	fmt.Fprintf(t, "\nLAYER\tSIZE\tFILES\tLINT\tDIGEST\n")
	var total int64
	for _, l := range i.Layers {
		total += l.Size
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Origin, flow.BytesText(l.Size), count(l.Files), orDash(l.Verdict), l.Digest)
	}
	fmt.Fprintf(t, "total\t%s\n", flow.BytesText(total))
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range i.Layers {
		for _, f := range l.Findings {
			fmt.Fprintf(w, "%s layer: %s\n", l.Origin, f)
		}
	}
	for _, f := range i.Findings {
		fmt.Fprintf(w, "image: %s\n", f)
	}
	return nil
}

func facts(i *flow.Inspection) [][2]string {
	c := i.Settings
	rows := [][2]string{ //nolint:prealloc // a literal reads better than appends
		{"image", i.Image}, {"digest", i.Digest}, {"index", i.Index}, {"media type", i.MediaType},
		{"platform", i.Platform.OS + "/" + i.Platform.Architecture + " " + i.Platform.OSVersion},
		{"os features", strings.Join(i.Platform.OSFeatures, " ")},
		{"windows", windowsText(i.Windows)}, {".NET", dotnetText(i.DotNet)},
		{"lint", i.Verdict},
		{"created", i.Created.UTC().Format(time.RFC3339)},
		{"base", i.Base.Name}, {"base digest", i.Base.Digest},
		{"user", c.User}, {"working dir", c.WorkingDir},
		{"entry point", arguments(c.Entrypoint)}, {"arguments", arguments(c.Cmd)},
		{"ports", strings.Join(sortedKeys(c.ExposedPorts), " ")},
	}
	for _, e := range c.Env {
		rows = append(rows, [2]string{"env", e})
	}
	for _, k := range sortedKeys(c.Labels) {
		rows = append(rows, [2]string{"label", k + "=" + c.Labels[k]})
	}
	return rows
}

// arguments joins arguments, quoting those that would not be seen as one.
func arguments(argv []string) string {
	shown := make([]string, 0, len(argv))
	for _, a := range argv {
		if a == "" || strings.ContainsAny(a, " \t\"") {
			a = strconv.Quote(a)
		}
		shown = append(shown, a)
	}
	return strings.Join(shown, " ")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
