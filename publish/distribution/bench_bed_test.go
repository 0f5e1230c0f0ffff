package distribution_test

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// bed is where one run takes place: a registry, what stands before it, and the
// client. In memory there is no socket, and the clock is that of a bubble.
type bed struct {
	row      row
	pace     pace
	hurry    time.Duration // by how much the client's pauses are shorter
	network  interface{ listen(string) net.Listener }
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	registry http.Handler // past all faults
	repo     string       // the repository's name in the registry
	faults   []*faults
	lost     *sessions
	gate     *tokens // nil without a token service
	servers  []*http.Server
	carrier  *http.Transport
	conns    *connCount

	mu         sync.Mutex
	complaints []string
}

// The hosts in memory.
const (
	plainHost  = "registry.test:5000"
	secureHost = "example.com" // the certificates of httptest are for it
	cdnHost    = "cdn.test:80"
)

func (b *bed) complain(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, s)
}

// start puts the row's habits and faults before the registry, and serves it. It
// returns the address of the registry.
func (b *bed) start(seed uint64) string {
	b.lost, b.conns = new(sessions), new(connCount)
	kinds := b.row.faults(b.lost)
	handler := b.lost.before(b.registry)
	if b.row.token != nil {
		b.gate = b.row.token()
		b.gate.next = handler
		if b.hurry > 1 && b.gate.life > 0 {
			b.gate.life = time.Second // less than that may be over before a token is used
		}
		handler = b.gate
	}
	for _, h := range b.row.habits {
		handler = h(handler)
	}
	if b.row.streams {
		handler = onceWritten(b.lost)(handler)
	}
	if b.row.cdn {
		behind := newFaults(signedOnly(b.registry, b.complain), seed+1, b.row.rate, b.pace, kinds...)
		behind.limit = cmp.Or(b.row.limit, behind.limit)
		b.faults = append(b.faults, behind)
		b.serve(cdnHost, behind)
		handler = redirecting("http://" + cdnHost)(handler)
	}
	front := newFaults(handler, seed, b.row.rate, b.pace, kinds...)
	front.limit = cmp.Or(b.row.limit, front.limit)
	b.faults = append(b.faults, front)
	if b.row.secure {
		return b.serve(secureHost, front)
	}
	return b.serve(plainHost, front)
}

// serve makes a host and returns its address.
func (b *bed) serve(host string, h http.Handler) string {
	s := &http.Server{Handler: h, ErrorLog: quiet, ConnState: b.conns.state, ConnContext: withConn}
	if b.row.http2 {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetUnencryptedHTTP2(true)
	}
	port := ""
	if host == secureHost {
		port = ":443"
	}
	l := b.network.listen(host + port)
	b.servers = append(b.servers, s)
	if b.row.secure && host == secureHost {
		server, _ := certificate()
		s.TLSConfig = server.Clone()
		go func() { _ = s.ServeTLS(l, "", "") }()
		return host
	}
	if b.row.http2 {
		l = framedListener{l}
	}
	go func() { _ = s.Serve(l) }()
	if _, memory := l.Addr().(wireAddress); memory {
		return host
	}
	return l.Addr().String()
}

// transport is what carries the client's requests.
func (b *bed) transport() http.RoundTripper {
	b.carrier = &http.Transport{DialContext: b.dial, MaxIdleConnsPerHost: 8}
	if b.row.secure {
		_, client := certificate()
		b.carrier.TLSClientConfig = client.Clone()
		b.carrier.ForceAttemptHTTP2 = b.row.http2
		return b.carrier
	}
	if b.row.http2 {
		b.carrier.Protocols = new(http.Protocols)
		b.carrier.Protocols.SetUnencryptedHTTP2(true)
	}
	return plainOnly{b.carrier}
}

// plainOnly saves the question whether a host speaks https.
type plainOnly struct{ next http.RoundTripper }

func (p plainOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return nil, http.ErrSchemeMismatch
	}
	return p.next.RoundTrip(r)
}

// client returns the way to the registry, and the record of its pauses.
func (b *bed) client(p distribution.Policy, pauses *pauses) *distribution.Network {
	p.Sleep = pauses.sleep(b.hurry)
	return distribution.NewNetwork(distribution.NetworkOptions{
		Transport: b.transport(), Policy: p, ChunkSize: b.row.chunk,
		Notice:    pauses.notice,
		PlainHTTP: func(string) bool { return !b.row.secure },
	})
}

func (b *bed) repository(n *distribution.Network, host string, rights distribution.Rights) (*distribution.Repository, error) {
	named, err := name.NewRepository(host + "/" + b.repo)
	if err != nil {
		return nil, err
	}
	var keys authn.Keychain
	if b.row.password || b.row.token != nil {
		keys = keychain{}
	}
	return n.Repository(named, keys, rights), nil
}

// keychain knows one user.
type keychain struct{}

func (keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: user, Password: password}), nil
}

// stop ends the run: whoever still waits is let go, and what is still open is closed.
func (b *bed) stop() {
	for _, f := range b.faults {
		close(f.release)
	}
	if n := b.conns.settle(b.carrier.CloseIdleConnections); n > 0 {
		b.complain("connections are still in use after the run")
	}
	for _, s := range b.servers {
		_ = s.Close()
	}
}
