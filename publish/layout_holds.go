package publish

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Holds implements [Sink]: the index has the entries that Commit would write, and
// all blobs of the content are there, whole. What cannot be read does not count as
// there.
func (l *Layout) Holds(ctx context.Context, c Content, tags []string) (string, error) {
	if err := context.Cause(ctx); err != nil {
		return "", fmt.Errorf("look into %s: %w", l.Name(), err)
	}
	d, err := l.document(c)
	if err != nil {
		return "", err
	}
	// What fails from here on, Commit finds out for itself.
	for _, part := range d.flat() {
		if held, err := l.held(ctx, part); err != nil || !held {
			return "", nil //nolint:nilerr // see above
		}
	}
	entries, err := l.entries(d, tags)
	if err != nil || !l.indexed(entries) {
		return "", nil //nolint:nilerr // see above
	}
	return l.ref(d.digest), nil
}

// held tells whether the document is there with the blobs that it names.
func (l *Layout) held(ctx context.Context, d *document) (bool, error) {
	blobs := []v1.Hash{d.digest}
	if d.image != nil {
		m, err := d.image.Manifest()
		if err != nil {
			return false, err
		}
		if err := l.complete(m); err != nil {
			return false, err
		}
		blobs = append(blobs, manifestBlobs(m, l.o.Nondistributable)...)
	}
	for _, blob := range blobs {
		if has, err := l.Has(ctx, blob); err != nil || !has {
			return false, err
		}
	}
	return true, nil
}

// indexed tells whether the layout is marked as one and its index would stay as it
// is when the entries are put into it.
func (l *Layout) indexed(entries []v1.Descriptor) bool {
	if _, err := os.Stat(filepath.Join(l.dir, layoutFile)); err != nil {
		return false
	}
	index, err := readDocument(filepath.Join(l.dir, indexFile))
	if err != nil {
		return false
	}
	updated, err := mergeIndex(index, entries)
	return err == nil && bytes.Equal(index, updated)
}
