//go:build !nosign

package flow

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

func TestSupported(t *testing.T) {
	t.Parallel()
	support := func(p winver.Phase) *SupportOfImage { return &SupportOfImage{Phase: p, End: "2026-11-10"} }
	server := func(p winver.Phase) *WindowsOfImage {
		return &WindowsOfImage{Release: "r", Title: "Windows Server", Support: support(p)}
	}
	for _, c := range []struct {
		windows *WindowsOfImage
		dotnet  *DotNetOfImage
		verdict Verdict
		detail  string
	}{
		{server(winver.Supported), &DotNetOfImage{Version: "8.0.1", Support: support(winver.Supported)}, Passed, "Windows Server is supported until 2026-11-10; .NET 8.0.1 is supported until 2026-11-10"},
		{server(winver.Extended), nil, Passed, "Windows Server is supported until 2026-11-10; no .NET found"},
		{server(winver.Ended), nil, Failed, "Windows Server is out of support since 2026-11-10"},
		{server(winver.Supported), &DotNetOfImage{Version: "7.0.1", Support: support(winver.Ended)}, Failed, ".NET 7.0.1 is out of support since 2026-11-10"},
		{server(winver.Ended), &DotNetOfImage{Version: "7.0.1", Support: support(winver.Ended)}, Failed, "Windows Server is out of support since 2026-11-10; .NET 7.0.1 is out of support since 2026-11-10"},
		{server(winver.Supported), &DotNetOfImage{Version: "99.0"}, Failed, ".NET 99.0 is no release that this nanobuild knows"},
		{server(winver.Supported), &DotNetOfImage{Source: "a.json", Problem: "unexpected end"}, Failed, "its .NET cannot be told: a.json: unexpected end"},
		{&WindowsOfImage{}, nil, Failed, "Windows 10.0.1.2 is no release of Windows Server that this nanobuild knows"},
		{&WindowsOfImage{Problem: "no version"}, nil, Failed, "its Windows cannot be told: no version"},
		{nil, nil, Failed, "it holds no Windows"},
	} {
		verdict, detail := supported(&Inspection{Windows: c.windows, DotNet: c.dotnet, Platform: v1.Platform{OSVersion: "10.0.1.2"}})
		if verdict != c.verdict || detail != c.detail {
			t.Errorf("%s, %s; want %s, %s", verdict, detail, c.verdict, c.detail)
		}
	}
}

// TestSupportEnds: the same image passes, and later does not.
func TestSupportEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := w.published(t, w.base)
	for years, want := range map[int]string{0: "pass", 2: "fail .NET 10.0.0 is out of support since 2028-11-14"} {
		d := w.Deps
		d.Now = func() time.Time { return lateNovember.AddDate(years, 0, 0) }
		found, err := verifyBy(t, &vouching{}, verifying(image, policy.Policy{Supported: true}), d)
		if found == nil {
			t.Fatal(err)
		}
		if c := detailOf(t, found, CheckSupported); !strings.HasPrefix(string(c.Verdict)+" "+c.Detail, want) {
			t.Errorf("%+v, want %s", c, want)
		}
	}
}

