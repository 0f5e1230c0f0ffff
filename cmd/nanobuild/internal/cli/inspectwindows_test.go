package cli

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// TestInspectShowsHosts has the rows that are about Windows and .NET, of an image
// of Microsoft's shape that holds .NET 8.
func TestInspectShowsHosts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	image, err := sample.Image(sample.Options{OSVersion: "10.0.17763.7314", Env: []string{"DOTNET_VERSION=8.0.30"}})
	if err != nil {
		t.Fatal(err)
	}
	index, err := sample.Index(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteLayout(filepath.Join(dir, "image"), index); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), Process{
		Stdout: &stdout, Stderr: &stderr, WorkDir: dir, TempRoot: t.TempDir(), Version: "test",
		Now:       func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) },
		Transport: http.DefaultTransport.(*http.Transport),
	}, []string{"inspect", "oci:" + filepath.Join(dir, "image")})
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	const hosts = `
RUNS ON                       BUILD  ISOLATION
Windows Server 2025           26100  Hyper-V
Windows Server, version 23H2  25398  Hyper-V  Microsoft supports images of ltsc2022 alone on this host
Windows Server 2022           20348  Hyper-V
Windows Server 2019           17763  process or Hyper-V
Windows Server 2016           14393  no
Windows 11 25H2               26200  Hyper-V
Windows 11 24H2               26100  Hyper-V
Windows 11 23H2               22631  Hyper-V
Windows 11 22H2               22621  Hyper-V
Windows 10 22H2               19045  Hyper-V

LAYER `
	if !strings.Contains(stdout.String(), hosts) {
		t.Errorf("stdout = %s\nwant in it %s", stdout.String(), hosts)
	}
	words := strings.Join(strings.Fields(stdout.String()), " ")
	const facts = " windows ltsc2019 (Windows Server 2019), security fixes only, until 2029-01-09 .NET 8.0.30, OUT OF SUPPORT since 2026-11-10 created "
	if !strings.Contains(words, facts) {
		t.Errorf("stdout = %s\nwant in it %q", stdout.String(), facts)
	}
}

func TestWindowsAndDotnetInWords(t *testing.T) {
	t.Parallel()
	support := func(p winver.Phase, mainstream, end string) *flow.SupportOfImage {
		return &flow.SupportOfImage{Phase: p, MainstreamEnd: mainstream, End: end}
	}
	for want, got := range map[string]string{
		"ltsc2025 (Windows Server 2025), supported until 2029-10-09, security fixes until 2034-10-10": windowsText(&flow.WindowsOfImage{
			Release: "ltsc2025", Title: "Windows Server 2025", Support: support(winver.Supported, "2029-10-09", "2034-10-10")}),
		"20H2 (T), OUT OF SUPPORT since 2022-08-09":    windowsText(&flow.WindowsOfImage{Release: "20H2", Title: "T", Support: support(winver.Ended, "", "2022-08-09")}),
		"a build that is no release of Windows Server": windowsText(&flow.WindowsOfImage{}),
		"no version":                          windowsText(&flow.WindowsOfImage{Problem: "no version"}),
		"":                                    windowsText(nil) + dotnetText(nil),
		"10.0.12, supported until 2028-11-14": dotnetText(&flow.DotNetOfImage{Version: "10.0.12", Support: support(winver.Supported, "", "2028-11-14")}),
		"12.0.0":                              dotnetText(&flow.DotNetOfImage{Version: "12.0.0"}),
		`cannot be told: C:\a.json: unexpected end`: dotnetText(&flow.DotNetOfImage{Source: `C:\a.json`, Problem: "unexpected end"}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
