package flow

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers/cache"
)

// The kinds of records beside those of layers.
const (
	documentKind = "document"   // by digest: media type, a line break, the bytes
	tagKind      = "tag"        // by reference: digest
	repoKind     = "repository" // by name: the digests of the blobs seen there
)

// baseMemory keeps what is learnt about bases in the cache.
type baseMemory struct{ cache *cache.Cache }

var _ base.Memory = baseMemory{}

// Document implements base.Memory.
func (m baseMemory) Document(digest v1.Hash) (types.MediaType, []byte, bool) {
	value, ok := m.cache.Get(documentKind, digest.String())
	mediaType, raw, whole := strings.Cut(string(value), "\n")
	return types.MediaType(mediaType), []byte(raw), ok && whole
}

// KeepDocument implements base.Memory.
func (m baseMemory) KeepDocument(digest v1.Hash, mediaType types.MediaType, raw []byte) {
	m.cache.Put(documentKind, digest.String(), append([]byte(string(mediaType)+"\n"), raw...))
}

// Tag implements base.Memory.
func (m baseMemory) Tag(ref string) (v1.Hash, bool) {
	value, ok := m.cache.Get(tagKind, ref)
	if !ok {
		return v1.Hash{}, false
	}
	digest, err := v1.NewHash(string(value))
	return digest, err == nil
}

// KeepTag implements base.Memory.
func (m baseMemory) KeepTag(ref string, digest v1.Hash) {
	m.cache.Put(tagKind, ref, []byte(digest.String()))
}
