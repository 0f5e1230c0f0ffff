package sbom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/spdx/tools-golang/spdx"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

var bases = []*base.Base{
	nanoserver("mcr.microsoft.com/windows/nanoserver:ltsc2022", "10.0.20348.4171"),
	nanoserver("localhost:5000/own/base@sha256:"+strings.Repeat("ab", 32), "10.0.26100.1"),
	nanoserver("oci:/home/planted/base", ""),
}

// relations lists what a document says of its packages, by their names.
func relations(doc *spdx.Document) []string {
	names := map[string]string{"DOCUMENT": "DOCUMENT"}
	for _, p := range doc.Packages {
		names[string(p.PackageSPDXIdentifier)] = p.PackageName
	}
	for _, f := range doc.Files {
		names[string(f.FileSPDXIdentifier)] = f.FileName
	}
	var out []string
	for _, r := range doc.Relationships {
		out = append(out, names[string(r.RefA.ElementRefID)]+" "+r.Relationship+" "+names[string(r.RefB.ElementRefID)])
	}
	slices.Sort(out)
	return out
}

func TestSPDX(t *testing.T) {
	t.Parallel()
	d := document(t, shopInput())
	raw, _ := written(t, d, Contents{Bases: bases})
	doc := checkSPDX(t, raw)
	want := []string{
		"Analyzer BUILD_DEPENDENCY_OF Shop.Web",
		"DOCUMENT DESCRIBES shop/web",
		"Microsoft.NETCore.App.Runtime.win-x64 CONTAINS ./app/coreclr.dll",
		"Polly CONTAINS ./app/Polly.dll",
		"Shop.Store CONTAINS ./app/Shop.Store.dll", "Shop.Store CONTAINS ./app/de/Shop.Store.resources.dll",
		"Shop.Store DEPENDS_ON Old", "Shop.Store DEPENDS_ON Polly",
		"Shop.Web CONTAINS ./app/Shop.Web.exe",
		"Shop.Web DEPENDS_ON Microsoft.NETCore.App.Runtime.win-x64", "Shop.Web DEPENDS_ON Shop.Store",
		"shop/web CONTAINS Microsoft.NETCore.App.Runtime.win-x64", "shop/web CONTAINS Old", "shop/web CONTAINS Polly",
		"shop/web CONTAINS Shop.Store", "shop/web CONTAINS Shop.Web",
		"shop/web DESCENDANT_OF base image", "shop/web DESCENDANT_OF localhost:5000/own/base", "shop/web DESCENDANT_OF mcr.microsoft.com/windows/nanoserver",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, relations(doc)); diff != "" {
		t.Error(diff)
	}
	if doc.CreationInfo.Created != "2026-09-10T00:26:40Z" {
		t.Errorf("made at %s", doc.CreationInfo.Created)
	}
	declared := map[string]string{}
	for _, p := range doc.Packages {
		declared[p.PackageName] = p.PackageLicenseDeclared
		if p.PackageName == "Shop.Web" && p.PackageDownloadLocation != "git+https://git.example/shop@"+commit {
			t.Errorf("the application comes from %q", p.PackageDownloadLocation)
		}
	}
	if declared["Polly"] != "BSD-3-Clause OR (Apache-2.0 WITH LLVM-exception)" || declared["Old"] != noAssertion ||
		!strings.HasPrefix(declared["Analyzer"], "LicenseRef-") || !strings.HasPrefix(declared["Microsoft.NETCore.App.Runtime.win-x64"], "LicenseRef-") {
		t.Errorf("licences: %q", declared)
	}
}

func TestCycloneDX(t *testing.T) {
	t.Parallel()
	s := schema(t)
	_, raw := written(t, document(t, shopInput()), Contents{Bases: bases})
	bom := checkCycloneDX(t, s, raw)
	files, purls := map[string]string{}, map[string]string{}
	for _, c := range *bom.Components {
		purls[c.Name] = c.PackageURL
		if c.Components == nil {
			continue
		}
		for _, f := range *c.Components {
			if f.Type != cdx.ComponentTypeFile || len(*f.Hashes) != 2 {
				t.Errorf("file %+v", f)
			}
			files[f.Name] = c.Name
		}
	}
	if diff := cmp.Diff(map[string]string{
		"app/Shop.Web.exe": "Shop.Web", "app/Shop.Store.dll": "Shop.Store", "app/de/Shop.Store.resources.dll": "Shop.Store",
		"app/Polly.dll": "Polly", "app/coreclr.dll": "Microsoft.NETCore.App.Runtime.win-x64",
	}, files); diff != "" {
		t.Error(diff)
	}
	digest := "sha256:" + strings.Repeat("ab", 32)
	if diff := cmp.Diff(map[string]string{
		"Shop.Web": "", "Shop.Store": "", "base image": "",
		"Polly": "pkg:nuget/Polly@8.9.1", "Old": "pkg:nuget/Old@0.1.0-beta%2Bx", "Analyzer": "pkg:nuget/Analyzer@1.0.0",
		"Microsoft.NETCore.App.Runtime.win-x64": "pkg:nuget/Microsoft.NETCore.App.Runtime.win-x64@10.0.12",
		"mcr.microsoft.com/windows/nanoserver":  "pkg:oci/nanoserver@" + digest + "?repository_url=mcr.microsoft.com%2Fwindows%2Fnanoserver&tag=ltsc2022",
		"localhost:5000/own/base":               "pkg:oci/base@" + digest + "?repository_url=localhost:5000%2Fown%2Fbase",
	}, purls); diff != "" {
		t.Error(diff)
	}
	if n := len(*bom.Metadata.Component.Pedigree.Ancestors); n != len(bases) {
		t.Errorf("%d ancestors", n)
	}
}

