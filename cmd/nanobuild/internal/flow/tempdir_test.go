package flow

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTempDirSweepsWhatDeadRunsLeft(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	now := time.Now()
	alive, err := newTempDir(root, now)
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(root, "nanobuild-1")
	fresh := filepath.Join(root, "nanobuild-2")
	other := filepath.Join(root, "nanobuild-backup")
	for _, d := range []string{dead, fresh, other} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dead, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mine, err := newTempDir(root, now)
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{dead: false, fresh: true, other: true, alive.path: true, mine.path: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", dir, err == nil, want)
		}
	}
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	if err := alive.Close(); err != nil {
		t.Fatal(err)
	}
	later, err := newTempDir(root, now.Add(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := later.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Name() != "nanobuild-backup" {
		t.Errorf("left: %v, want only nanobuild-backup", left)
	}
}
