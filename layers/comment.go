package layers

import "fmt"

const (
	// level is the gzip level. Of the layer with the .NET 10 runtime (80.5 MB)
	// level 5 leaves 37.9 MB, 6 37.3 MB for a sixth more time, 7 36.7 MB for
	// twice the time, 9 36.4 MB for five times as much.
	level = 6

	// blockSize is what pgzip compresses at a time, in bytes. It decides the
	// compressed bytes; the number of blocks at a time does not.
	blockSize = 1 << 20

	pgzipVersion = "1.3.0"  // github.com/klauspost/pgzip
	flateVersion = "1.20.4" // github.com/klauspost/compress
)

// Comment names all that decides the bytes of a blob beside the files: the
// version of the layer format and the compressor. History entries carry it.
func Comment() string {
	return fmt.Sprintf("layer format %d; gzip pgzip %s flate %s level %d", FormatVersion, pgzipVersion, flateVersion, level)
}
