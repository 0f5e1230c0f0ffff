package base

import (
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Remembered is a Memory of this process, which tests may change.
type Remembered struct {
	mu   sync.Mutex
	docs map[v1.Hash]blob
	tags map[string]v1.Hash
}

var _ Memory = (*Remembered)(nil)

// NewRemembered returns an empty one.
func NewRemembered() *Remembered {
	return &Remembered{docs: map[v1.Hash]blob{}, tags: map[string]v1.Hash{}}
}

// Document implements Memory.
func (r *Remembered) Document(digest v1.Hash) (types.MediaType, []byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.docs[digest]
	return b.mediaType, b.raw, ok
}

// KeepDocument implements Memory.
func (r *Remembered) KeepDocument(digest v1.Hash, mediaType types.MediaType, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.docs[digest] = blob{mediaType, raw}
}

// Tag implements Memory.
func (r *Remembered) Tag(ref string) (v1.Hash, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	digest, ok := r.tags[ref]
	return digest, ok
}

// KeepTag implements Memory.
func (r *Remembered) KeepTag(ref string, digest v1.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags[ref] = digest
}

// Change replaces every document by what change makes of it.
func (r *Remembered) Change(change func(mediaType types.MediaType, raw []byte) (types.MediaType, []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for digest, b := range r.docs {
		mt, raw := change(b.mediaType, b.raw)
		r.docs[digest] = blob{mt, raw}
	}
}

// Documents returns how many there are, by media type.
func (r *Remembered) Documents() map[types.MediaType]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := map[types.MediaType]int{}
	for _, b := range r.docs {
		n[b.mediaType]++
	}
	return n
}
