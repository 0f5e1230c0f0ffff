package layers

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// file is a file of a MapFS.
func file(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content), Mode: 0o644} }

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

func mustPlan(t testing.TB, o PlanOptions) *Plan {
	t.Helper()
	if o.Target == "" {
		o.Target = "app"
	}
	p, err := NewPlan(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shape lists a plan as "origin path" lines, folders with a slash behind,
// writable entries with a star.
func shape(p *Plan) []string {
	var out []string
	for _, g := range p.Groups {
		for _, e := range g.Entries {
			line := string(g.Origin) + " " + e.Path
			if e.Dir {
				line += "/"
			}
			if e.Writable {
				line += "*"
			}
			out = append(out, line)
		}
	}
	return out
}

func TestPlanSplitsByOrigin(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, PlanOptions{
		FS: fstest.MapFS{
			"App.exe":              file("exe"),
			"coreclr.dll":          file("clr"),
			"de/Lib.resources.dll": file("satellite"),
			"de/App.resources.dll": file("satellite"),
			"wwwroot/a.css":        file("a"),
			"wwwroot.txt":          file("not an asset"),
			"wwwroot/p.js":         file("from a package"),
			"empty":                {Mode: fs.ModeDir | 0o755},
		},
		Origins:  map[string]Origin{"coreclr.dll": Runtime, "de/Lib.resources.dll": Packages, "wwwroot/p.js": Packages},
		Dirs:     []string{"app", "Data/x"},
		Writable: []string{"App/DE"},
	})
	want := []string{
		"runtime app/", "runtime app/coreclr.dll",
		"packages app/", "packages app/de/*", "packages app/de/Lib.resources.dll*", "packages app/wwwroot/", "packages app/wwwroot/p.js",
		"assets app/", "assets app/wwwroot/", "assets app/wwwroot/a.css",
		"app Data/", "app Data/x/", "app app/", "app app/App.exe", "app app/de/*", "app app/de/App.resources.dll*",
		"app app/empty/", "app app/wwwroot.txt",
	}
	if diff := cmp.Diff(want, shape(p)); diff != "" {
		t.Error(diff)
	}
}

func TestPlanSingle(t *testing.T) {
	t.Parallel()
	clock := Clock{Seconds: 1789000000, Known: true}
	p := mustPlan(t, PlanOptions{
		FS: fstest.MapFS{"coreclr.dll": file("clr"), "wwwroot/a": file("a")}, Target: "srv/app",
		Origins: map[string]Origin{"coreclr.dll": Runtime}, Single: true, Clock: clock,
	})
	want := []string{"app srv/", "app srv/app/", "app srv/app/coreclr.dll", "app srv/app/wwwroot/", "app srv/app/wwwroot/a"}
	if diff := cmp.Diff(want, shape(p)); diff != "" {
		t.Fatal(diff)
	}
	dll := p.Groups[0].Entries[2]
	if !dll.Time.Equal(clock.FileTime(App, dll.SHA256)) || dll.Size != 3 {
		t.Errorf("time %v, size %d", dll.Time, dll.Size)
	}
	if dir := p.Groups[0].Entries[0]; !dir.Time.Equal(time.Unix(0, 0)) {
		t.Errorf("folder's time %v, want 1970", dir.Time)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fsys fstest.MapFS
		opts PlanOptions
		want []string // all in the message
	}{
		{"names that differ in case", fstest.MapFS{"Foo.dll": file("1"), "foo.dll": file("2")}, PlanOptions{}, []string{"Foo.dll", "foo.dll", "rename"}},
		{"beyond ASCII", fstest.MapFS{"é.txt": file("1"), "É.txt": file("2")}, PlanOptions{}, []string{"é.txt", "É.txt"}},
		{"a file and a folder", fstest.MapFS{"data": file("1"), "Data/x": file("2")}, PlanOptions{}, []string{"data", "Data"}},
		{"folders that differ in case, of two layers", fstest.MapFS{"Data/x": file("1"), "data/y": file("2")},
			PlanOptions{Origins: map[string]Origin{"Data/x": Packages}}, []string{"Data", "data"}},
		{"device", fstest.MapFS{"aux.dll": file("1")}, PlanOptions{}, []string{"aux.dll", "AUX"}},
		{"colon", fstest.MapFS{"a:b": file("1")}, PlanOptions{}, []string{"a:b", "':'"}},
		{"whiteout", fstest.MapFS{"x/.wh.y": file("1")}, PlanOptions{}, []string{".wh.y", "deletion"}},
		{"long name", fstest.MapFS{strings.Repeat("n", 256): file("1")}, PlanOptions{}, []string{"256 characters"}},
		{"long folder name", fstest.MapFS{strings.Repeat("n", 246) + "/x": file("1")}, PlanOptions{}, []string{"246 characters"}},
		{"link out", fstest.MapFS{"a": file("1"), "d/l": link("../../etc/passwd")}, PlanOptions{}, []string{"d/l", "out of the folder", "copy"}},
		{"absolute link", fstest.MapFS{"a": file("1"), "l": link("/etc/passwd")}, PlanOptions{}, []string{"l:", "/etc/passwd"}},
		{"Windows link", fstest.MapFS{"a": file("1"), "l": link(`C:\Windows\x`)}, PlanOptions{}, []string{"l:", "out of the folder"}},
		{"dangling link", fstest.MapFS{"a": file("1"), "l": link("gone")}, PlanOptions{}, []string{"gone", "does not exist"}},
		{"link to itself", fstest.MapFS{"a": file("1"), "l": link("l")}, PlanOptions{}, []string{"circle"}},
		{"link to its folder", fstest.MapFS{"d/a": file("1"), "d/l": link("../d")}, PlanOptions{}, []string{"d/l", "leads back"}},
		{"pipe", fstest.MapFS{"a": file("1"), "p": {Mode: fs.ModeNamedPipe}}, PlanOptions{}, []string{"p:", "named pipe"}},
		{"socket", fstest.MapFS{"a": file("1"), "s": {Mode: fs.ModeSocket}}, PlanOptions{}, []string{"s:", "socket"}},
		{"device file", fstest.MapFS{"a": file("1"), "n": {Mode: fs.ModeDevice | fs.ModeCharDevice}}, PlanOptions{}, []string{"n:", "device"}},
		{"nothing", fstest.MapFS{}, PlanOptions{Dirs: []string{"app"}}, []string{"no files"}},
		{"folder of the base", fstest.MapFS{"a": file("1")}, PlanOptions{Writable: []string{"windows/temp"}}, []string{"windows/temp", "base image"}},
		{"writable file", fstest.MapFS{"a": file("1")}, PlanOptions{Writable: []string{"app/a"}}, []string{"a: ", "a file and a folder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opts.FS, tt.opts.Target = tt.fsys, "app"
			_, err := NewPlan(context.Background(), tt.opts)
			var bad *NameError
			if !errors.As(err, &bad) {
				t.Fatalf("err = %v, want a NameError", err)
			}
			if strings.Contains(err.Error(), "app/") {
				t.Errorf("%q names files as they are in the image", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

func TestPlanRefusesLargeFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "big"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "big"), maxFile+1); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	_, err := NewPlan(context.Background(), PlanOptions{FS: os.DirFS(dir), Target: "app"})
	var bad *NameError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), "8 GiB") {
		t.Errorf("err = %v, want a NameError about 8 GiB", err)
	}
}

// TestPlanFollowsLinks uses real links, through the FS of an os.Root, as
// publish does.
func TestPlanFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("real/deep/a.txt", "content a")
	for name, target := range map[string]string{"file": "real/deep/a.txt", "folder": "real", "real/again": "deep/../deep", "chain": "file"} {
		if err := os.Symlink(filepath.FromSlash(target), filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	p := mustPlan(t, PlanOptions{FS: root.FS()})
	want := []string{
		"app app/", "app app/chain", "app app/file", "app app/folder/", "app app/folder/again/", "app app/folder/again/a.txt",
		"app app/folder/deep/", "app app/folder/deep/a.txt", "app app/real/", "app app/real/again/", "app app/real/again/a.txt",
		"app app/real/deep/", "app app/real/deep/a.txt",
	}
	if diff := cmp.Diff(want, shape(p)); diff != "" {
		t.Fatal(diff)
	}
	for _, e := range p.Groups[0].Entries {
		if e.Dir {
			continue
		}
		f, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || string(got) != "content a" {
			t.Errorf("%s holds %q, %v", e.Path, got, err)
		}
		_ = f.Close()
	}
}

func TestPlanWarns(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("d", 200) + "/" + strings.Repeat("f", 60)
	const key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n"
	p := mustPlan(t, PlanOptions{FS: fstest.MapFS{
		"a.PFX":            file("x"),
		"b.p12":            file("x"),
		"tls.key":          file(strings.Replace(key, "PRIVATE", "EC PRIVATE", 1)),
		"appsettings.json": file(`{"Key":"` + strings.ReplaceAll(key, "\n", `\n`) + `"}`),
		"public.pem":       file("-----BEGIN PUBLIC KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n"),
		"pem.js":           file("if (s.startsWith('-----BEGIN PRIVATE KEY-----')) {}"),
		long:               file("x"),
	}})
	want := []string{"C:\\app\\ddd", "a.PFX is packed", "appsettings.json is packed", "b.p12 is packed", "tls.key is packed"}
	if len(p.Warnings) != len(want) {
		t.Fatalf("warnings: %q", p.Warnings)
	}
	for i, w := range want {
		if !strings.HasPrefix(p.Warnings[i], w) {
			t.Errorf("warning %d = %q, want %q…", i, p.Warnings[i], w)
		}
	}
}

func TestPlanEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := NewPlan(ctx, PlanOptions{FS: fstest.MapFS{"a": file("1")}, Target: "app"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want Canceled", err)
	}
}

func TestCompareSortsParentsFirst(t *testing.T) {
	t.Parallel()
	got := []string{"a.txt", "a/b", "a!", "a", "a/b/c", "a/b.c", "b"}
	slices.SortFunc(got, Compare)
	want := []string{"a", "a/b", "a/b/c", "a/b.c", "a!", "a.txt", "b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
