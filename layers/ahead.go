package layers

import (
	"errors"
	"io"
	"sync/atomic"
)

// aheadBuffers and aheadSize bound what a writer may be ahead of its reader.
const (
	aheadBuffers = 4
	aheadSize    = 256 << 10 // bytes
)

// ahead hands what is written to it to another goroutine, so that reading files
// and hashing them go on side by side.
type ahead struct {
	current    []byte
	free, full chan []byte
	done       chan error
	refused    atomic.Bool
}

// errBehind ends the writing when what was written before was refused.
var errBehind = errors.New("an earlier write was refused")

// newAhead returns a writer whose bytes another goroutine writes to w. Close must
// be called.
func newAhead(w io.Writer) *ahead {
	a := &ahead{free: make(chan []byte, aheadBuffers), full: make(chan []byte, aheadBuffers), done: make(chan error, 1)}
	for range aheadBuffers {
		a.free <- make([]byte, 0, aheadSize)
	}
	a.current = <-a.free
	go a.drain(w)
	return a
}

func (a *ahead) drain(w io.Writer) {
	var failed error
	for b := range a.full {
		if failed == nil {
			_, failed = w.Write(b)
			a.refused.Store(failed != nil)
		}
		a.free <- b[:0]
	}
	a.done <- failed
}

// Write implements io.Writer. What w refuses, Close tells.
func (a *ahead) Write(p []byte) (int, error) {
	if a.refused.Load() {
		return 0, errBehind
	}
	n := len(p)
	for len(p) > 0 {
		fits := min(len(p), aheadSize-len(a.current))
		a.current = append(a.current, p[:fits]...)
		p = p[fits:]
		if len(a.current) == aheadSize {
			a.full <- a.current
			a.current = <-a.free
		}
	}
	return n, nil
}

// Close waits until everything is written, and returns the error of w.
func (a *ahead) Close() error {
	a.full <- a.current
	close(a.full)
	return <-a.done
}
