package distribution_test

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// strand is one direction of a wire.
type strand struct {
	mu      sync.Mutex
	buf     []byte
	deaf    bool          // the reader has closed it
	dumb    bool          // the writer has
	cut     bool          // it broke
	changed chan struct{} // closed when any of this changes
}

const (
	strandBuffer = 16 << 10 // bytes

	// A small write never waits: TLS says farewell while net/http holds a lock, and
	// the clock of a bubble does not go on while anybody waits for a lock.
	farewell = 1 << 10
)

func newStrand() *strand { return &strand{changed: make(chan struct{})} }

// change tells everybody who waits; the caller holds the lock.
func (s *strand) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *strand) end(how func(*strand)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how(s)
	s.change()
}

func (s *strand) read(b []byte, d *deadline) (int, error) {
	for {
		n, changed, err := s.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		if err := await(changed, d); err != nil {
			return 0, err
		}
	}
}

func (s *strand) take(b []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cut:
		return 0, nil, broke("read")
	case s.deaf:
		return 0, nil, net.ErrClosed
	case len(s.buf) > 0:
		n := copy(b, s.buf)
		s.buf = s.buf[n:]
		s.change()
		return n, nil, nil
	case s.dumb:
		return 0, nil, io.EOF
	}
	return 0, s.changed, nil
}

func (s *strand) write(b []byte, d *deadline) (int, error) {
	done := 0
	for {
		n, changed, err := s.give(b[done:])
		done += n
		if done == len(b) || err != nil {
			return done, err
		}
		if n == 0 {
			err = await(changed, d)
		}
		if err != nil {
			return done, err
		}
	}
}

func (s *strand) give(b []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cut:
		return 0, nil, broke("write")
	case s.dumb:
		return 0, nil, net.ErrClosed
	case s.deaf:
		return 0, nil, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	n := min(len(b), max(strandBuffer-len(s.buf), 0))
	if len(b) <= farewell {
		n = len(b)
	}
	if n > 0 {
		s.buf = append(s.buf, b[:n]...)
		s.change()
	}
	return n, s.changed, nil
}

func broke(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
}

// await waits for a change, or the deadline.
func await(changed <-chan struct{}, d *deadline) error {
	passed := d.wait()
	if isClosed(passed) {
		return os.ErrDeadlineExceeded
	}
	select {
	case <-changed:
		return nil
	case <-passed:
		return os.ErrDeadlineExceeded
	}
}
