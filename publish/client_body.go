package publish

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// outgoing is a request's body of known size. Each try opens it anew, so that it
// is never held in memory for the sake of the next one.
type outgoing struct {
	size int64
	open func() (io.ReadCloser, error)

	mu     sync.Mutex
	sent   int64
	failed error
}

func outgoingBytes(b []byte) *outgoing {
	return &outgoing{size: int64(len(b)), open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// bodyError marks an error in reading a body, which may look like one of the
// network: the body can come from another registry.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

// attach makes o the body of req.
func (o *outgoing) attach(req *http.Request) error {
	if o.size == 0 {
		req.Body = http.NoBody
		return nil
	}
	body, err := o.start()
	if err != nil {
		return err
	}
	req.Body, req.GetBody, req.ContentLength = body, o.start, o.size
	return nil
}

func (o *outgoing) start() (io.ReadCloser, error) {
	rc, err := o.open()
	if err != nil {
		o.fail(err)
		return nil, err
	}
	return &passage{rc: rc, of: o}, nil
}

// bytes is the number of bytes given to the network, all tries together.
func (o *outgoing) bytes() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sent
}

// failure returns the first error in reading the body, or nil.
func (o *outgoing) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

func (o *outgoing) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
}

func (o *outgoing) count(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent += int64(n)
}

// passage is one reading of an outgoing body.
type passage struct {
	rc     io.ReadCloser
	of     *outgoing
	closed atomic.Bool // also while a Read waits, to end that
}

// errSpent is no failure of the source: the library sends a request a second time
// when its token has expired, without opening the body anew.
var errSpent = errors.New("the body was sent already")

func (p *passage) Read(b []byte) (int, error) {
	if p.closed.Load() {
		return 0, errSpent
	}
	n, err := p.rc.Read(b)
	p.of.count(n)
	if err != nil && err != io.EOF && !p.closed.Load() {
		p.of.fail(err)
	}
	return n, err
}

func (p *passage) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	return p.rc.Close()
}
