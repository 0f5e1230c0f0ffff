package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// openLayout returns the source of "oci:" + s.
func openLayout(ctx context.Context, given, s string) (source, error) {
	for _, want := range selections(s) {
		f := dir(want.path)
		_, err := f.head("index.json")
		if err == nil {
			return fromLayout(ctx, given, f, want)
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: no OCI layout there, that is a folder with an index.json; an archive is given as tar:FILE", ErrNotFound)
}

// dir is a folder of the host. Links in it are followed: build systems make
// layouts of links into their caches, and every blob's digest is checked.
type dir string

var _ files = dir("")

func (d dir) open(path string) (io.ReadCloser, int64, error) {
	full := filepath.Join(string(d), filepath.FromSlash(path))
	info, err := os.Stat(full)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, 0, fmt.Errorf("%s is not a regular file", full)
	}
	f, err := os.Open(full)
	return f, info.Size(), err
}

func (d dir) reach(string) int64 { return 0 }

func (d dir) head(path string) (head []byte, err error) {
	f, _, err := d.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readHead(f)
}