// TestSecretsStayOut has passwords in addresses, and paths of the machine.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	spdx, cycloneDX := written(t, document(t, shopInput()), Contents{Bases: bases})
	for _, raw := range [][]byte{spdx, cycloneDX} {
		if bytes.Contains(raw, []byte("planted")) || bytes.Contains(raw, []byte("javascript:")) {
			t.Errorf("a secret or a path is in %s", raw)
		}
	}
}

func TestPackagesOnly(t *testing.T) {
	t.Parallel()
	d := document(t, shopInput())
	spdx, cycloneDX := written(t, d, Contents{PackagesOnly: true})
	if doc := checkSPDX(t, spdx); len(doc.Files) != 0 || len(doc.Packages) != 7 {
		t.Errorf("%d files and %d packages", len(doc.Files), len(doc.Packages))
	}
	if bytes.Contains(cycloneDX, []byte("coreclr.dll")) {
		t.Error("a file is in the CycloneDX document")
	}
	in := shopInput()
	in.Files = nil
	other, _ := written(t, document(t, in), Contents{})
	if !bytes.Equal(other, spdx) {
		t.Error("without files another document comes out than with the packages only")
	}
}

// TestSameBytes gives the files in any order; another content makes another name.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	in := shopInput()
	first, second := written(t, document(t, in), Contents{Bases: bases})
	slices.Reverse(in.Files)
	again, secondAgain := written(t, document(t, in), Contents{Bases: bases})
	if !bytes.Equal(first, again) || !bytes.Equal(second, secondAgain) {
		t.Error("the order of the files changes the documents")
	}
	in.Packages.Packages[4].Version = "8.9.2"
	other, secondOther := written(t, document(t, in), Contents{Bases: bases})
	if nameOf(t, first, "documentNamespace") == nameOf(t, other, "documentNamespace") || nameOf(t, second, "serialNumber") == nameOf(t, secondOther, "serialNumber") {
		t.Error("two documents have one name")
	}
}

func nameOf(t *testing.T, raw []byte, key string) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	s, _ := doc[key].(string)
	if s == "" {
		t.Fatalf("no %s", key)
	}
	return s
}

// TestHostileNames has names that look like each other once they are identifiers.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	hostile := []string{"a b", "a-b", "a\nb", `a"b`, "ä</script>", "..", strings.Repeat("n", 5000), "\u2028", "a/../b?x=y#z", "%2e"}
	in := Input{Name: "x", Packages: &dotnet.Inventory{Packages: []dotnet.Package{{Kind: dotnet.AppPackage, Name: "app"}}, Owners: map[string]int{}}}
	for i, n := range hostile {
		in.Packages.Packages = append(in.Packages.Packages, dotnet.Package{
			Kind: dotnet.NuGetPackage, Name: n, Version: n, Dependencies: hostile,
			Manifest: dotnet.Manifest{Authors: n, Copyright: n, ProjectURL: n, License: dotnet.License{Expression: n}},
		})
		in.Packages.Owners[n] = i + 1
	}
	in.Files = filesOf(in.Packages)
	s := schema(t)
	spdx, cycloneDX := written(t, document(t, in), Contents{})
	checkSPDX(t, spdx)
	bom := checkCycloneDX(t, s, cycloneDX)
	for i, n := range hostile {
		if got := (*bom.Components)[i+1].Name; got != n {
			t.Errorf("the package %q is called %q", n, got)
		}
	}
}

func TestUnknownTime(t *testing.T) {
	t.Parallel()
	in := shopInput()
	in.Clock = layers.Clock{}
	raw, _ := written(t, document(t, in), Contents{})
	if doc := checkSPDX(t, raw); doc.CreationInfo.Created != "1970-01-01T00:00:00Z" {
		t.Errorf("made at %s", doc.CreationInfo.Created)
	}
}

func TestNewFails(t *testing.T) {
	t.Parallel()
	if _, err := New(t.Context(), Input{Name: "x"}); err == nil {
		t.Error("an image without packages is described")
	}
	in := shopInput()
	in.Files[2].Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	if _, err := New(t.Context(), in); err == nil || !strings.Contains(err.Error(), in.Files[2].Path) {
		t.Errorf("error %v, want one that names %s", err, in.Files[2].Path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, shopInput()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestFilesOf(t *testing.T) {
	t.Parallel()
	entries := []layers.Entry{{Path: "app", Dir: true}, {Path: "app/a.dll"}, {Path: "app/app/b.dll"}}
	for dir, want := range map[string][]string{`C:\app`: {"a.dll", "app/b.dll"}, `C:\`: {"app/a.dll", "app/app/b.dll"}} {
		var got []string
		for _, f := range FilesOf(&layers.Plan{Groups: []layers.Group{{Entries: entries}}}, dir) {
			got = append(got, f.Source)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
}
