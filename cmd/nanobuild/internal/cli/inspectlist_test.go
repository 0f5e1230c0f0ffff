package cli

import (
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// TestInspectShowsAnIndex has the text for an index of three Windows images.
func TestInspectShowsAnIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var images []v1.Image
	for _, version := range []string{"10.0.26100.32995", "10.0.20348.4171", "10.0.17763.7314"} {
		image, err := sample.Image(sample.Options{OSVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	index, err := sample.Index(images...)
	if err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteLayout(filepath.Join(dir, "image"), index); err != nil {
		t.Fatal(err)
	}
	seen := runIn(t.Context(), t, dir, nil, "inspect", "oci:"+filepath.Join(dir, "image"))
	if seen.code != exitOK {
		t.Fatalf("exit code %d: %s", seen.code, seen.stderr)
	}
	words := strings.Join(strings.Fields(seen.stdout), " ")
	for _, want := range []string{
		" lint ok PLATFORM VERSION WINDOWS DIGEST windows/amd64 10.0.26100.32995 ltsc2025 (Windows Server 2025), ",
		" windows/amd64 10.0.20348.4171 ltsc2022 ", " windows/amd64 10.0.17763.7314 ltsc2019 ",
		" RUNS ON BUILD PROCESS HYPER-V ALONE Windows Server 2025 26100 10.0.26100.32995, 10.0.20348.4171 10.0.17763.7314 ",
		" Windows Server 2022 20348 10.0.20348.4171 10.0.17763.7314 ", " Windows Server 2019 17763 10.0.17763.7314 - ", " Windows Server 2016 14393 - - ",
		"--os-version 10.0.26100.32995",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("stdout = %s\nwant in it %q", seen.stdout, want)
		}
	}
	if seen := runIn(t.Context(), t, dir, nil, "inspect", "oci:"+filepath.Join(dir, "image"), "--os-version", "10.0.17763"); !strings.Contains(seen.stdout, "windows/amd64 10.0.17763.7314\n") {
		t.Errorf("exit code %d: %s%s", seen.code, seen.stdout, seen.stderr)
	}
	if seen := runIn(t.Context(), t, dir, nil, "inspect", "oci:"+filepath.Join(dir, "image"), "-o", "json"); !strings.Contains(seen.stdout, `"entries": [`) {
		t.Errorf("exit code %d: %s%s", seen.code, seen.stdout, seen.stderr)
	}
	for version, code := range map[string]int{"10.0.1": exitBase, "ltsc2022": exitUsage} {
		seen := runIn(t.Context(), t, dir, nil, "inspect", "oci:"+filepath.Join(dir, "image"), "--os-version", version)
		if seen.code != code || !strings.Contains(seen.stderr, "--os-version") {
			t.Errorf("--os-version %s: exit code %d: %s", version, seen.code, seen.stderr)
		}
	}
}

func TestAgeInWords(t *testing.T) {
	t.Parallel()
	for want, age := range map[string]*flow.AgeOfBase{
		"":                                     nil,
		"up to date with r":                    {Reference: "r", Version: "10.0.20348.2", State: flow.BaseCurrent},
		"r has 10.0.20348.2":                   {Reference: "r", Version: "10.0.20348.2", State: flow.BaseBehind},
		"1 update behind: r has 10.0.20348.3":  {Reference: "r", Version: "10.0.20348.3", State: flow.BaseBehind, Behind: 1},
		"3 updates behind: r has 10.0.20348.4": {Reference: "r", Version: "10.0.20348.4", State: flow.BaseBehind, Behind: 3},
		"newer than r, which has 10.0.20348.2": {Reference: "r", Version: "10.0.20348.2", State: flow.BaseAhead},
		"r has the same Windows, but is another image now": {Reference: "r", State: flow.BaseRebuilt},
		"r has -": {Reference: "r"},
	} {
		if got := ageText(age); got != want {
			t.Errorf("%+v: %q, want %q", age, got, want)
		}
	}
	if got := ageText(&flow.AgeOfBase{Reference: "r", Problem: "gone"}); got != "" {
		t.Errorf("a problem is told as %q", got)
	}
}

func TestDuplicatesInWords(t *testing.T) {
	t.Parallel()
	var d flow.Duplicates
	for range mostCopies + 1 {
		d.Files = append(d.Files, flow.CopiedFile{Size: 5, At: []flow.FileOfCopy{
			{Origin: "app", Path: `C:\a`}, {Origin: "other", Path: "C:\\b\nfake"}, {Origin: "app", Path: "c"}, {Origin: "app", Path: "d"}, {Origin: "app", Path: "e"},
		}})
	}
	d.Bytes, d.Layers = 2048, []flow.CopiedLayer{{Digest: "sha256:1", Size: 3, Times: 2}}
	var b strings.Builder
	writeDuplicates(&b, &d)
	got := b.String()
	for _, want := range []string{
		"\nduplicate bytes: " + flow.BytesText(2048) + " in files", `  5 B: C:\a (app), "C:\\b\nfake" (other), c (app), d (app), and 1 more` + "\n", "  and 1 more\n", "layer sha256:1 of 3 B is there 2 times\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nwant in it %q", got, want)
		}
	}
	if n := strings.Count(got, "\n"); n != mostCopies+4 {
		t.Errorf("%d lines: %s", n, got)
	}
}

func TestHostsOfMixedIndex(t *testing.T) {
	t.Parallel()
	host := func(i winver.Isolation) []flow.HostOfImage {
		return []flow.HostOfImage{{Host: "H", Build: 1, Isolation: i}}
	}
	var b strings.Builder
	writeHostsOfList(&b, []flow.EntryOfList{
		{Platform: &v1.Platform{OS: "linux"}}, {Platform: &v1.Platform{OSVersion: "1"}, RunsOn: host(winver.Process)},
		{Platform: &v1.Platform{OSVersion: "2"}, RunsOn: host(winver.None)}, {Platform: &v1.Platform{OSVersion: "3"}, RunsOn: host(winver.HyperV)},
	})
	if !strings.HasSuffix(b.String(), "H\t1\t1\t3\n") {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	if writeHostsOfList(&b, []flow.EntryOfList{{Platform: &v1.Platform{OS: "linux"}}, {}}); b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
	if got := platformText(flow.EntryOfList{Platform: &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}}) + platformText(flow.EntryOfList{}) + platformText(flow.EntryOfList{Attests: "x"}); got != "linux/arm64/v8-attestation" {
		t.Errorf("platforms %q", got)
	}
}
