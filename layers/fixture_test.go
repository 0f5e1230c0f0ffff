package layers

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sampleFolder is a publish folder with a file for every layer, and names that
// sort in awkward ways.
func sampleFolder() (fstest.MapFS, map[string]Origin) {
	const date = "Wed, 25 Nov 2026 22:04:59 GMT"
	endpoints := `{"Version":1,"Endpoints":[{"Route":"css/site.css","AssetFile":"css/site.css","ResponseHeaders":[{"Name":"Last-Modified","Value":"` + date + `"}]}]}`
	fsys := fstest.MapFS{
		"App.exe": file("MZ"), "App.dll": file("app"), "App.staticwebassets.endpoints.json": file(endpoints),
		"coreclr.dll": file(noise(1, 5000)), "Microsoft.AspNetCore.dll": file(noise(2, 3000)), "PresentationCore.dll": file("wpf"),
		"Lib.dll": file("lib"), "de/Lib.resources.dll": file("satellite"), "de/App.resources.dll": file("own satellite"), "de.dll": file("beside a folder"),
		"Core.dll": file("project"), "wwwroot/css/site.css": file("body{}"), "wwwroot/ünï cöde/日本語.txt": file("names"), "empty.txt": file(""),
		"data/" + strings.Repeat("long/", 30) + "name.txt": file("a path of more than 100 bytes"),
	}
	origins := map[string]Origin{
		"coreclr.dll": Runtime, "Microsoft.AspNetCore.dll": Aspnet, "PresentationCore.dll": Desktop,
		"Lib.dll": Packages, "de/Lib.resources.dll": Packages, "Core.dll": Project,
	}
	return fsys, origins
}

// TestGoldenFixture holds the layers of a folder with every kind of file fast.
// Run with -update, and raise FormatVersion, when they are meant to change.
func TestGoldenFixture(t *testing.T) {
	t.Parallel()
	fsys, origins := sampleFolder()
	commit := Clock{Seconds: 1789000000, Known: true}
	var lines []string
	for _, c := range []struct {
		name string
		o    PlanOptions
	}{
		{"commit", PlanOptions{Clock: commit}},
		{"no-clock", PlanOptions{}},
		{"single", PlanOptions{Clock: commit, Single: true}},
		{"writable", PlanOptions{Clock: commit, Writable: []string{"app/logs", "data"}, Target: "srv/app"}},
	} {
		c.o.FS, c.o.Origins = fsys, origins
		for _, g := range mustPlan(t, c.o).Groups {
			l, err := Build(context.Background(), g, Options{})
			if err != nil {
				t.Fatal(err)
			}
			id, err := l.DiffID()
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", c.name, g.Origin, id))
		}
	}
	compareGolden(t, "testdata/diffids.txt", lines)
}

func compareGolden(t *testing.T, name string, lines []string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Fields(string(golden)), strings.Fields(strings.Join(lines, " "))); diff != "" {
		t.Error(diff)
	}
}

// backwards lists folders in the reverse order.
type backwards struct{ fstest.MapFS }

func (b backwards) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := b.MapFS.ReadDir(name)
	slices.Reverse(list)
	return list, err
}

// TestSameBytesEverywhere writes one folder to disk in two ways, and packs it
// with different numbers of processors: the blobs are the same.
func TestSameBytesEverywhere(t *testing.T) { // not parallel: it sets GOMAXPROCS
	fsys, origins := sampleFolder()
	var want []string
	for i, procs := range []int{1, 2, 8} {
		old := runtime.GOMAXPROCS(procs)
		var source fs.FS = backwards{fsys}
		if i > 0 {
			source = onDisk(t, fsys, i == 1)
		}
		got := blobs(t, PlanOptions{FS: source, Origins: origins, Clock: Clock{Seconds: 1789000000, Known: true}})
		runtime.GOMAXPROCS(old)
		if i == 0 {
			want = got
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with %d processors: %s", procs, diff)
		}
	}
}

// onDisk writes a folder, in one of two ways, and returns the FS of its root.
func onDisk(t *testing.T, fsys fstest.MapFS, odd bool) fs.FS {
	t.Helper()
	dir := t.TempDir()
	names := sortedNames(fsys)
	mode, when := fs.FileMode(0o600), time.Unix(1e9, 0)
	if odd {
		slices.Reverse(names)
		mode, when = 0o755, time.Unix(15e8, 123456789)
	}
	for _, name := range names {
		p := filepath.Join(dir, filepath.FromSlash(name))
		err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700|mode), os.WriteFile(p, fsys[name].Data, mode), os.Chmod(p, mode), os.Chtimes(p, when, when))
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root.FS()
}

func sortedNames(fsys fstest.MapFS) []string {
	names := make([]string, 0, len(fsys))
	for name := range fsys {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func blobs(t *testing.T, o PlanOptions) []string {
	t.Helper()
	var out []string
	for _, g := range mustPlan(t, o).Groups {
		l, err := Build(context.Background(), g, Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		digest, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s", g.Origin, digest))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	return out
}
