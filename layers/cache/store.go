package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
)

// The files of the folder. All writing is done under the lock of a file that is
// never written itself; reading needs no lock. Everything is opened for as
// short as possible, because Windows does not replace files that are open.
const (
	recordsName = "records"
	lockName    = "records.lock"
	newName     = "records.new" // the next records while they are written

	lockWait  = 2 * time.Second
	lockRetry = time.Millisecond
)

// store is the folder of a cache.
type store struct{ dir string }

func (s store) path() string     { return filepath.Join(s.dir, recordsName) }
func (s store) lockPath() string { return filepath.Join(s.dir, lockName) }
func (s store) newPath() string  { return filepath.Join(s.dir, newName) }

// problem says what the cache was doing when it met an error.
type problem struct {
	doing string
	err   error
}

func (p *problem) Error() string { return p.doing + ": " + p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// position is how far the file was read.
type position struct {
	info   fs.FileInfo // of the file that was read, nil before that
	size   int64       // how long it was then
	offset int64       // behind the last newline that was read
	mark   []byte      // the bytes before offset, see markOf
	gen    int         // counted up whenever everything is read again
	open   bool        // the file does not end in a newline
	torn   bool        // what stands behind the last newline is not a record
}

// still reports whether the file is as it was when it was read.
func (s store) still(p position) bool {
	info, err := os.Lstat(s.path())
	return err == nil && p.info != nil && os.SameFile(p.info, info) && info.Size() == p.size
}

// openToRead opens the records. The error is fs.ErrNotExist where there are none.
func (s store) openToRead() (*os.File, error) { return openRegular(s.path(), os.O_RDONLY) }

// openToWrite opens the records for appending and reading, and creates them
// where they are missing.
func (s store) openToWrite() (*os.File, error) {
	f, err := openRegular(s.path(), os.O_RDWR|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		return os.OpenFile(s.path(), os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	}
	return f, err
}

// openRegular opens an existing file, but no link, folder, pipe or device.
func openRegular(path string, flag int) (f *os.File, err error) {
	for range 10 {
		info, err := regular(path)
		if err != nil {
			return nil, err
		}
		err = insist(func() error {
			f, err = os.OpenFile(path, flag, 0)
			return err
		})
		if err != nil {
			return nil, err
		}
		opened, err := f.Stat()
		if err == nil && os.SameFile(info, opened) {
			return f, nil
		}
		// Otherwise another process replaced the file in between.
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s was replaced again and again while it was opened", path)
}

// regular returns what lies at path, and an error where that is not a regular file.
func regular(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file but %s: remove it", path, info.Mode().Type())
	}
	return info, err
}

// lock creates the folder where it is missing, and returns what ends the lock.
func (s store) lock() (unlock func() error, err error) {
	for {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, err
		}
		if _, err := regular(s.lockPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		l := flock.New(s.lockPath(), flock.SetPermissions(0o600))
		held, err := waitFor(l)
		switch {
		case errors.Is(err, fs.ErrNotExist): // somebody removed the folder
			continue
		case err != nil:
			return nil, err
		case !held:
			return nil, fmt.Errorf("another process holds %s for more than %s", s.lockPath(), lockWait)
		case sameFile(l):
			return l.Unlock, nil
		}
		// Somebody removed the lock's file before it was locked: it keeps nobody else out.
		if err := l.Unlock(); err != nil {
			return nil, err
		}
	}
}

// waitFor tries to get the lock until lockWait is over.
func waitFor(l *flock.Flock) (held bool, err error) {
	for range lockWait / lockRetry {
		if held, err := l.TryLock(); held || err != nil {
			return held, err
		}
		time.Sleep(lockRetry)
	}
	return l.TryLock()
}

// sameFile reports whether the locked file still lies at its path.
func sameFile(l *flock.Flock) bool {
	held, err := l.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(l.Path())
	return err == nil && os.SameFile(held, there)
}

// insist repeats what Windows may refuse for the moment in which another
// process has the file open or replaces it.
func insist(do func() error) error {
	err := do()
	for range 30 {
		if err == nil || runtime.GOOS != "windows" || errors.Is(err, fs.ErrNotExist) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = do()
	}
	return err
}
