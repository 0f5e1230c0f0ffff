package base

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds on what is remembered of an archive while it is scanned.
const (
	maxFiles = 1 << 16  // files and links
	maxNames = 16 << 20 // bytes of their names
	maxKeep  = 64 << 10 // bytes of one file whose content is kept: manifests, configs
	maxKept  = 16 << 20 // bytes of all content kept
	maxLinks = 40       // links from one to the next
)

// An archive that is compressed as a whole may unpack to minUnpacked bytes, or to
// maxRatio times its size if that is more. Layers of programs shrink to a half or
// a third.
const (
	minUnpacked = 1 << 30
	maxRatio    = 50
)

// tarball is an archive of the host, scanned once. The content of large files
// is read from where they lie in it; where the archive is compressed as a whole,
// by decompressing it up to them.
type tarball struct {
	path       string
	compressed bool
	entries    map[string]tarEntry
	keep, kept int64 // bytes of a file whose content is kept, and of all such
	names      int   // bytes of the names of entries
}

type tarEntry struct {
	offset int64 // of the content, in the archive as it is unpacked
	size   int64
	first  []byte   // see readHead
	data   []byte   // the content, when that was kept
	link   string   // the path of another entry
	digest *v1.Hash // where reading the content again would mean to unpack the archive again
}

var _ files = (*tarball)(nil)

// scanTar reads the headers of an archive, and files of at most keep bytes.
func scanTar(ctx context.Context, name string, keep int64) (_ *tarball, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // and a pipe could not be read twice
		return nil, fmt.Errorf("%s is not a regular file; a folder with an OCI layout is given as oci:%s", name, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head, err := readHead(f)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := &tarball{path: name, compressed: compressionOf(head) != plain, entries: map[string]tarEntry{}, keep: keep}
	if !t.compressed {
		return t, t.scan(ctx, f, func() (int64, error) { return f.Seek(0, io.SeekCurrent) })
	}
	rc, err := decompress(io.NopCloser(f))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	most := max(minUnpacked, maxRatio*info.Size())
	r := &io.LimitedReader{R: &interruptible{ctx, rc}, N: most}
	err = t.scan(ctx, r, func() (int64, error) { return most - r.N, nil })
	if r.N <= 0 && ctx.Err() == nil {
		return nil, fmt.Errorf("it unpacks to more than %d times its size, and more than %d MB: that is no archive of an image", maxRatio, most/1e6)
	}
	return t, err
}

// scan fills the entries. where returns the current offset in the file:
// tar.Reader reads no further than it has to, so that after Next this is where
// the content begins.
func (t *tarball) scan(ctx context.Context, r io.Reader, where func() (int64, error)) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		e := tarEntry{size: h.Size}
		if e.offset, err = where(); err != nil {
			return err
		}
		switch {
		case h.Typeflag == tar.TypeReg && !isSparse(h):
			if err := t.readStart(tr, &e); err != nil {
				return fmt.Errorf("read %s in the archive: %w", h.Name, err)
			}
		case h.Typeflag == tar.TypeLink:
			e.link = path.Clean(h.Linkname)
		case h.Typeflag == tar.TypeSymlink: // docker save shares layers so
			e.link = path.Join(path.Dir(path.Clean(h.Name)), h.Linkname) //nolint:gosec // a key of entries, never a host path
		default:
			continue
		}
		if err := t.add(path.Clean(h.Name), e); err != nil {
			return err
		}
	}
}

// add remembers a file or link; a later one replaces an earlier one.
func (t *tarball) add(name string, e tarEntry) error {
	t.names += len(name) + len(e.link)
	if t.entries[name] = e; len(t.entries) > maxFiles || t.names > maxNames {
		return fmt.Errorf("more than %d files, or %d MiB of names: this is no archive of an image", maxFiles, maxNames>>20)
	}
	return nil
}

// isSparse says whether the content does not lie in one piece.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// readStart fills in first, and data of small files.
func (t *tarball) readStart(r io.Reader, e *tarEntry) (err error) {
	if e.size > t.keep || t.kept+e.size > maxKept {
		if e.first, err = readHead(r); err != nil || !t.compressed || compressionOf(e.first) == plain {
			return err
		}
		h, _, err := v1.SHA256(io.MultiReader(bytes.NewReader(e.first), r))
		e.digest = &h
		return err
	}
	e.data = make([]byte, e.size)
	if _, err := io.ReadFull(r, e.data); err != nil {
		return err
	}
	t.kept += e.size
	e.first = e.data[:min(headSize, e.size)]
	return nil
}

// entry returns a file, through links.
func (t *tarball) entry(name string) (string, tarEntry, error) {
	p := path.Clean(name)
	for range maxLinks {
		e, ok := t.entries[p]
		if !ok {
			return "", e, fmt.Errorf("%s in %s: %w", p, t.path, fs.ErrNotExist)
		}
		if e.link == "" {
			return p, e, nil
		}
		p = e.link
	}
	return "", tarEntry{}, fmt.Errorf("%s in %s: too many links", name, t.path)
}

func (t *tarball) head(name string) ([]byte, error) {
	_, e, err := t.entry(name)
	return e.first, err
}

func (t *tarball) reach(name string) int64 {
	if _, e, err := t.entry(name); err == nil && t.compressed && e.data == nil {
		return e.offset
	}
	return 0
}

func (t *tarball) open(name string) (io.ReadCloser, int64, error) {
	p, e, err := t.entry(name)
	if err != nil {
		return nil, 0, err
	}
	if e.data != nil {
		return io.NopCloser(bytes.NewReader(e.data)), e.size, nil
	}
	f, err := os.Open(t.path)
	if err != nil {
		return nil, 0, err
	}
	if !t.compressed {
		return &section{io.NewSectionReader(f, e.offset, e.size), f}, e.size, nil
	}
	rc, err := decompress(f)
	if err != nil {
		return nil, 0, err
	}
	tr := tar.NewReader(rc)
	for {
		h, err := tr.Next()
		if err != nil {
			return nil, 0, errors.Join(fmt.Errorf("read %s in %s again: %w", p, t.path, err), rc.Close())
		}
		if h.Typeflag == tar.TypeReg && path.Clean(h.Name) == p {
			return &stream{tr, rc.Close}, e.size, nil
		}
	}
}

// section is a piece of a file; one can seek in it.
type section struct {
	*io.SectionReader
	io.Closer
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx context.Context //nolint:containedctx // io.Reader has no place for one
	io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
