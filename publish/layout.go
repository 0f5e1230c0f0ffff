package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Layout is an OCI image layout on disk, which may hold other images already.
// Blobs are written beside their place and renamed; index.json is replaced last,
// under a lock, so that several runs can publish into one layout.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
type Layout struct {
	dir string
	o   LayoutOptions

	mu  sync.Mutex
	tmp *scratch
}

// LayoutOptions are the choices for a [Layout]; the zero value works.
type LayoutOptions struct {
	// Repository names the image for containerd: the annotation
	// io.containerd.image.name becomes Repository:tag. Without it there is none.
	Repository string
	// RefName gives org.opencontainers.image.ref.name for a tag, which tells the
	// entries of a layout apart: an entry of the same ref name is replaced. Nil
	// means the tag itself.
	RefName func(tag string) string
	// Nondistributable includes the bytes of foreign layers.
	Nondistributable bool
}

var _ Sink = (*Layout)(nil)

// NewLayout returns the sink for the layout in dir, which is made when the first
// blob comes.
func NewLayout(dir string, o LayoutOptions) *Layout {
	if o.RefName == nil {
		o.RefName = func(tag string) string { return tag }
	}
	return &Layout{dir: filepath.Clean(dir), o: o}
}

// Name implements [Sink].
func (l *Layout) Name() string { return "oci:" + l.dir }

// Check implements [Sink]. A folder that holds something else is a [UsageError].
func (l *Layout) Check(context.Context) error {
	if err := l.suitable(); err != nil {
		return err
	}
	return writable(l.dir, l.Name())
}

// Has implements [Sink]. It reads the blob: one that is damaged is not there.
func (l *Layout) Has(ctx context.Context, blob v1.Hash) (bool, error) {
	f, err := openRegular(l.blob(blob))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into %s: %w", l.Name(), err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	h, err := v1.Hasher(blob.Algorithm)
	if err != nil {
		return false, fmt.Errorf("look for %s in %s: %w", blob, l.Name(), err)
	}
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return false, fmt.Errorf("check blob %s of %s: %w", blob, l.Name(), err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)) == blob.Hex, nil
}

// PutLayer implements [Sink].
func (l *Layout) PutLayer(ctx context.Context, layer v1.Layer) (Put, error) {
	skip, err := foreign(layer)
	if err != nil {
		return Put{}, err
	}
	if skip && !l.o.Nondistributable {
		return Put{How: Skipped}, nil
	}
	return l.putBlob(ctx, layer)
}

func (l *Layout) putBlob(ctx context.Context, layer v1.Layer) (Put, error) {
	digest, err := layer.Digest()
	if err != nil {
		return Put{}, fmt.Errorf("write a layer to %s: %w", l.Name(), err)
	}
	if has, err := l.Has(ctx, digest); err != nil || has {
		return Put{How: Exists}, err
	}
	var n int64
	err = distribution.Intact(func() (err error) {
		n, err = l.writeBlob(ctx, layer, digest)
		return err
	})
	if err != nil {
		what := digest.String()
		if strings.Contains(err.Error(), what) {
			what = "a layer" // which the error names
		}
		return Put{}, fmt.Errorf("write %s to %s: %w", what, l.Name(), err)
	}
	return Put{How: Written, Bytes: n}, nil
}

func (l *Layout) writeBlob(ctx context.Context, layer v1.Layer, digest v1.Hash) (int64, error) {
	tmp, err := l.scratch()
	if err != nil {
		return 0, err
	}
	path := l.blob(digest)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, err
	}
	src, err := openVerified(ctx, layer)
	if err != nil {
		return 0, err
	}
	f, err := tmp.file()
	if err != nil {
		return 0, errors.Join(err, src.Close())
	}
	n, err := io.Copy(f, src)
	if err := errors.Join(err, src.Close(), f.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	return n, os.Rename(f.Name(), path)
}

// Commit implements [Sink]. Without tags the content gets an entry without a name.
func (l *Layout) Commit(ctx context.Context, c Content, tags []string) (string, error) {
	d, err := l.document(c)
	if err != nil {
		return "", err
	}
	if _, err := l.stage(ctx, d); err != nil {
		return "", err
	}
	entries, err := l.entries(d, tags)
	if err != nil {
		return "", fmt.Errorf("describe the image for %s: %w", l.Name(), err)
	}
	// Made by PutLayer as a rule, but an image may have had all its blobs there.
	if _, err := l.scratch(); err != nil {
		return "", fmt.Errorf("write %s: %w", l.Name(), err)
	}
	if err := l.updateIndex(ctx, entries); err != nil {
		return "", fmt.Errorf("write the index of %s: %w", l.Name(), err)
	}
	return l.ref(d.digest), l.Close()
}

// ref is what Commit returns for the image.
func (l *Layout) ref(digest v1.Hash) string { return fmt.Sprintf("%s@%s", l.Name(), digest) }

// Close implements [Sink].
func (l *Layout) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	tmp := l.tmp
	l.tmp = nil
	return tmp.Close()
}

// scratch returns the folder for unfinished files, making it and the layout's
// own folder first.
func (l *Layout) scratch() (*scratch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tmp != nil {
		return l.tmp, nil
	}
	if err := l.suitable(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, err
	}
	tmp, err := newScratch(l.dir)
	l.tmp = tmp
	return tmp, err
}

// suitable refuses a folder that is neither a layout, nor what a first run that
// was killed leaves, nor empty.
func (l *Layout) suitable() error {
	if err := l.inside(); err != nil {
		return err
	}
	entries, err := os.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", l.Name(), err)
	}
	other := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == layoutFile:
			return nil
		case name == "blobs" || name == indexFile || name == lockName || strings.HasPrefix(name, scratchPrefix):
		default:
			other = name
		}
	}
	if other == "" {
		return nil
	}
	return &UsageError{What: "OCI layout", Value: l.dir, Reason: fmt.Sprintf("the folder holds other files (%s) and no %s", other, layoutFile), Try: filepath.Join(l.dir, "image")}
}

// inside refuses a layout whose own files and folders are links out of it: what is
// written there would land elsewhere, and what is read be kept in the index.
func (l *Layout) inside() error {
	root, err := os.OpenRoot(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", l.Name(), err)
	}
	defer root.Close()
	for _, part := range []struct {
		name string
		dir  bool
	}{{"blobs", true}, {"blobs/sha256", true}, {layoutFile, false}, {indexFile, false}, {lockName, false}} {
		reason := ""
		switch fi, err := root.Stat(part.name); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			reason = fmt.Sprintf("its %s cannot be used (%v)", part.name, err)
		case part.dir && !fi.IsDir():
			reason = "its " + part.name + " is not a folder"
		case !part.dir && !fi.Mode().IsRegular(): // opening a pipe would wait for its other end
			reason = "its " + part.name + " is not a regular file"
		}
		if reason != "" {
			return &UsageError{What: "OCI layout", Value: l.dir, Reason: reason, Try: l.dir + "-image"}
		}
	}
	return nil
}

func (l *Layout) blob(h v1.Hash) string {
	return filepath.Join(l.dir, "blobs", h.Algorithm, h.Hex)
}
