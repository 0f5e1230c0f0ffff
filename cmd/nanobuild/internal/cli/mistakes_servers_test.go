package cli

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// places leads names of hosts to servers.
type places struct {
	mu    sync.Mutex
	known map[string]string // addresses by host and port
}

func (p *places) set(host, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[host] = address
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dial knows the names of the scene. Addresses of this machine are left to others,
// and no other name exists.
func (p *places) dial(others dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		p.mu.Lock()
		to, known := p.known[address]
		p.mu.Unlock()
		if known {
			return new(net.Dialer).DialContext(ctx, network, to)
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if net.ParseIP(host) == nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
		}
		return others(ctx, network, address)
	}
}

// serve has a host answer over https.
func (s *scene) serve(t *testing.T, host string, h http.Handler) {
	t.Helper()
	s.serveTLS(t, host, s.authority.Pair(t, host), h)
}

func (s *scene) serveTLS(t *testing.T, host string, pair tls.Certificate, h http.Handler) {
	t.Helper()
	server := newServer(t, h)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	s.places.set(withPort(host), server.Listener.Addr().String())
}

// servePlain has a host answer over http, on whatever port is asked.
func (s *scene) servePlain(t *testing.T, host string, h http.Handler) {
	t.Helper()
	server := newServer(t, h)
	server.Start()
	s.places.set(withPort(host), server.Listener.Addr().String())
	s.places.set(net.JoinHostPort(host, "80"), server.Listener.Addr().String())
}

func newServer(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server
}

func withPort(host string) string {
	if strings.Contains(host, ":") {
		return host
	}
	return net.JoinHostPort(host, "443")
}

// direct brings requests to a handler without a network.
type direct struct{ to http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	if sent.Body == nil {
		sent.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	d.to.ServeHTTP(answer, sent)
	resp := answer.Result()
	resp.Request = req
	return resp, nil
}

// tagLog notes which tags were written.
type tagLog struct {
	mu   sync.Mutex
	tags []string
}

func (l *tagLog) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		next.ServeHTTP(w, req)
		_, ref, manifest := strings.Cut(req.URL.Path, "/manifests/")
		if req.Method != http.MethodPut || !manifest || strings.HasPrefix(ref, "sha256:") {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tags = append(l.tags, ref)
	})
}

func (l *tagLog) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tags)
}
