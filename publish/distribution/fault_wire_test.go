package distribution_test

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// wires is a network in memory: hosts by name, connections with a small buffer. Its
// users can live in a bubble of testing/synctest, where time stands still while
// anybody works, so that the real limits of a client can be waited for, and measured.
type wires struct {
	mu    sync.Mutex
	hosts map[string]*wireListener
}

// listen makes a host, named with its port.
func (n *wires) listen(address string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]*wireListener{}
	}
	l := &wireListener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.hosts[address] = l
	return l
}

// dial connects to a host, as the DialContext of an http.Transport.
func (n *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	l, ok := n.hosts[address]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if !ok {
		return nil, refused
	}
	there, back := new(strand), new(strand)
	select {
	case l.conns <- &wire{in: there, out: back}:
		return &wire{in: back, out: there}, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type wireListener struct {
	address string
	conns   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *wireListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *wireListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *wireListener) Addr() net.Addr { return wireAddress(l.address) }

type wireAddress string

func (wireAddress) Network() string  { return "tcp" }
func (a wireAddress) String() string { return string(a) }

// wire is one end of a connection.
type wire struct {
	in, out *strand
	reads   deadline
	writes  deadline
}

func (w *wire) Read(b []byte) (int, error)         { return w.in.read(b, &w.reads) }
func (w *wire) Write(b []byte) (int, error)        { return w.out.write(b, &w.writes) }
func (w *wire) LocalAddr() net.Addr                { return wireAddress("wire") }
func (w *wire) RemoteAddr() net.Addr               { return wireAddress("wire") }
func (w *wire) SetReadDeadline(t time.Time) error  { return w.reads.set(t) }
func (w *wire) SetWriteDeadline(t time.Time) error { return w.writes.set(t) }

func (w *wire) SetDeadline(t time.Time) error {
	_ = w.reads.set(t)
	return w.writes.set(t)
}

func (w *wire) Close() error {
	w.in.end(func(s *strand) { s.deaf = true })
	w.out.end(func(s *strand) { s.dumb = true })
	return nil
}

// reset breaks the connection: what is on its way is lost.
func (w *wire) reset() {
	for _, s := range []*strand{w.in, w.out} {
		s.end(func(s *strand) { s.cut = true })
	}
}

// deadline is the time after which an end waits no more.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer
	passed chan struct{}
}

func (d *deadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	passed := d.channel()
	if d.timer != nil && !d.timer.Stop() {
		<-passed
	}
	d.timer = nil
	over := isClosed(passed)
	left := time.Until(t)
	if over && (t.IsZero() || left > 0) {
		passed = make(chan struct{})
		d.passed, over = passed, false
	}
	switch {
	case t.IsZero() || over:
	case left > 0:
		d.timer = time.AfterFunc(left, func() { close(passed) })
	default:
		close(passed)
	}
	return nil
}

// channel is closed when the time has come; the caller holds the lock.
func (d *deadline) channel() chan struct{} {
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.channel()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
