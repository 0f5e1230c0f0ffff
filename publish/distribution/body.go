package distribution

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Body is what an upload sends. Each try opens it anew, so that it is never held in
// memory for the sake of the next one.
type Body struct {
	size int64
	open func(offset int64) (io.ReadCloser, error)

	mu     sync.Mutex
	sent   int64
	parked io.ReadCloser // stands at offset at, for the part that begins there
	at     int64
}

// NewBody returns a body of size bytes that open reads from an offset on.
func NewBody(size int64, open func(offset int64) (io.ReadCloser, error)) *Body {
	return &Body{size: size, open: open}
}

// Sent returns the number of bytes that were given to the network, all tries
// together.
func (b *Body) Sent() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent
}

func (b *Body) count(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent += int64(n)
}

// reader returns a reader that stands at the offset: the one that the part before
// left there, or a new one.
func (b *Body) reader(offset int64) (io.ReadCloser, error) {
	b.mu.Lock()
	parked, at := b.parked, b.at
	b.parked = nil
	b.mu.Unlock()
	if parked != nil && at == offset {
		return parked, nil
	}
	if parked != nil {
		_ = parked.Close() // it was only read
	}
	return b.open(offset)
}

// park keeps a reader that stands at the offset.
func (b *Body) park(rc io.ReadCloser, offset int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked, b.at = rc, offset
}

// finish closes a reader that nobody wants any more.
func (b *Body) finish() {
	b.mu.Lock()
	parked := b.parked
	b.parked = nil
	b.mu.Unlock()
	if parked != nil {
		_ = parked.Close() // it was only read
	}
}

// part returns what the body has from one offset to another.
func (b *Body) part(from, to int64) *part { return &part{body: b, from: from, to: to} }

func bytesPart(content []byte) *part {
	b := NewBody(int64(len(content)), func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	})
	return b.part(0, b.size)
}

// SourceError says that the bytes to send could not be read. It may look like an
// error of the network, since they can come from another registry.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

// damaged tells whether the source may be whole when it is opened again.
func (e *SourceError) damaged() bool {
	var damaged *DamagedError
	return errors.As(e.Err, &damaged)
}

// part is the body of one request.
type part struct {
	body     *Body
	from, to int64

	mu     sync.Mutex
	moved  int64 // bytes of the last try
	failed error // the first error of the source
}

func (p *part) size() int64 { return p.to - p.from }

// progress is how many bytes the last try gave to the network.
func (p *part) progress() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moved
}

func (p *part) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

func (p *part) fail(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = &SourceError{err}
	}
	return p.failed
}

func (p *part) start(w *watch, n *Network) (io.ReadCloser, error) {
	p.mu.Lock()
	p.moved = 0
	p.mu.Unlock()
	rc, err := p.body.reader(p.from)
	if err != nil {
		return nil, p.fail(err)
	}
	return &passage{rc: rc, of: p, left: p.size(), watch: w, net: n, piece: leastPiece}, nil
}

// passage is one reading of a part.
type passage struct {
	rc    io.ReadCloser
	of    *part
	left  int64 // only the reader changes it, with mu held
	watch *watch
	net   *Network
	piece int         // bytes that are handed out next
	slow  atomic.Bool // the last piece took long

	mu      sync.Mutex
	closed  bool
	reading bool
}

// leastPiece is what a line must move before it counts as standing still, in bytes.
// Whether something moves shows only when the next piece is wanted, so pieces grow
// with the speed.
const leastPiece = 1 << 10

// endPiece is how near the end of a body pieces stop to shrink, in bytes. They do
// because what the transport has in hand counts as sent, and HTTP/2 takes half a
// megabyte at a time.
const endPiece = 32 << 10

// errClosed is no failure of the source: the request ended before its body did.
var errClosed = errors.New("the request has ended")

func (p *passage) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	p.watch.sending(p.watch.idle) // the source may take its time
	n, err := p.source(b[:min(int64(len(b)), p.left, int64(p.next()))])
	if errors.Is(err, errClosed) {
		return 0, errClosed
	}
	p.moved(n)
	if err != nil && (!errors.Is(err, io.EOF) || p.left > 0) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, p.of.fail(err)
	}
	p.watch.sending(p.await)
	return n, nil
}

func (p *passage) next() int {
	piece := p.piece
	if p.slow.Swap(false) {
		piece = leastPiece
	}
	p.piece = min(piece*2, 1<<20)
	return min(piece, max(int(min(p.left/2, 1<<20)), endPiece))
}

// await begins to wait for the network to take more, or to answer.
func (p *passage) await() {
	if p.left > 0 {
		p.watch.expectRemarked("nothing could be sent", p.net.policy.Stall, p.net.policy.Stall/10, func() { p.slow.Store(true) })
		return
	}
	p.watch.expectStored(p.net)
}

func (p *passage) moved(n int) {
	p.of.body.count(n)
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.of.moved += int64(n)
}

// source reads from the source. HTTP/2 closes bodies while they are read, which few
// sources can bear: then the reader closes it.
func (p *passage) source(b []byte) (int, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return 0, errClosed
	}
	p.reading = true
	p.mu.Unlock()
	n, err := p.rc.Read(b)
	p.mu.Lock()
	p.reading = false
	p.left -= int64(n)
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return 0, errors.Join(errClosed, p.rc.Close())
	}
	return n, err
}

func (p *passage) Close() error {
	p.mu.Lock()
	others := p.closed || p.reading
	whole := p.left == 0
	p.closed = true
	p.mu.Unlock()
	if others {
		return nil
	}
	if whole && p.of.to < p.of.body.size {
		p.of.body.park(p.rc, p.of.to)
		return nil
	}
	return p.rc.Close()
}
