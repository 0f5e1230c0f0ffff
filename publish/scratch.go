package publish

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// scratchPrefix begins the names of our temporary folders beside a target. Such a
// folder holds a locked file while its run lives; without the lock it is litter.
const (
	scratchPrefix = ".nanobuild-tmp-"
	scratchLock   = "lock"
	lockRetry     = 5 * time.Millisecond
)

// scratch is a temporary folder on the file system of its parent, from where
// finished files are renamed into place.
type scratch struct {
	dir  string
	lock *flock.Flock
}

// newScratch makes a scratch folder in parent, after removing those that killed
// runs left there.
func newScratch(parent string) (*scratch, error) {
	if err := sweep(parent); err != nil {
		return nil, err
	}
	for {
		dir := filepath.Join(parent, scratchPrefix+strings.ToLower(rand.Text()[:12]))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		lock := flock.New(filepath.Join(dir, scratchLock), flock.SetPermissions(0o644))
		held, err := lock.TryLock()
		if held && sameFile(lock) {
			return &scratch{dir: dir, lock: lock}, nil
		}
		// Another run swept the folder before it was locked; or locking failed.
		err = errors.Join(err, lock.Close())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), removeFiles(dir))
		}
	}
}

// file creates a new file in the folder.
func (s *scratch) file() (*os.File, error) {
	return os.OpenFile(filepath.Join(s.dir, rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
}

// Close removes the folder and all in it. A nil scratch has nothing to remove.
func (s *scratch) Close() error {
	if s == nil {
		return nil
	}
	return removeLocked(s.dir, s.lock)
}

// sweep removes the scratch folders in parent that no run holds any more.
func sweep(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), scratchPrefix) {
			continue
		}
		if err := sweepOne(filepath.Join(parent, e.Name())); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return nil
}

// sweepOne removes dir if its run is dead. A folder without a lock file is
// removed only while empty: it is not surely ours, and its run may just begin.
func sweepOne(dir string) error {
	lock := flock.New(filepath.Join(dir, scratchLock), flock.SetFlag(os.O_RDWR))
	held, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(dir)
		return nil
	}
	if err != nil || !held { // somebody else's, or alive
		return lock.Close()
	}
	return removeLocked(dir, lock)
}

// removeLocked removes dir and its lock file. Windows removes no open file.
func removeLocked(dir string, lock *flock.Flock) error {
	if runtime.GOOS == "windows" {
		return errors.Join(lock.Close(), removeFiles(dir))
	}
	return errors.Join(removeFiles(dir), lock.Close())
}

// removeFiles removes dir and the files in it, by their paths. On Windows
// os.RemoveAll depends on a request that neither every release nor wine knows
// (https://go.dev/issue/78131).
func removeFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	paths := []string{dir}
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	for _, path := range slices.Backward(paths) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// lockFile waits until it holds the lock file at path and returns its release,
// which removes the file again.
func lockFile(ctx context.Context, path string) (release func() error, err error) {
	for {
		lock := flock.New(path, flock.SetPermissions(0o644))
		if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
		}
		if !sameFile(lock) { // its last holder removed it after we opened it
			if err := lock.Close(); err != nil {
				return nil, err
			}
			continue
		}
		return func() error {
			if runtime.GOOS != "windows" {
				err := os.Remove(path)
				return errors.Join(err, lock.Close())
			}
			err := lock.Close()
			// Somebody who waits has it open, and then removes it himself.
			_ = os.Remove(path)
			return err
		}, nil
	}
}

// sameFile tells whether the held lock file is still the one at its path.
func sameFile(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(held, now)
}
