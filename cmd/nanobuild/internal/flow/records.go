package flow

import (
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/cache"
	"github.com/nanobuild/nanobuild/publish"
)

// records know the blobs that earlier runs made: those in the cache, and those of
// the images that the targets' tags name now.
type records struct {
	cache *cache.Cache

	mu    sync.Mutex
	found map[recordKey]layers.Blob
}

type recordKey struct {
	compression layers.Compression
	diffID      v1.Hash
}

// any says whether there are records at all. Without, no diffID needs to be
// computed before its layer is packed.
func (r *records) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.found) > 0 || r.cache.HasLayers()
}

// blob returns the blob that the tar with that diffID was packed to.
func (r *records) blob(c layers.Compression, diffID v1.Hash) (layers.Blob, bool) {
	if b, ok := r.cache.Layer(c.Comment(), diffID); ok {
		return layers.Blob(b), true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.found[recordKey{c, diffID}]
	return b, ok
}

// learn takes the records out of an image that a tag names.
func (r *records) learn(image *publish.Found) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := builder.Recorded(image.Manifest, image.Config)
	for _, f := range found {
		r.found[recordKey{f.Compression, f.DiffID}] = f.Blob
	}
	return len(found)
}

// keepAll keeps what the layers are, for this run and later ones.
func (r *records) keepAll(ours []*layers.Layer) error {
	for _, l := range ours {
		if err := r.keep(l); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) keep(l *layers.Layer) error {
	diffID, err := l.DiffID()
	if err != nil {
		return err
	}
	b, err := l.Blob()
	if err != nil {
		return err
	}
	r.cache.PutLayer(l.Compression().Comment(), diffID, cache.Blob(b))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[recordKey{l.Compression(), diffID}] = b
	return nil
}
