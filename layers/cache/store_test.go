package cache

import (
	"os"
	"testing"

	"github.com/gofrs/flock"
)

// A lock whose file was removed, or made anew by somebody else, keeps nobody out.
func TestLocksOfRemovedFiles(t *testing.T) {
	t.Parallel()
	s := store{dir: t.TempDir()}
	l := flock.New(s.lockPath())
	if ok, err := l.TryLock(); !ok {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Unlock(); err != nil {
			t.Error(err)
		}
	})
	if !sameFile(l) {
		t.Error("the file is there, and not found")
	}
	if err := os.Remove(s.lockPath()); err != nil {
		t.Skip("open files cannot be removed here: ", err)
	}
	if sameFile(l) {
		t.Error("the file is found, and was removed")
	}
	if err := os.WriteFile(s.lockPath(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if sameFile(l) {
		t.Error("another file is taken for the one that was removed")
	}
}
