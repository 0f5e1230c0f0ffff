package cache

import (
	"errors"
	"fmt"
	"os"
)

// Clear removes the records of the folder dir, and the folder too where nothing
// else is in it. It fails where the files cannot be removed or another process
// keeps them locked; missing ones are fine. Processes that have read the
// records still know them, but do not write them again.
func Clear(dir string) error {
	if dir == "" {
		return nil
	}
	if err := (store{dir: dir}).clear(); err != nil {
		return fmt.Errorf("clear the cache %s: %w", dir, err)
	}
	return nil
}

func (s store) clear() error {
	if !s.any() {
		return nil
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	err = errors.Join(removeFile(s.path()), s.sweep())
	// Where open files can be removed, whoever waits for the lock sees that it is gone.
	early := os.Remove(s.lockPath())
	err = errors.Join(err, unlock())
	if early != nil {
		err = errors.Join(err, removeFile(s.lockPath()))
	}
	if err != nil {
		return err
	}
	return s.removeDir()
}

// removeDir removes the folder where it is empty.
func (s store) removeDir() error {
	info, err := os.Lstat(s.dir)
	if err == nil && !info.IsDir() {
		return nil // a link to the folder was made by somebody else
	}
	left, err := os.ReadDir(s.dir)
	if err != nil || len(left) > 0 {
		return ignoreMissing(err)
	}
	if err := os.Remove(s.dir); err != nil {
		if left, _ := os.ReadDir(s.dir); len(left) > 0 {
			return nil // another process uses it again
		}
		return ignoreMissing(err)
	}
	return nil
}

// any reports whether one of the files is there.
func (s store) any() bool {
	for _, path := range []string{s.path(), s.newPath(), s.lockPath()} {
		if _, err := os.Lstat(path); err == nil {
			return true
		}
	}
	return false
}
