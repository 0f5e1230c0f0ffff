package sample

import (
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image serves exactly the bytes it was made of, so that keys which
// go-containerregistry's config type lacks survive.
type image struct {
	mediaType        types.MediaType
	manifest, config []byte
	blobs            map[v1.Hash]*blob
}

var _ partial.CompressedImageCore = (*image)(nil)

func (i *image) MediaType() (types.MediaType, error) { return i.mediaType, nil }
func (i *image) RawManifest() ([]byte, error)        { return i.manifest, nil }
func (i *image) RawConfigFile() ([]byte, error)      { return i.config, nil }

func (i *image) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	b, ok := i.blobs[h]
	if !ok {
		return nil, fmt.Errorf("a sample base has no layer %s", h)
	}
	return b, nil
}

// blob is a layer held in memory.
type blob struct {
	desc   v1.Descriptor
	diffID v1.Hash
	data   []byte
}

var (
	_ partial.CompressedLayer = (*blob)(nil)
	_ partial.WithDiffID      = (*blob)(nil)
)

func (b *blob) Digest() (v1.Hash, error)            { return b.desc.Digest, nil }
func (b *blob) DiffID() (v1.Hash, error)            { return b.diffID, nil }
func (b *blob) Size() (int64, error)                { return b.desc.Size, nil }
func (b *blob) MediaType() (types.MediaType, error) { return b.desc.MediaType, nil }
func (b *blob) Descriptor() (*v1.Descriptor, error) { return b.desc.DeepCopy(), nil }
func (b *blob) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.data)), nil
}
