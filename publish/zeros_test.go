package publish

import (
	"crypto/sha256"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// zeros is a layer of that many zero bytes, none of them in memory.
type zeros int64

func (z zeros) open() io.Reader { return io.LimitReader(zeroReader{}, int64(z)) }

func (z zeros) Digest() (v1.Hash, error) {
	h := sha256.New()
	_, err := io.Copy(h, z.open())
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", h.Sum(nil))}, err
}

func (z zeros) DiffID() (v1.Hash, error)             { return z.Digest() }
func (z zeros) Compressed() (io.ReadCloser, error)   { return io.NopCloser(z.open()), nil }
func (z zeros) Uncompressed() (io.ReadCloser, error) { return z.Compressed() }
func (z zeros) Size() (int64, error)                 { return int64(z), nil }
func (z zeros) MediaType() (types.MediaType, error)  { return types.DockerUncompressedLayer, nil }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
