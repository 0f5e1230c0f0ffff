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
	buf     []byte // what is on its way, from begin on
	begin   int
	deaf    bool          // the reader has closed it
	dumb    bool          // the writer has
	cut     bool          // it broke
	changed chan struct{} // closed when any of this changes; nil while nobody waits
}

const (
	strandBuffer = 16 << 10 // bytes

	// A small write never waits: TLS says farewell while net/http holds a lock, and
	// the clock of a bubble does not go on while anybody waits for a lock.
	farewell = 1 << 10
)

// change tells everybody who waits; the caller holds the lock.
func (s *strand) change() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// wait returns what the next change closes; the caller holds the lock.
func (s *strand) wait() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
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
		n := copy(b, s.buf[s.begin:])
		if s.begin += n; s.begin == len(s.buf) {
			s.buf, s.begin = s.buf[:0], 0
		}
		s.change()
		return n, nil, nil
	case s.dumb:
		return 0, nil, io.EOF
	}
	return 0, s.wait(), nil
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
	n := min(len(b), max(strandBuffer-len(s.buf)+s.begin, 0))
	if len(b) <= farewell {
		n = len(b)
	}
	if n == 0 {
		return 0, s.wait(), nil
	}
	if s.begin > 0 && len(s.buf)+n > cap(s.buf) {
		s.buf, s.begin = s.buf[:copy(s.buf, s.buf[s.begin:])], 0
	}
	s.buf = append(s.buf, b[:n]...)
	s.change()
	return n, nil, nil
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
