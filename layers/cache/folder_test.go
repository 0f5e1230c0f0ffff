package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers/cache"
)

func TestFoldersThatVanish(t *testing.T) {
	t.Parallel()
	remove := map[string]func(t *testing.T, dir string) error{
		"the folder": func(_ *testing.T, dir string) error { return os.RemoveAll(dir) },
		"the file":   func(_ *testing.T, dir string) error { return os.Remove(recordsFile(dir)) },
		"the lock":   func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "records.lock")) },
		"all bytes":  func(_ *testing.T, dir string) error { return os.Truncate(recordsFile(dir), 0) },
		"half the bytes": func(t *testing.T, dir string) error {
			return os.Truncate(recordsFile(dir), int64(len(readFile(t, recordsFile(dir))))/2)
		},
		"overwritten": func(t *testing.T, dir string) error {
			other := t.TempDir()
			for i := range 9 {
				open(t, other).Put("other", fmt.Sprint(i), []byte("value"))
			}
			return os.WriteFile(recordsFile(dir), readFile(t, recordsFile(other)), 0o600)
		},
		"cleared": func(_ *testing.T, dir string) error { return cache.Clear(dir) },
	}
	for name, remove := range remove {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			c := open(t, dir)
			for i := range 3 {
				c.Put("k", fmt.Sprint(i), []byte("value"))
			}
			if err := remove(t, dir); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				c.Put("k", fmt.Sprint(i), []byte("value"))
			}
			noProblem(t, c)
			c = open(t, dir)
			for i := range 4 {
				want(t, c, "k", fmt.Sprint(i), "value")
			}
			info := c.Info()
			if info.Damaged != 0 || name == "overwritten" && info.Records["other"] != 9 {
				t.Errorf("%v", info)
			}
		})
	}
}

// A process that still knows what another one cleared must not bring it back.
func TestClearedRecordsStayAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	c.Put("k", "cleared", []byte("value"))
	if err := cache.Clear(dir); err != nil {
		t.Fatal(err)
	}
	c.Put("k", "a", []byte("value"))
	addLine(t, dir, "damaged")
	c.Put("k", "b", []byte("value")) // rewrites the file
	noProblem(t, c)
	c = open(t, dir)
	missing(t, c, "k", "cleared")
	want(t, c, "k", "a", "value")
	want(t, c, "k", "b", "value")
	if info := c.Info(); info.Damaged != 0 {
		t.Errorf("the file was not rewritten: %v", info)
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "cache")
	for range 2 { // at first there is nothing
		if err := cache.Clear(dir); err != nil {
			t.Fatal(err)
		}
		if left := names(t, parent); len(left) > 0 {
			t.Fatalf("there is %v", left)
		}
		open(t, dir).Put("k", "a", []byte("b"))
		writeFile(t, filepath.Join(dir, "records.new"), []byte("half"))
	}
	writeFile(t, filepath.Join(dir, "foreign"), nil)
	if err := cache.Clear(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"foreign"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestSurprisesSwitchTheCacheOff(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	writeFile(t, elsewhere, []byte("precious"))
	link := func(name, target string) func(dir string) error {
		return func(dir string) error {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				return err
			}
			_, err := os.Lstat(filepath.Join(dir, name)) // wine only claims to make links
			return err
		}
	}
	folder := func(name string) func(dir string) error {
		return func(dir string) error { return os.MkdirAll(filepath.Join(dir, name, "x"), 0o700) }
	}
	tests := map[string]struct {
		make     func(dir string) error
		says     string
		clearsUp bool // a Clear does not meet it
	}{
		"the file is a link":             {link("records", elsewhere), "records is not a regular file", false},
		"the file is a dangling link":    {link("records", "nowhere"), "records is not a regular file", false},
		"the file is a folder":           {folder("records"), "records is not a regular file", false},
		"the lock is a link":             {link("records.lock", elsewhere), "records.lock is not a regular file", false},
		"the lock is a folder":           {folder("records.lock"), "records.lock is not a regular file", false},
		"the temporary file is a link":   {link("records.new", elsewhere), "records.new is not a regular file", false},
		"the temporary file is a folder": {folder("records.new"), "records.new is not a regular file", false},
		"the folder is a file": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "cache"), nil, 0o600)
		}, "the cache: ", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := tt.make(dir); err != nil {
				t.Skip(err) // links may need privileges on Windows
			}
			if strings.HasPrefix(name, "the folder") {
				dir = filepath.Join(dir, "cache")
			}
			c := cache.Open(dir)
			c.Put("k", "a", []byte("b"))
			c.Put("k", "a", []byte("c"))
			want(t, c, "k", "a", "c") // this process still knows it
			if err := c.Problem(); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("Problem() = %v, want %q and the path", err, tt.says)
			}
			if err := cache.Clear(dir); (err == nil) != tt.clearsUp {
				t.Errorf("Clear = %v", err)
			}
			if got := readFile(t, elsewhere); string(got) != "precious" {
				t.Errorf("the file elsewhere is %q", got)
			}
		})
	}
}
