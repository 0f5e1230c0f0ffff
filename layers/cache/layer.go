package cache

import (
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// LayerKind is the kind of the records of layers.
const LayerKind = "layer"

// Blob is a compressed layer.
type Blob struct {
	Digest v1.Hash // of the compressed bytes
	Size   int64   // in bytes
}

// Layer returns what an uncompressed layer becomes when it is compressed.
// compressor names the program, its version and its options: everything that
// the compressed bytes depend on.
func (c *Cache) Layer(compressor string, diffID v1.Hash) (Blob, bool) {
	value, ok := c.Get(LayerKind, layerKey(compressor, diffID))
	if !ok {
		return Blob{}, false
	}
	digest, size, _ := strings.Cut(string(value), " ")
	var b Blob
	var err error
	if b.Digest, err = v1.NewHash(digest); err != nil {
		return Blob{}, false
	}
	if b.Size, err = strconv.ParseInt(size, 10, 64); err != nil || b.Size <= 0 {
		return Blob{}, false
	}
	return b, true
}

// PutLayer keeps what an uncompressed layer became. A blob without digest or
// size is not kept.
func (c *Cache) PutLayer(compressor string, diffID v1.Hash, b Blob) {
	if b.Digest.Hex == "" || b.Size <= 0 {
		return
	}
	c.Put(LayerKind, layerKey(compressor, diffID), fmt.Appendf(nil, "%s %d", b.Digest, b.Size))
}

// HasLayers says whether Layer can find anything.
func (c *Cache) HasLayers() bool { return c.Has(LayerKind) }

func layerKey(compressor string, diffID v1.Hash) string { return compressor + "/" + diffID.String() }
