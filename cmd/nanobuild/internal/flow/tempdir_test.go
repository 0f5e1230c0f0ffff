package flow

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func TestTempDirSweepsWhatDeadRunsLeft(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	alive, err := newTempDir(root)
	if err != nil {
		t.Fatal(err)
	}
	// A run may die before it made its folder, with it, or while it removes it.
	for _, d := range []string{"nanobuild-1", "nanobuild-1/deep", "nanobuild-3", "nanobuild-backup"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"nanobuild-1.lock", "nanobuild-2.lock", "nanobuild-backup.lock"} {
		if err := os.WriteFile(filepath.Join(root, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mine, err := newTempDir(root)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Base
	want := []string{
		base(alive.path), base(alive.path) + ".lock", base(mine.path), base(mine.path) + ".lock",
		"nanobuild-3", "nanobuild-backup", "nanobuild-backup.lock", // nobody's, or somebody else's
	}
	slices.Sort(want)
	if got := names(t, root); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	for _, d := range []*tempDir{alive, mine} {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, root); len(got) != 3 {
		t.Errorf("left: %q", got)
	}
}

// TestTempDirsSideBySide: runs that begin and end at once leave each other alone.
func TestTempDirsSideBySide(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 50 {
				d, err := newTempDir(root)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(d.path, "x"), nil, 0o600); err != nil {
					t.Errorf("the folder was swept away: %v", err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if got := names(t, root); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
