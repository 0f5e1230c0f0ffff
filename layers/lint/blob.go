package lint

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// Gzip is the class of faults in a blob.
const Gzip Class = "GZIP"

// A blob may unpack to minUnpacked bytes, or to maxRatio times its size if that
// is more: programs shrink to a half or a third.
const (
	minUnpacked = 1 << 30
	maxRatio    = 200
)

// gzipHeader is how a blob begins (RFC 1952): deflate, no optional fields, no
// time; the byte for the level may be anything; no operating system.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0xff, 255}

// Blob checks the compressed form of a layer, rule 23: one gzip member without
// name or time, or zstd, with the digests and the size that manifest and config
// say. It reads r to its end; the error is that of r.
func Blob(r io.Reader, c layers.Compression, digest, diffID v1.Hash, size int64) (Report, error) {
	found := newCollector()
	src := &meter{r: r}
	packed := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(src, packed), 64<<10)
	if c != layers.Zstd {
		checkGzipHeader(found, in)
	}
	if err := checkContent(found, in, c, diffID, src); err != nil {
		found.addf(23, Gzip, "the blob cannot be unpacked: %v", err)
	}
	if n, err := io.Copy(io.Discard, in); err == nil && n > 0 {
		found.addf(23, Gzip, "%d bytes behind the first gzip member", n)
	}
	if src.err != nil {
		return Report{}, fmt.Errorf("read the blob: %w", src.err)
	}
	if got := hex.EncodeToString(packed.Sum(nil)); got != digest.Hex || src.n != size {
		found.addf(23, Gzip, "the blob is sha256:%s of %d bytes, the manifest says %s of %d", got, src.n, digest, size)
	}
	return Report{Findings: found.findings(), Bytes: src.n}, nil
}

func checkGzipHeader(found *collector, in *bufio.Reader) {
	head, err := in.Peek(len(gzipHeader))
	if err != nil {
		return // unpacking says so
	}
	for i, b := range head {
		const level = 8
		if i != level && b != gzipHeader[i] {
			found.addf(23, Gzip, "byte %d of the gzip header is %#02x, not %#02x", i, b, gzipHeader[i])
			return
		}
	}
}

// checkContent unpacks the blob, of gzip one member, and compares its hash. What
// comes out is bounded by what was read from src.
func checkContent(found *collector, in *bufio.Reader, c layers.Compression, diffID v1.Hash, src *meter) error {
	zr, err := c.Unpack(in)
	if err != nil {
		return err
	}
	if gz, ok := zr.(*gzip.Reader); ok {
		gz.Multistream(false)
	}
	plain := sha256.New()
	_, err = io.Copy(&bounded{w: plain, src: src}, zr)
	if err := errors.Join(err, zr.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(plain.Sum(nil)); got != diffID.Hex {
		found.addf(23, Gzip, "its content is sha256:%s, the config says %s", got, diffID)
	}
	return nil
}

// bounded passes on what is unpacked, while that is not too much for what was
// read.
type bounded struct {
	w   io.Writer
	n   int64
	src *meter
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.n += int64(len(p)); b.n > max(minUnpacked, maxRatio*b.src.n) {
		return 0, fmt.Errorf("its content has more than %d times its size, and more than %d MiB", maxRatio, minUnpacked>>20)
	}
	return b.w.Write(p)
}
