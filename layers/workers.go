package layers

import (
	"context"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/klauspost/pgzip"
	"golang.org/x/sync/semaphore"
)

// maxWorkers bounds the blocks that are compressed at a time. Each costs about
// 3 MiB with its buffers, and twice that until the garbage is collected; more
// would save little beside the time of an upload.
const maxWorkers = 8

// workers are the compressors that the layers of a plan share, so that packing
// seven layers at once needs no more memory than packing one.
type workers struct {
	sem  *semaphore.Weighted
	most int

	mu   sync.Mutex
	idle []*pgzip.Writer // their buffers are used again
}

func newWorkers(most int) *workers {
	return &workers{sem: semaphore.NewWeighted(int64(most)), most: most}
}

// defaultWorkers is one for each processor, as far as memory allows.
func defaultWorkers() *workers {
	return newWorkers(min(runtime.GOMAXPROCS(0), maxWorkers))
}

// take waits for as many workers as a layer of this size has use for, and
// returns their number and a function that gives them back.
func (w *workers) take(ctx context.Context, size int64) (int, func(), error) {
	n := int(min(int64(w.most), size/blockSize+1))
	if err := w.sem.Acquire(ctx, int64(n)); err != nil {
		return 0, nil, err
	}
	return n, func() { w.sem.Release(int64(n)) }, nil
}

// compressor is the one gzip writer of all blobs: its header has neither name
// nor time, and its bytes do not depend on n, the blocks at a time.
func (w *workers) compressor(dst io.Writer, n int) (*pgzip.Writer, error) {
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
		return nil, err
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
