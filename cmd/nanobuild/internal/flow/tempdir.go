package flow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"
)

const (
	tempPrefix = "nanobuild-"
	lockSuffix = ".lock"
)

// tempDir is the private folder of one run. Its lock is a file beside it that is
// there, and locked, before the folder is: so whenever a run dies, the next one
// can tell that it did.
type tempDir struct {
	path string
	lock *flock.Flock
}

// newTempDir removes what dead runs left below root, and makes a folder of this
// run's own (mode 0700).
func newTempDir(root string) (*tempDir, error) {
	sweep(root)
	for {
		t, err := makeTempDir(root)
		if err != nil {
			return nil, fmt.Errorf("make a temporary folder in %s: %w", root, err)
		}
		if t != nil {
			return t, nil
		}
	}
}

// makeTempDir returns nil when another run swept the lock away before it was
// held.
func makeTempDir(root string) (*tempDir, error) {
	file, err := os.CreateTemp(root, tempPrefix+"*"+lockSuffix)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	t := openLock(file.Name())
	held, err := t.lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // swept away
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(file.Name()))
	}
	if _, err := os.Lstat(file.Name()); !held || errors.Is(err, fs.ErrNotExist) {
		return nil, t.lock.Close()
	}
	if err := os.Mkdir(t.path, 0o700); err != nil {
		return nil, errors.Join(err, t.dropLock())
	}
	return t, nil
}

// openLock is the lock of a file that os.CreateTemp made. It never makes the file: who
// finds it just before its owner removes it would take a folder that is in use for one
// that was left behind, and a name that is gone never comes back.
func openLock(file string) *tempDir {
	return &tempDir{path: strings.TrimSuffix(file, lockSuffix), lock: flock.New(file, flock.SetFlag(os.O_RDWR))}
}

// Close removes the folder and everything in it.
func (t *tempDir) Close() error {
	if err := errors.Join(removeTree(t.path), t.dropLock()); err != nil {
		return fmt.Errorf("remove the temporary folder %s: %w", t.path, err)
	}
	return nil
}

// removeJobs is how many files are removed at a time: each may wait for the disk.
const removeJobs = 8

// removeTree removes a folder of ours: its files, then the folders, from within.
// Unlike os.RemoveAll it needs nothing of Windows that some releases, and wine,
// do not know (https://go.dev/issue/78131). Nobody else can put links into a
// folder of mode 0700, so its paths are safe.
func removeTree(dir string) error {
	var folders []string
	var removing errgroup.Group
	removing.SetLimit(removeJobs)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			folders = append(folders, path)
		default:
			removing.Go(func() error { return os.Remove(path) })
		}
		return nil
	})
	err = errors.Join(err, removing.Wait())
	for _, folder := range slices.Backward(folders) {
		err = errors.Join(err, os.Remove(folder))
	}
	if len(folders) == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// dropLock removes the lock file while it is held, where the system can, so that
// nobody locks a file that is about to go. Windows removes no open file.
func (t *tempDir) dropLock() error {
	first := os.Remove(t.lock.Path())
	released := t.lock.Close()
	if first == nil {
		return released
	}
	err := os.Remove(t.lock.Path())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(released, err)
}

// sweep removes the folders of runs that are gone. What cannot be removed, such
// as another user's folders, stays: it is none of this run's business.
func sweep(root string) {
	found, err := filepath.Glob(filepath.Join(root, tempPrefix+"*"+lockSuffix))
	if err != nil {
		return
	}
	for _, file := range found {
		info, err := os.Lstat(file)
		if err != nil || !info.Mode().IsRegular() || !ownedByUs(info) || !madeByUs(filepath.Base(file)) {
			continue
		}
		t := openLock(file)
		if held, err := t.lock.TryLock(); err != nil || !held {
			continue
		}
		if _, err := os.Lstat(file); err != nil { // its run ended meanwhile
			_ = t.lock.Close()
			continue
		}
		if info, err := os.Lstat(t.path); err == nil && (!info.IsDir() || !ownedByUs(info)) {
			_ = t.lock.Close()
			continue
		}
		_ = t.Close()
	}
}

// madeByUs knows the names of os.CreateTemp, which have a number in the middle:
// a file such as nanobuild-backup.lock is somebody's own.
func madeByUs(name string) bool {
	number := strings.TrimSuffix(strings.TrimPrefix(name, tempPrefix), lockSuffix)
	return number != "" && strings.Trim(number, "0123456789") == ""
}
