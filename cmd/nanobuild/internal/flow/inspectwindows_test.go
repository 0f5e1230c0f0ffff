package flow

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

var lateNovember = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestWindowsOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		platform v1.Platform
		windows  string // as JSON
		hosts    bool
	}{
		"2016, in its last months": {v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.14393.8000"},
			`{"release":"ltsc2016","title":"Windows Server 2016","support":{"phase":"extended","mainstreamEnd":"2022-01-11","end":"2027-01-12"}}`, true},
		"20H2": {v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.19042.1889"},
			`{"release":"20H2","title":"Windows Server, version 20H2","support":{"phase":"ended","end":"2022-08-09"}}`, true},
		"2022, short": {v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348"},
			`{"release":"ltsc2022","title":"Windows Server 2022","support":{"phase":"extended","mainstreamEnd":"2026-10-13","end":"2031-10-14"}}`, true},
		"2025 for arm64": {v1.Platform{OS: "windows", Architecture: "arm64", OSVersion: "10.0.26100.1"},
			`{"release":"ltsc2025","title":"Windows Server 2025","support":{"phase":"supported","mainstreamEnd":"2029-10-09","end":"2034-10-10"}}`, false},
		"a build of nobody": {v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20349.1"}, `{}`, true},
		"no version": {v1.Platform{OS: "windows", Architecture: "amd64"},
			`{"problem":"the image has no os.version, so no engine checks it: only HostProcess pods can do with that"}`, false},
		"no such version": {v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "ltsc2022"},
			`{"problem":"\"ltsc2022\" is no Windows version: give a build such as 10.0.20348, or a full version such as 10.0.20348.4171"}`, false},
		"Linux": {v1.Platform{OS: "linux", Architecture: "amd64"}, `null`, false},
	} {
		windows, hosts := windowsOf(c.platform, lateNovember)
		got, err := json.Marshal(windows)
		if err != nil || string(got) != c.windows || len(hosts) > 0 != c.hosts {
			t.Errorf("%s: %s, %d hosts, %v; want %s", name, got, len(hosts), err, c.windows)
		}
	}
}

// TestInspectTellsOfHostsAndSupport looks at images on three bases, as the day
// moves on.
func TestInspectTellsOfHostsAndSupport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		version  string
		now      time.Time
		windows  string
		dotnet   string // the phase of .NET 10
		isolated string // the first letters of the isolation on each host
	}{
		{"10.0.17763.7314", lateNovember, "ltsc2019 extended", "supported", "hhhpnhhhhh"},
		{"10.0.20348.4171", lateNovember, "ltsc2022 extended", "supported", "pppnnppppn"},
		{"10.0.20348.4171", lateNovember.AddDate(0, -3, 0), "ltsc2022 supported", "supported", "pppnnppppn"},
		{"10.0.26100.32995", lateNovember.AddDate(2, 0, 0), "ltsc2025 supported", "ended", "pnnnnppnnn"},
	} {
		o := w.options(w.app(t, "out", "hi"))
		o.Bases, o.Targets = []string{baseOf(t, c.version)}, Targets{Layouts: []string{"layout"}}
		if _, err := Publish(t.Context(), o, w.Deps); err != nil {
			t.Fatal(err)
		}
		d := w.Deps
		d.Now = func() time.Time { return c.now }
		found, err := Inspect(t.Context(), InspectOptions{Image: "oci:" + filepath.Join(w.WorkDir, "layout")}, d)
		if err != nil {
			t.Fatal(err)
		}
		if got := found.Windows.Release + " " + string(found.Windows.Support.Phase); got != c.windows {
			t.Errorf("%s: %s, want %s", c.version, got, c.windows)
		}
		var isolated strings.Builder
		for _, h := range found.RunsOn {
			isolated.WriteString(string(h.Isolation[:1]))
		}
		if isolated.String() != c.isolated {
			t.Errorf("%s: isolation %s, want %s", c.version, isolated.String(), c.isolated)
		}
		n := found.DotNet
		if n == nil || n.Version != "10.0.0" || n.Source != `C:\app\Demo.runtimeconfig.json` || n.Support.End != "2028-11-14" || string(n.Support.Phase) != c.dotnet {
			t.Errorf("%s: .NET %+v", c.version, n)
		}
	}
}

// baseOf is a layout with a base of that version.
func baseOf(t *testing.T, version string) string {
	t.Helper()
	image, err := sample.Image(sample.Options{OSVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	return layoutOf(t, image)
}
