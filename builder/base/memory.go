package base

import (
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Memory keeps what earlier runs learnt about bases in registries. What it
// returns is believed only as far as it has its digest. All methods are safe for
// concurrent use.
type Memory interface {
	// Document returns a manifest list, a manifest or a config.
	Document(digest v1.Hash) (mediaType types.MediaType, raw []byte, ok bool)
	// KeepDocument is told of what a registry served, when it is not larger than
	// 63 KiB. Neither side changes raw.
	KeepDocument(digest v1.Hash, mediaType types.MediaType, raw []byte)
	// Tag returns what the tag named when it was last asked for: the digest of a
	// manifest or list. A ref is written out: REGISTRY/REPOSITORY:TAG.
	Tag(ref string) (v1.Hash, bool)
	// KeepTag is told of a tag each time that it led to a base.
	KeepTag(ref string, digest v1.Hash)
}

// maxRemembered is the largest document that is kept, in bytes. Those of Microsoft's
// bases have 0.5 to 3 KB.
const maxRemembered = 63 << 10

// anySize is the size in the descriptor of a document of which only the digest is
// known.
const anySize = -1

// known holds the documents of one run in front of those of earlier ones.
type known struct {
	earlier Memory // or nil
	mu      sync.Mutex
	docs    map[v1.Hash]blob
}

// blob is a manifest or config whose bytes have their digest.
type blob struct {
	mediaType types.MediaType
	raw       []byte
}

// find returns the bytes that d describes.
func (k *known) find(d v1.Descriptor) (blob, bool) {
	k.mu.Lock()
	b, ok := k.docs[d.Digest]
	k.mu.Unlock()
	if !ok && k.earlier != nil {
		b.mediaType, b.raw, ok = k.earlier.Document(d.Digest)
	}
	if !ok || len(b.raw) > maxJSON {
		return blob{}, false
	}
	if d.Size == anySize {
		d.Size = int64(len(b.raw))
	}
	return b, verify(b.raw, d) == nil
}

// document returns the manifest or list that d describes.
func (k *known) document(d v1.Descriptor) (document, bool) {
	b, ok := k.find(d)
	if !ok {
		return document{}, false
	}
	doc, err := parse(b.raw, d.Digest, b.mediaType)
	return doc, err == nil
}

// add keeps bytes that have the digest.
func (k *known) add(digest v1.Hash, mediaType types.MediaType, raw []byte) {
	k.mu.Lock()
	k.docs[digest] = blob{mediaType, raw}
	k.mu.Unlock()
	if k.earlier != nil && len(raw) <= maxRemembered {
		k.earlier.KeepDocument(digest, mediaType, raw)
	}
}

// tag returns what a tag named last.
func (k *known) tag(ref string) (v1.Hash, bool) {
	if k.earlier == nil {
		return v1.Hash{}, false
	}
	return k.earlier.Tag(ref)
}

func (k *known) addTag(ref string, digest v1.Hash) {
	if k.earlier != nil {
		k.earlier.KeepTag(ref, digest)
	}
}
