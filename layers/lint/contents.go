package lint

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

const (
	maxHead   = 64 << 10 // bytes of a program that hold its headers
	maxConfig = 1 << 20  // bytes of a runtimeconfig.json

	// Bounds on the files and folders of all layers of an application.
	maxNodes = 1 << 17
	maxNames = 16 << 20 // bytes of their names
)

// contents are the files of the application's layers, by folded path below C:.
type contents struct {
	nodes  map[string]entry
	names  int               // bytes
	kept   map[string][]byte // the beginnings of files that are looked into
	hashed bool
}

type entry struct {
	path string
	dir  bool
	size int64
	sum  [sha256.Size]byte
}

// gather lists the layers' files, and keeps the beginning of the program and
// its runtimeconfig.json.
func gather(in ImageInput, program string) (*contents, error) {
	c := &contents{nodes: map[string]entry{}, kept: map[string][]byte{}, hashed: in.Publish != nil}
	keep := map[string]int64{
		layers.Fold(program):                maxHead,
		layers.Fold(runtimeConfig(program)): maxConfig,
	}
	for _, l := range in.Layers {
		var err error
		if l.Tar == nil {
			err = c.fromEntries(l.Entries, keep)
		} else {
			err = c.fromTar(l.Tar, keep)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// runtimeConfig is the path of the file that says which .NET a program needs.
func runtimeConfig(program string) string {
	return strings.TrimSuffix(program, path.Ext(program)) + ".runtimeconfig.json"
}

func (c *contents) fromEntries(entries []layers.Entry, keep map[string]int64) error {
	for _, e := range entries {
		key := layers.Fold(e.Path)
		sum := e.SHA256
		if c.hashed && !e.Dir && sum == [sha256.Size]byte{} { // a plan hashes only what it must
			var err error
			if sum, err = hashOf(e); err != nil {
				return err
			}
		}
		c.nodes[key] = entry{e.Path, e.Dir, e.Size, sum}
		limit, ok := keep[key]
		if !ok || e.Dir {
			continue
		}
		f, err := e.Open()
		if err != nil {
			return fmt.Errorf("open %s: %w", e.Path, err)
		}
		c.kept[key], err = io.ReadAll(io.LimitReader(f, limit))
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", e.Path, err)
		}
	}
	return nil
}

func hashOf(e layers.Entry) (sum [sha256.Size]byte, err error) {
	f, err := e.Open()
	if err != nil {
		return sum, fmt.Errorf("open %s: %w", e.Path, err)
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return sum, fmt.Errorf("read %s: %w", e.Path, err)
	}
	h.Sum(sum[:0])
	return sum, nil
}

func (c *contents) fromTar(open func() (io.ReadCloser, error), keep map[string]int64) error {
	r, err := open()
	if err != nil {
		return fmt.Errorf("open a layer: %w", err)
	}
	err = c.readTar(tar.NewReader(r), keep)
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("read a layer: %w", err)
	}
	return nil
}

func (c *contents) readTar(tr *tar.Reader, keep map[string]int64) error {
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p, ok := strings.CutPrefix(path.Clean(h.Name), "Files/")
		if !ok || sparse(h) {
			continue
		}
		if c.names += len(p); len(c.nodes) >= maxNodes || c.names > maxNames {
			return fmt.Errorf("the application has more than %d files and folders, or %d MiB of names", maxNodes, maxNames>>20)
		}
		if err := c.readEntry(tr, h, p, keep[layers.Fold(p)]); err != nil {
			return err
		}
	}
}

func (c *contents) readEntry(tr *tar.Reader, h *tar.Header, p string, limit int64) error {
	key := layers.Fold(p)
	e := entry{path: p, dir: h.Typeflag == tar.TypeDir, size: h.Size}
	sum := sha256.New()
	if limit > 0 {
		head, err := io.ReadAll(io.TeeReader(io.LimitReader(tr, limit), sum))
		if err != nil {
			return err
		}
		c.kept[key] = head
	}
	if c.hashed {
		if _, err := io.Copy(sum, tr); err != nil {
			return err
		}
		sum.Sum(e.sum[:0])
	}
	c.nodes[key] = e
	return nil
}

// find returns the file or folder at a slash path below C:.
func (c *contents) find(p string) (entry, bool) {
	e, ok := c.nodes[layers.Fold(p)]
	return e, ok
}

func (c *contents) hasFile(p string) bool {
	e, ok := c.find(p)
	return ok && !e.dir
}

func (c *contents) count() (files, dirs int, bytes int64) {
	for _, e := range c.nodes {
		if e.dir {
			dirs++
			continue
		}
		files++
		bytes += e.size
	}
	return files, dirs, bytes
}

// head is the beginning of a file that was kept.
func (c *contents) head(p string) ([]byte, bool) {
	b, ok := c.kept[layers.Fold(p)]
	return b, ok
}
