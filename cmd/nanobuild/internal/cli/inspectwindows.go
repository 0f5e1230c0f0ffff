package cli

import (
	"fmt"
	"io"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// windowsText tells of the Windows in an image in one line; "" for images
// without Windows, and for builds that have no name.
func windowsText(w *flow.WindowsOfImage) string {
	switch {
	case w == nil:
		return ""
	case w.Problem != "":
		return w.Problem
	case w.Release == "":
		return "a build that is no release of Windows Server"
	}
	return w.Release + " (" + w.Title + "), " + supportText(w.Support)
}

func dotnetText(d *flow.DotNetOfImage) string {
	switch {
	case d == nil:
		return ""
	case d.Problem != "":
		return "cannot be told: " + d.Source + ": " + d.Problem
	case d.Support == nil:
		return d.Version
	}
	return d.Version + ", " + supportText(d.Support)
}

func supportText(s *flow.SupportOfImage) string {
	switch s.Phase {
	case winver.Ended:
		return "OUT OF SUPPORT since " + s.End
	case winver.Extended:
		return "security fixes only, until " + s.End
	}
	if s.MainstreamEnd != "" {
		return "supported until " + s.MainstreamEnd + ", security fixes until " + s.End
	}
	return "supported until " + s.End
}

// writeHosts writes the table of hosts; nothing where none are known.
func writeHosts(w io.Writer, hosts []flow.HostOfImage) {
	if len(hosts) == 0 {
		return
	}
	fmt.Fprintf(w, "\nRUNS ON\tBUILD\tISOLATION\n")
	for _, h := range hosts {
		fmt.Fprintf(w, "%s\t%d\t%s", h.Host, h.Build, isolationText(h.Isolation))
		if h.Remark != "" {
			fmt.Fprintf(w, "\t%s", h.Remark)
		}
		fmt.Fprintln(w)
	}
}

func isolationText(i winver.Isolation) string {
	switch i {
	case winver.Process:
		return "process or Hyper-V"
	case winver.HyperV:
		return "Hyper-V"
	}
	return "no"
}
