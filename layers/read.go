package layers

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// maxFile is the largest file that Windows' importer takes
// (https://github.com/microsoft/Windows-Containers/issues/43).
const maxFile = 8 << 30

// readFiles makes the entries of files. The manifests of static web assets come
// last: they hold the times of other files.
func readFiles(ctx context.Context, o PlanOptions, files []source) ([]Entry, []string, error) {
	entries := make([]Entry, len(files))
	private := make([]bool, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0)))
	pinned := make([]bool, len(files))
	var warnings []string
	for i, f := range files {
		entries[i] = newEntry(o, f)
		pin, warning, err := isPinned(o.FS, f)
		if err != nil {
			return nil, nil, errors.Join(err, g.Wait())
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
		if pinned[i] = pin; pin {
			continue
		}
		g.Go(func() (err error) {
			private[i], err = readEntry(gctx, &entries[i], o.Clock)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	assets := timesByName(entries)
	for i, f := range files {
		if pinned[i] {
			if err := pinEndpoints(o, f, &entries[i], assets); err != nil {
				return nil, nil, err
			}
		}
	}
	return entries, append(warnings, secretWarnings(files, private)...), nil
}

func newEntry(o PlanOptions, f source) Entry {
	fsys, name := o.FS, f.real
	return Entry{
		Path:   path.Join(o.Target, f.rel),
		Origin: originOf(o, f.rel),
		Open: func() (io.ReadCloser, error) {
			return fsys.Open(name)
		},
	}
}

func originOf(o PlanOptions, rel string) Origin {
	if o.Single {
		return App
	}
	if origin, ok := o.Origins[rel]; ok {
		return origin
	}
	if strings.HasPrefix(rel, "wwwroot/") {
		return Assets
	}
	return App
}

// readEntry sets an entry's size and time, and its hash where the time depends
// on it. It says whether the file seems to hold a private key.
func readEntry(ctx context.Context, e *Entry, clock Clock) (bool, error) {
	f, err := e.Open()
	if err != nil {
		return false, fmt.Errorf("open %s: %w", e.Path, err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	size, err := sizeOf(f, e.Path)
	if err != nil {
		return false, err
	}
	if !timedByContent(e.Origin) && (size > maxSecret || e.Origin != Packages) { // Microsoft's packs hold no keys
		e.Size, e.Time = size, clock.FileTime(e.Origin, e.SHA256)
		return false, nil
	}
	var head bytes.Buffer
	h := sha256.New()
	first, err := io.Copy(h, io.TeeReader(io.LimitReader(f, maxSecret), &head))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", e.Path, err)
	}
	rest, err := io.Copy(h, io.LimitReader(contextReader{ctx, f}, maxFile+1-first))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", e.Path, err)
	}
	if first+rest > maxFile {
		return false, tooLarge(e.Path)
	}
	e.Size = first + rest
	h.Sum(e.SHA256[:0])
	e.Time = clock.FileTime(e.Origin, e.SHA256)
	return rest == 0 && holdsKey(head.Bytes()), nil
}

// sizeOf returns the size that a file has by its metadata, and refuses a large
// one before it is read.
func sizeOf(f io.Reader, name string) (int64, error) {
	s, ok := f.(fs.File)
	if !ok {
		return 0, nil
	}
	info, err := s.Stat()
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	if info.Size() > maxFile {
		return 0, tooLarge(name)
	}
	return info.Size(), nil
}

func tooLarge(name string) error {
	return &NameError{Path: name, Reason: "the file is larger than 8 GiB, which Windows cannot import", Remedy: "keep it out of the image, for example in a volume"}
}

// contextReader ends a read when its context ends.
type contextReader struct {
	ctx context.Context //nolint:containedctx // io.Reader takes none
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
