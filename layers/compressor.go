package layers

import (
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
)

// compressor returns the writer of a blob, which compresses n blocks at a time,
// and a function that takes it back once it was closed without an error. The
// bytes depend on what is written alone: not on n, nor on the sizes of writes.
func (w *workers) compressor(c Compression, dst io.Writer, n int) (io.WriteCloser, func(), error) {
	if c == Zstd {
		// One goroutine: zstd is fast enough, and the order of its work is fixed.
		zw, err := zstd.NewWriter(dst, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
		return zw, func() {}, err
	}
	zw, err := w.gzip(dst, n)
	return zw, func() { w.reuse(zw) }, err
}

// gzip is the gzip writer of all blobs. Its header has neither name nor time.
func (w *workers) gzip(dst io.Writer, n int) (*pgzip.Writer, error) {
	zw := w.pop()
	if zw == nil {
		var err error
		if zw, err = pgzip.NewWriterLevel(dst, level); err != nil {
			return nil, err
		}
	} else {
		zw.Reset(dst)
	}
	if err := zw.SetConcurrency(blockSize, n); err != nil {
		return nil, fmt.Errorf("set up gzip: %w", err)
	}
	zw.ModTime = time.Unix(0, 0) // no time; the zero Time would be written as a negative one
	return zw, nil
}

func (w *workers) pop() *pgzip.Writer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.idle) == 0 {
		return nil
	}
	zw := w.idle[len(w.idle)-1]
	w.idle = w.idle[:len(w.idle)-1]
	return zw
}

// reuse takes back a compressor that was closed without an error.
func (w *workers) reuse(zw *pgzip.Writer) {
	zw.Reset(io.Discard) // lets go of the blob
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, zw)
}
