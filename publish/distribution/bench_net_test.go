package distribution_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"time"
)

var quiet = log.New(io.Discard, "", 0)

// sockets is the network of this machine. With small buffers a server that reads no
// more is soon noticed by who sends.
type sockets struct{ small bool }

// socketBuffer is the size of small buffers, in bytes.
const socketBuffer = 16 << 10

func (s sockets) listen(string) net.Listener {
	var how net.ListenConfig
	if s.small {
		how.Control = func(_, _ string, c syscall.RawConn) error {
			var err error
			cerr := c.Control(func(fd uintptr) { err = receiveBuffer(fd, socketBuffer) })
			return errors.Join(cerr, err)
		}
	}
	l, err := how.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return l
}

func (s sockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if tcp, ok := c.(*net.TCPConn); ok && s.small {
		err = tcp.SetWriteBuffer(socketBuffer)
	}
	return c, err
}

// connCount knows how many connections servers have.
type connCount struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *connCount) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew:
		if c.open == nil {
			c.open = map[net.Conn]bool{}
		}
		c.open[conn] = true
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

func (c *connCount) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// settle waits for the connections to end, and returns how many do not.
func (c *connCount) settle(closeIdle func()) int {
	for range 1000 { // TLS waits 5 s for somebody to take its farewell
		closeIdle()
		if c.count() == 0 {
			return 0
		}
		time.Sleep(10 * time.Millisecond)
	}
	return c.count()
}

// pauses is the record of a client's waits between tries, and of what it said.
type pauses struct {
	mu      sync.Mutex
	all     []time.Duration
	notices []string
	begin   time.Time
}

func (p *pauses) notice(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notices = append(p.notices, time.Since(p.begin).Round(time.Millisecond).String()+" "+text)
}

// sleep is the Sleep of a policy. It waits for the scale'th part of what it should.
func (p *pauses) sleep(scale time.Duration) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		p.mu.Lock()
		p.all = append(p.all, d)
		p.mu.Unlock()
		timer := time.NewTimer(d / scale)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *pauses) list() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Duration(nil), p.all...)
}

// httptest's certificate is for secureHost.
var certificate = sync.OnceValues(func() (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS, &tls.Config{RootCAs: roots}
})
