package sbom

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// built publishes a copy of the sample webapi in a folder of its own, and plans its
// layers.
func built(t *testing.T) (Input, *layers.Plan) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "webapi")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "testdata", "webapi"))); err != nil {
		t.Fatal(err)
	}
	for _, made := range []string{"obj", "bin"} {
		if err := os.RemoveAll(filepath.Join(dir, made)); err != nil {
			t.Fatal(err)
		}
	}
	app, err := dotnet.Publish(t.Context(), dotnet.Request{Project: dir, Dotnet: need.Dotnet(t), Env: os.Environ(), TempDir: t.TempDir(), WorkDir: dir, CI: true})
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(app.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	clock := layers.Clock{Seconds: 1789000000, Known: true}
	plan, err := layers.NewPlan(t.Context(), layers.PlanOptions{FS: root.FS(), Target: "app", Origins: app.Origins, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	packages, err := dotnet.ReadPackages(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	return Input{Name: "webapi", Packages: packages, Files: FilesOf(plan, `C:\app`), Clock: clock}, plan
}

// TestWebAPI has each file of the layers belong to one package, of the kind that its
// layer holds, in both formats; and two builds in two folders make the same documents.
func TestWebAPI(t *testing.T) {
	s := schema(t)
	in, plan := built(t)
	again, _ := built(t)
	contents := Contents{Bases: bases[:1]}
	spdx, cycloneDX := written(t, document(t, in), contents)
	spdxAgain, cycloneDXAgain := written(t, document(t, again), contents)
	if !bytes.Equal(spdx, spdxAgain) || !bytes.Equal(cycloneDX, cycloneDXAgain) {
		t.Error("two builds make different documents")
	}
	t.Logf("SPDX has %d bytes, CycloneDX %d", len(spdx), len(cycloneDX))
	origins := map[string]layers.Origin{}
	for _, g := range plan.Groups {
		for _, e := range g.Entries {
			if !e.Dir {
				origins[e.Path] = g.Origin
			}
		}
	}
	doc := checkSPDX(t, spdx)
	if len(doc.Files) != len(origins) || len(origins) < 300 {
		t.Errorf("%d files in the document, %d in the layers", len(doc.Files), len(origins))
	}
	for _, f := range doc.Files {
		if origins[strings.TrimPrefix(f.FileName, "./")] == "" {
			t.Errorf("%s is in no layer", f.FileName)
		}
	}
	bom := checkCycloneDX(t, s, cycloneDX)
	for _, p := range *bom.Components {
		if p.Components == nil {
			continue
		}
		for _, f := range *p.Components {
			want := map[layers.Origin]cdx.ComponentType{
				layers.Runtime: cdx.ComponentTypeFramework, layers.Aspnet: cdx.ComponentTypeFramework,
				layers.Packages: cdx.ComponentTypeLibrary, layers.App: cdx.ComponentTypeApplication,
			}[origins[f.Name]]
			if p.Type != want {
				t.Errorf("%s of the layer %s belongs to the %s %s", f.Name, origins[f.Name], p.Type, p.Name)
			}
		}
	}
	for _, raw := range [][]byte{spdx, cycloneDX} {
		for _, place := range []string{os.TempDir(), "/home/", "packages/"} {
			if i := bytes.Index(raw, []byte(place)); i >= 0 {
				t.Errorf("a path of this machine: %s", raw[max(0, i-50):i+50])
			}
		}
	}
}
