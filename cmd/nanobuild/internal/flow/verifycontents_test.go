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
		layers := []LayerInspection{{Origin: BaseOrigin}, {Origin: "app", Verdict: "ok"}}
		verdict, detail := supported(&Inspection{Windows: c.windows, DotNet: c.dotnet, Platform: v1.Platform{OSVersion: "10.0.1.2"}, Layers: layers}, "")
		if verdict != c.verdict || detail != c.detail {
			t.Errorf("%s, %s; want %s, %s", verdict, detail, c.verdict, c.detail)
		}
	}
}

// TestSupportedReadsAll: in a layer that was not read there may be .NET.
func TestSupportedReadsAll(t *testing.T) {
	t.Parallel()
	read, below, foreign := LayerInspection{Origin: "app", Verdict: "ok"}, LayerInspection{Origin: BaseOrigin}, LayerInspection{Origin: OtherOrigin}
	told := &DotNetOfImage{Version: "8.0.1", Support: &SupportOfImage{Phase: winver.Supported, End: "2026-11-10"}}
	for _, c := range []struct {
		layers []LayerInspection
		dotnet *DotNetOfImage
		doubt  string
		want   string
	}{
		{[]LayerInspection{below, read}, nil, "", "pass Windows Server is supported until 2030-01-01; no .NET found"},
		{[]LayerInspection{read, read}, nil, "who knows", "pass Windows Server is supported until 2030-01-01; no .NET found"},
		{[]LayerInspection{below, read}, nil, "who knows", "fail no .NET found, and 1 layer not read: who knows"},
		{[]LayerInspection{below, read}, told, "who knows", "pass Windows Server is supported until 2030-01-01; .NET 8.0.1 is supported until 2026-11-10"},
		{[]LayerInspection{below, foreign, foreign}, nil, "", "fail no .NET found, and 2 foreign layers not read"},
	} {
		i := &Inspection{Windows: &WindowsOfImage{Title: "Windows Server", Support: &SupportOfImage{Phase: winver.Supported, End: "2030-01-01"}}, DotNet: c.dotnet, Layers: c.layers}
		if verdict, detail := supported(i, c.doubt); string(verdict)+" "+detail != c.want {
			t.Errorf("%s %s, want %s", verdict, detail, c.want)
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
		doubt   string
		verdict Verdict
		detail  string
	}{
		"ours":          {Inspection{Verdict: "ok", Layers: []LayerInspection{base, ours}}, "", Passed, "1 layer read"},
		"remarks":       {Inspection{Verdict: "warnings", Findings: many[:1], Layers: []LayerInspection{base, {Origin: "app", Verdict: "warnings", Findings: many[:2]}, ours}}, "", Passed, "2 layers read, with 3 remarks; nanobuild inspect tells more"},
		"broken":        {Inspection{Verdict: "ok", Layers: []LayerInspection{{Origin: "app", Verdict: "broken", Findings: many, Importer: "ok"}}}, "", Failed, "app layer: a, b, c and 2 more; nanobuild inspect tells more"},
		"image":         {Inspection{Verdict: "broken", Findings: many[:1], Layers: []LayerInspection{ours}}, "", Failed, "image: a; nanobuild inspect tells more"},
		"foreign":       {Inspection{Layers: []LayerInspection{base, {Origin: OtherOrigin, Verdict: "broken", Findings: many, Importer: "ok"}}}, "", Passed, "1 layer read"},
		"refused":       {Inspection{Layers: []LayerInspection{base, {Origin: OtherOrigin, Verdict: "broken", Importer: "broken", ImporterFindings: many[:1]}}}, "", Failed, "other layer: a; nanobuild inspect tells more"},
		"base":          {Inspection{Layers: []LayerInspection{base}}, "", Skipped, "no layer is on the base"},
		"doubted base":  {Inspection{Layers: []LayerInspection{base}}, "who knows", Failed, "no layer is read: who knows"},
		"doubted":       {Inspection{Layers: []LayerInspection{base, ours}}, "who knows", Passed, "1 layer read; who knows"},
		"not to be had": {Inspection{Layers: []LayerInspection{base, {Origin: OtherOrigin}, ours}}, "", Failed, "other layer: it is a foreign one on the base, and is not read; nanobuild inspect tells more"},
	} {
		if verdict, detail := sound(&c.found, c.doubt); verdict != c.verdict || detail != c.detail {
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
