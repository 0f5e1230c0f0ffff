package layers

import (
	"compress/gzip"
	"io"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a foreign zstd blob may ask for, in bytes.
const maxWindow = 128 << 20

// CompressionOf returns the compression that a layer's media type names, gzip
// where it does not name zstd.
func CompressionOf(t types.MediaType) Compression {
	if t == types.OCILayerZStd {
		return Zstd
	}
	return Gzip
}

// Unpack reads the tar of a blob. Closing it does not close r.
func (c Compression) Unpack(r io.Reader) (io.ReadCloser, error) {
	if c == Zstd {
		zr, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return zr.IOReadCloser(), nil
	}
	return gzip.NewReader(r)
}
