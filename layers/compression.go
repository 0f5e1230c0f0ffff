package layers

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Compression is how the blobs of layers are compressed.
type Compression string

// The compressions. Every container runtime for Windows reads gzip; zstd takes
// Docker 23 or containerd 1.5, and a manifest of the OCI family.
const (
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// ParseCompression returns the compression of that name; "" is Gzip.
func ParseCompression(name string) (Compression, error) {
	switch c := Compression(name); c {
	case "":
		return Gzip, nil
	case Gzip, Zstd:
		return c, nil
	}
	return "", fmt.Errorf("%q is no compression", name)
}

const (
	// level is the gzip level. Of the layer with the .NET 10 runtime (80.5 MB)
	// level 5 leaves 37.9 MB, 6 37.3 MB for a sixth more time, 7 36.7 MB for
	// twice the time, 9 36.4 MB for five times as much.
	level = 6

	// blockSize is what pgzip compresses at a time, in bytes. It decides the
	// compressed bytes; the number of blocks at a time does not.
	blockSize = 1 << 20

	pgzipVersion    = "1.3.0"  // github.com/klauspost/pgzip
	compressVersion = "1.20.4" // github.com/klauspost/compress
)

// Comment names all that decides the bytes of a blob beside the files: the
// version of the layer format and the compressor. History entries carry it, and
// records of blobs are kept under it.
func (c Compression) Comment() string {
	if c == Zstd {
		return fmt.Sprintf("layer format %d; zstd klauspost %s default", FormatVersion, compressVersion)
	}
	return fmt.Sprintf("layer format %d; gzip pgzip %s flate %s level %d", FormatVersion, pgzipVersion, compressVersion, level)
}

// mediaType is that of a blob. Docker's family has none for zstd.
func (c Compression) mediaType(oci bool) types.MediaType {
	switch {
	case c == Zstd:
		return types.OCILayerZStd
	case oci:
		return types.OCILayer
	}
	return types.DockerLayer
}
