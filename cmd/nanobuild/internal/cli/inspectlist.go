package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// writeList shows an index: its entries, and which of them each host runs.
func writeList(w io.Writer, l *flow.ListInspection) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "index\t%s\ndigest\t%s\nmedia type\t%s\nlint\t%s\n", l.Image, l.Digest, l.MediaType, l.Verdict)
	fmt.Fprintf(t, "\nPLATFORM\tVERSION\tWINDOWS\tDIGEST\n")
	for _, e := range l.Entries {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", platformText(e), versionText(e), orDash(windowsText(e.Windows)), e.Digest)
	}
	writeHostsOfList(t, l.Entries)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range l.Findings {
		fmt.Fprintf(w, "index: %s\n", f)
	}
	for _, e := range l.Entries {
		if e.Windows != nil && e.Windows.Problem == "" {
			_, err := fmt.Fprintf(w, "\nFor one of them: nanobuild inspect %s --os-version %s\n", l.Image, e.Platform.OSVersion)
			return err
		}
	}
	return nil
}

func platformText(e flow.EntryOfList) string {
	switch {
	case e.Attests != "":
		return "attestation"
	case e.Platform == nil:
		return "-"
	}
	text := e.Platform.OS + "/" + e.Platform.Architecture
	if e.Platform.Variant != "" {
		text += "/" + e.Platform.Variant
	}
	return foreign(text)
}

func versionText(e flow.EntryOfList) string {
	if e.Platform == nil {
		return "-"
	}
	return foreign(orDash(e.Platform.OSVersion))
}

// writeHostsOfList tells for each host which entries it runs, by their versions.
func writeHostsOfList(w io.Writer, entries []flow.EntryOfList) {
	hosts := 0
	for _, e := range entries {
		hosts = max(hosts, len(e.RunsOn))
	}
	if hosts == 0 {
		return
	}
	fmt.Fprintf(w, "\nRUNS ON\tBUILD\tPROCESS\tHYPER-V ALONE\n")
	for i := range hosts {
		var host flow.HostOfImage
		ways := map[winver.Isolation][]string{}
		for _, e := range entries {
			if i < len(e.RunsOn) {
				host = e.RunsOn[i]
				ways[host.Isolation] = append(ways[host.Isolation], e.Platform.OSVersion)
			}
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", host.Host, host.Build,
			orDash(strings.Join(ways[winver.Process], ", ")), orDash(strings.Join(ways[winver.HyperV], ", ")))
	}
}
