package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// editFile replaces the text of a file by what change makes of it, in one step,
// while no other process does the same. Where the path is a link its target is
// replaced. Nobody else may read the new file, whatever was allowed before.
func editFile(ctx context.Context, path string, change func([]byte) ([]byte, error)) (err error) {
	path, err = followLinks(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	unlock, err := lockFile(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	old, err := readConfig(path)
	if err != nil {
		return err
	}
	text, err := change(old)
	if err != nil || bytes.Equal(text, old) {
		return err
	}
	return replaceFile(path, text)
}

// maxLinks is how many links are followed, as by Linux.
const maxLinks = 40

// followLinks returns what a path that may be a link stands for, also where that
// does not exist yet.
func followLinks(path string) (string, error) {
	for range maxLinks {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Type() != fs.ModeSymlink {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", fmt.Errorf("%s: too many links lead on", path)
}

// lockPause is the time between two looks at a lock that another process holds.
const lockPause = 20 * time.Millisecond

func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	lock := flock.New(path, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPause); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lock.Unlock, nil
}

// replaceFile writes a file that only its user may read. The file that was there
// stays until the new one is complete; its owner is kept, and its mode where that
// allows less.
func replaceFile(path string, text []byte) (err error) {
	mode := fs.FileMode(0o600)
	info, err := os.Stat(path)
	if err == nil {
		mode &= info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".config-*.json") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if info != nil {
		keepOwner(f.Name(), info)
	}
	if err := os.Chmod(f.Name(), mode); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
