package distribution_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// wires is a network in memory: hosts by name, connections that are pipes. Its users
// can live in a bubble of testing/synctest, where time stands still while anybody
// works, so that the real limits of a client can be waited for, and measured.
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
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	var cut atomic.Bool
	select {
	case l.conns <- &wire{theirs, &cut}:
		return &wire{ours, &cut}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// wire is one end of a connection. Both ends know when it was cut.
type wire struct {
	net.Conn
	cut *atomic.Bool
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	return n, w.told("read", err)
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	return n, w.told("write", err)
}

func (w *wire) told(op string, err error) error {
	if err != nil && w.cut.Load() && !errors.Is(err, os.ErrDeadlineExceeded) {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
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
