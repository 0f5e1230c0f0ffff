package base

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// dockerZstd is the type that BuildKit gives to zstd layers of the Docker family.
const dockerZstd types.MediaType = "application/vnd.docker.image.rootfs.diff.tar.zstd"

// families are the types of one kind of layer: as a plain tar, with gzip, with
// zstd.
var families = [...][3]types.MediaType{
	{types.DockerUncompressedLayer, types.DockerLayer, dockerZstd},
	{types.OCIUncompressedLayer, types.OCILayer, types.OCILayerZStd},
}

type compression int

const (
	plain compression = iota
	gzipped
	zstandard
)

// headSize is how many bytes tell the compression.
const headSize = 4

// compressionOf looks at first bytes: RFC 1952 and RFC 8878 have the magic
// numbers.
func compressionOf(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstandard
	}
	return plain
}

// typeOf returns the media type of a layer labelled mt that begins with head.
// Foreign layers and types that are not known keep theirs.
func typeOf(mt types.MediaType, head []byte) types.MediaType {
	for _, f := range families {
		if slices.Contains(f[:], mt) {
			return f[compressionOf(head)]
		}
	}
	return mt
}

func isPlain(mt types.MediaType) bool {
	return mt == families[0][plain] || mt == families[1][plain]
}

// isForeign says whether layers of the type live at their URLs.
func isForeign(mt types.MediaType) bool {
	return !mt.IsDistributable() || mt == "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
}

func readHead(r io.Reader) ([]byte, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// decompress returns the content of rc, whether that is gzip, zstd or plain.
// Closing it closes rc; on error rc is closed.
func decompress(rc io.ReadCloser) (io.ReadCloser, error) {
	head, err := readHead(rc)
	if err != nil {
		return nil, errors.Join(err, rc.Close())
	}
	r := io.MultiReader(bytes.NewReader(head), rc)
	switch compressionOf(head) {
	case gzipped:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, errors.Join(err, rc.Close())
		}
		return &stream{z, func() error { return errors.Join(z.Close(), rc.Close()) }}, nil
	case zstandard:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, errors.Join(err, rc.Close())
		}
		return &stream{z, func() error { z.Close(); return rc.Close() }}, nil
	}
	return &stream{r, rc.Close}, nil
}

// stream is a reader with something to close.
type stream struct {
	io.Reader
	close func() error
}

func (s *stream) Close() error { return s.close() }
