//go:build !nosign

package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

// writeVerification shows each check on a line.
func writeVerification(w io.Writer, v *flow.Verification) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "image\t%s\ndigest\t%s\n", v.Image, v.Digest)
	fmt.Fprintf(t, "\nCHECK\tVERDICT\tOF\tDETAIL\n")
	for _, c := range v.Checks {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", checkText(c), verdictText(c.Verdict), ofText(v, c), foreign(c.Detail))
	}
	return t.Flush()
}

func checkText(c flow.Check) string {
	switch c.Name {
	case flow.CheckAttestation, flow.CheckRunsOn:
		if c.Wanted != "" {
			return c.Name + " " + foreign(c.Wanted)
		}
	}
	return c.Name
}

func verdictText(v flow.Verdict) string {
	if v == flow.Failed {
		return "FAIL"
	}
	return string(v)
}

// ofText names the manifest that a check is about: by its version of Windows, where it
// is an image.
func ofText(v *flow.Verification, c flow.Check) string {
	switch {
	case c.Image == "":
		return "-"
	case c.OSVersion != "":
		return c.OSVersion
	case c.Image == v.Digest:
		return "index"
	}
	return c.Image[:min(len(c.Image), len("sha256:")+12)]
}

// completeVerify completes the values that are known.
func completeVerify(cmd *cobra.Command) {
	hosts := make([]string, 0, len(winver.Hosts()))
	for _, h := range winver.Hosts() {
		hosts = append(hosts, h.Short())
	}
	for flag, values := range map[string][]string{
		"require": {policy.SBOM, policy.Provenance}, "runs-on": hosts, "output": {"text", "json"},
	} {
		// It fails only for flags that are not there.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}