func TestSound(t *testing.T) {
	t.Parallel()
	many := []string{"a", "b", "c", "d", "e"}
	ours := LayerInspection{Origin: "app", Verdict: "ok", Importer: "ok"}
	base := LayerInspection{Origin: BaseOrigin}
	for name, c := range map[string]struct {
		found   Inspection
		verdict Verdict
		detail  string
	}{
		"ours":    {Inspection{Verdict: "ok", Layers: []LayerInspection{base, ours}}, Passed, "1 layer read"},
		"remarks": {Inspection{Verdict: "warnings", Findings: many[:1], Layers: []LayerInspection{base, {Origin: "app", Verdict: "warnings", Findings: many[:2]}, ours}}, Passed, "2 layers read, with 3 remarks; nanobuild inspect tells more"},
		"broken":  {Inspection{Verdict: "ok", Layers: []LayerInspection{{Origin: "app", Verdict: "broken", Findings: many, Importer: "ok"}}}, Failed, "app layer: a, b, c and 2 more; nanobuild inspect tells more"},
		"image":   {Inspection{Verdict: "broken", Findings: many[:1], Layers: []LayerInspection{ours}}, Failed, "image: a; nanobuild inspect tells more"},
		"foreign": {Inspection{Layers: []LayerInspection{base, {Origin: OtherOrigin, Verdict: "broken", Findings: many, Importer: "ok"}}}, Passed, "1 layer read"},
		"refused": {Inspection{Layers: []LayerInspection{base, {Origin: OtherOrigin, Verdict: "broken", Importer: "broken", ImporterFindings: many[:1]}}}, Failed, "other layer: a; nanobuild inspect tells more"},
		"base":    {Inspection{Layers: []LayerInspection{base}}, Skipped, "no layer is on the base"},
	} {
		if verdict, detail := sound(&c.found); verdict != c.verdict || detail != c.detail {
			t.Errorf("%s: %s, %s; want %s, %s", name, verdict, detail, c.verdict, c.detail)
		}
	}
}

// TestVerifyLintsForeignLayers: what Windows would refuse fails, whoever made it.
func TestVerifyLintsForeignLayers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, files := range map[string][]string{"good": {"Hives/", "", "Files/", "", "Files/a.txt", "1"}, "bad": {"app/Demo.exe", "ELF"}} {
		ref := w.host + "/" + name + ":v1"
		if err := remote.Write(reference(t, ref), appended(t, tarOf(t, files...))); err != nil {
			t.Fatal(err)
		}
		found, err := verifyBy(t, &vouching{}, verifying(ref, policy.Policy{Lint: true}), w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if c := detailOf(t, found, CheckLint); (c.Verdict == Passed) != (name == "good") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	noTempLeft(t, w.TempRoot)
}

func TestHostedBy(t *testing.T) {
	t.Parallel()
	image := func(version string) *looked {
		return &looked{manifest: manifest{osVersion: version}, platform: v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}}
	}
	for _, c := range []struct {
		host   string
		images []*looked
		want   string
	}{
		{"ltsc2022", []*looked{image("10.0.20348.1")}, "10.0.20348.1: Windows Server 2022 runs it in a process"},
		{"ltsc2022", []*looked{image("10.0.26100.1"), image("10.0.20348.1")}, "10.0.20348.1: Windows Server 2022 runs it in a process"},
		{"ltsc2025", []*looked{image("10.0.26100.1")}, "10.0.26100.1: Windows Server 2025 runs it in a process; error 0xc0370106"},
		{"windows-11-24H2", []*looked{image("10.0.20348.1")}, "10.0.20348.1: Windows 11 24H2 runs it in a process"},
		{"ltsc2025/hyperv", []*looked{image("10.0.17763.1")}, "10.0.17763.1: Windows Server 2025 runs it in Hyper-V's virtual machine"},
		{"ltsc2025", []*looked{image("10.0.17763.1")}, "Windows Server 2025 runs Windows 10.0.17763.1 in Hyper-V's virtual machine alone; publish for --base ltsc2025, or ask for --runs-on ltsc2025/hyperv"},
		{"ltsc2019/hyperv", []*looked{image("10.0.20348.1")}, "Windows Server 2019 does not run Windows 10.0.20348.1, which is newer; publish for --base ltsc2019"},
		{"ltsc2019", []*looked{image("10.0.20348.1"), image("")}, "Windows Server 2019 does not run Windows 10.0.20348.1, which is newer; publish for --base ltsc2019; the image has no os.version"},
	} {
		host, err := policy.ParseHost(c.host)
		if err != nil {
			t.Fatal(err)
		}
		one, got, err := hostedBy(host, c.images)
		if err != nil {
			got = err.Error()
		} else {
			got = one.osVersion + ": " + got
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.host, got, c.want)
		}
	}
}
