package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Holds implements [Sink]: the index has the entries that Commit would write, and
// the image's blobs are there, whole. What cannot be read does not count as there.
func (l *Layout) Holds(ctx context.Context, manifest v1.Hash, tags []string) (string, error) {
	if err := context.Cause(ctx); err != nil {
		return "", fmt.Errorf("look into %s: %w", l.Name(), err)
	}
	d, err := l.held(ctx, manifest)
	if err != nil || !l.indexed(*d, tags) {
		return "", nil //nolint:nilerr // then Commit finds out what is wrong
	}
	return l.ref(manifest), nil
}

// held describes the image with this manifest, all of whose blobs are there.
func (l *Layout) held(ctx context.Context, digest v1.Hash) (*v1.Descriptor, error) {
	raw, err := l.document(digest)
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if err := l.complete(m); err != nil {
		return nil, err
	}
	for _, blob := range manifestBlobs(m, l.o.Nondistributable) {
		if has, err := l.Has(ctx, blob); err != nil || !has {
			return nil, errors.Join(err, fmt.Errorf("%s is damaged", blob))
		}
	}
	content, err := l.document(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return &v1.Descriptor{
		MediaType: cmp.Or(m.MediaType, types.OCIManifestSchema1), // OCI lets it be left out
		Digest:    digest, Size: int64(len(raw)), Platform: config.Platform(),
	}, nil
}

// document reads a blob that is small by nature, and checks its digest.
func (l *Layout) document(digest v1.Hash) ([]byte, error) {
	raw, err := readDocument(l.blob(digest))
	if err != nil {
		return nil, err
	}
	return raw, checkDigest(digest.String(), raw)
}

// indexed tells whether the layout is marked as one and its index would stay as it
// is when the image is put into it.
func (l *Layout) indexed(d v1.Descriptor, tags []string) bool {
	if _, err := os.Stat(filepath.Join(l.dir, layoutFile)); err != nil {
		return false
	}
	index, err := readDocument(filepath.Join(l.dir, indexFile))
	if err != nil {
		return false
	}
	updated, err := mergeIndex(index, l.entries(d, tags))
	return err == nil && bytes.Equal(index, updated)
}

// checkDigest fails unless content has the digest.
func checkDigest(want string, content []byte) error {
	got, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return err
	}
	if got.String() != want {
		return fmt.Errorf("%d bytes have the digest %s instead of %s", size, got, want)
	}
	return nil
}
