package layers

import (
	"context"
	"runtime"
	"sync"

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
