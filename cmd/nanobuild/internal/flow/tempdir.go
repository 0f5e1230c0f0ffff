package flow

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	tempPrefix = "nanobuild-"
	lockName   = "lock"
	// A folder without a lock file is being made right now, or was left by a run
	// that died in its first moment.
	unlockedAge = time.Minute
)

// tempDir is the private folder of one run. A lock held inside it tells later
// runs that it is in use.
type tempDir struct {
	path string
	lock *flock.Flock
}

// newTempDir removes what dead runs left below root, and makes a folder of this
// run's own (mode 0700).
func newTempDir(root string, now time.Time) (*tempDir, error) {
	sweep(root, now)
	dir, err := os.MkdirTemp(root, tempPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder in %s: %w", root, err)
	}
	lock := flock.New(filepath.Join(dir, lockName))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("lock the temporary folder %s: %w", dir, err), os.RemoveAll(dir))
	}
	return &tempDir{path: dir, lock: lock}, nil
}

// Close removes the folder and everything in it.
func (t *tempDir) Close() error {
	// Windows removes no open file: the lock goes first. Nobody waits for it.
	if err := errors.Join(t.lock.Unlock(), os.RemoveAll(t.path)); err != nil {
		return fmt.Errorf("remove the temporary folder %s: %w", t.path, err)
	}
	return nil
}

// sweep removes the folders of runs that are gone. What cannot be removed, such
// as another user's folders, stays: it is none of this run's business.
func sweep(root string, now time.Time) {
	found, err := filepath.Glob(filepath.Join(root, tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range found {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ownedByUs(info) || !madeByUs(filepath.Base(dir)) {
			continue
		}
		if abandoned(dir, now.Sub(info.ModTime())) {
			_ = os.RemoveAll(dir)
		}
	}
}

// madeByUs knows the names of os.MkdirTemp, which end in a number: a folder
// such as nanobuild-backup is somebody's own.
func madeByUs(name string) bool {
	number := strings.TrimPrefix(name, tempPrefix)
	return number != "" && strings.Trim(number, "0123456789") == ""
}

func abandoned(dir string, age time.Duration) bool {
	file := filepath.Join(dir, lockName)
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return age > unlockedAge
	}
	lock := flock.New(file)
	ok, err := lock.TryLock()
	if err != nil || !ok {
		return false
	}
	return lock.Unlock() == nil
}
