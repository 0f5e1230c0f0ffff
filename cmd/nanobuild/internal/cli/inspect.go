package cli

import (
	"context"
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
origin and size. Layers on the base are read, whichever tool made them: LINT holds
them to the format that nanobuild writes, IMPORT to what Windows' importer demands.
Files with the same content are named.

Of an index of several images it shows the entries, and which of them each host
runs; --os-version shows one of them.

It tells how the base compares with the newest one: that of --against, else the one
that the image names, where it is Microsoft's or in the image's own registry.

It tells which versions of Windows run the image, in a process of their own kernel
or in Hyper-V's virtual machine, and until when Microsoft supports the Windows and
the .NET in it; what is past its end says OUT OF SUPPORT.`,
		Example: `  nanobuild inspect ghcr.io/me/web:v1
  nanobuild inspect oci:bin/nanobuild -o json
  nanobuild inspect ghcr.io/me/web:v1 --against ltsc2022`,
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
			return a.runInspect(cmd.Context(), o, deps, output == "json")
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&output, "output", "o", "text", "`format` of the output: text or json")
	flags.StringVar(&o.OSVersion, "os-version", "", "Windows `version` to take from a list with several, such as 10.0.20348")
	flags.StringVar(&o.Against, "against", "", "`base` to compare the image's with: a short name such as ltsc2022, or a reference")
	addPullFlags(flags, &network)
	addNetworkFlags(flags, &network)
	return cmd
}

// runInspect shows the index that the reference names, or else the image.
func (a *app) runInspect(ctx context.Context, o flow.InspectOptions, deps flow.Deps, asJSON bool) error {
	list, err := flow.InspectList(ctx, o, deps)
	switch {
	case err != nil:
		return err
	case list != nil && asJSON:
		return writeJSON(a.Stdout, list)
	case list != nil:
		return writeList(a.Stdout, list)
	}
	found, err := flow.Inspect(ctx, o, deps)
	switch {
	case err != nil:
		return err
	case asJSON:
		return writeJSON(a.Stdout, found)
	}
	return writeInspection(a.Stdout, found)
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
	writeLayers(t, i.Layers)
	if err := t.Flush(); err != nil {
		return err
	}
	writeDuplicates(w, i.Duplicates)
	writeFindings(w, i)
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
		{"base", i.Base.Name}, {"base digest", i.Base.Digest}, {"base age", ageText(i.Base.Age)},
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
