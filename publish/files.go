package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// writable tells whether path, or the nearest folder above that exists, takes new
// files, by making one and removing it.
func writable(path, name string) error {
	dir := path
	for {
		fi, err := os.Stat(dir)
		if err == nil {
			if !fi.IsDir() {
				return fmt.Errorf("write to %s: %s is not a folder", name, dir)
			}
			break
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, os.ErrNotExist) || parent == dir {
			return fmt.Errorf("write to %s: %w", name, err)
		}
		dir = parent
	}
	f, err := os.CreateTemp(dir, scratchPrefix)
	if err != nil {
		return fmt.Errorf("write to %s: %w", name, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// openRegular opens a file, and nothing else: opening a pipe would wait for its
// other end.
func openRegular(path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.Open(path)
}

// readDocument reads a file that is small by nature.
func readDocument(path string) (raw []byte, err error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if raw, err = io.ReadAll(io.LimitReader(f, distribution.MaxDocument+1)); err != nil {
		return nil, err
	}
	if len(raw) > distribution.MaxDocument {
		return nil, fmt.Errorf("%s has more than %d bytes", path, distribution.MaxDocument)
	}
	return raw, nil
}

// contextReader fails once its context is done; io.Reader has no place for one.
type contextReader struct {
	ctx context.Context //nolint:containedctx // io.Reader has no place for one
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
