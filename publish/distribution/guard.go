package distribution

import (
	"fmt"
	"mime"
	"net/http"
	"sync"
)

// PlainHTTPError says that a request would have gone over http to a host that it
// was not allowed for.
type PlainHTTPError struct {
	Host string
	What string // "the registry", "the token server of registry.example.com", …
}

func (e *PlainHTTPError) Error() string {
	return fmt.Sprintf("plain http is refused for %s, %s: anybody on the way could read the credentials and change the image; use https, or allow it by --insecure %s", e.Host, e.What, e.Host)
}

// guard is the lowest layer of ours above the network, whoever asks: a caller, a
// redirect or a client library. It lets no request out over plain http except to
// the hosts it was allowed for, none to a private address that the user did not
// name, and none that carries credentials from one host to another.
type guard struct {
	next      http.RoundTripper
	plainHTTP func(host string) bool
	named     hostSet
}

// newGuard returns a guard that knows of no host yet.
func newGuard(next http.RoundTripper, plainHTTP func(host string) bool) *guard {
	return &guard{next: next, plainHTTP: plainHTTP}
}

// name says that the user named a host, as the registry of an image for instance.
// Such a host may be wherever it is.
func (g *guard) name(host string) { g.named.add(hostname(host)) }

// learn remembers hosts that the user named by allowing plain http.
func (g *guard) learn(host string) {
	if g.plainHTTP(host) && !Loopback(host) {
		g.name(host)
	}
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.check(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must; nothing was sent
		}
		return nil, err
	}
	return g.next.RoundTrip(g.prepare(req))
}

// check refuses requests that must not be sent.
func (g *guard) check(req *http.Request) error {
	host := req.URL.Host
	switch req.URL.Scheme {
	case "https":
	case "http":
		if !g.plainHTTP(host) {
			return &PlainHTTPError{Host: host, What: g.relation(req)}
		}
	default:
		return &redirectError{fmt.Sprintf("an address of the kind %q is none of a registry", req.URL.Scheme)}
	}
	g.learn(host)
	if crossed(req) && form(req) {
		return &redirectError{fmt.Sprintf("%s sends the credentials on to %s, which the registry did not name as its token server", origin(req), host)}
	}
	return g.checkNamed(origin(req), host, behalf(req.Context()))
}

// relation is what a host has to do with us.
func (g *guard) relation(req *http.Request) string {
	if from := origin(req); from != "" {
		return "where " + from + " redirects to"
	}
	if g.named.has(hostname(req.URL.Host)) {
		return "the registry"
	}
	return "where the registry points to"
}

// prepare returns the request as it may be sent: what led to it stays behind, and
// the dialer learns who was named.
func (g *guard) prepare(req *http.Request) *http.Request {
	way := route{from: origin(req), registry: behalf(req.Context()), named: &g.named}
	next := req.WithContext(withRoute(req.Context(), way))
	if req.Response == nil {
		return next
	}
	next.Header = req.Header.Clone()
	next.Header.Del("Referer") // it may be a signed address
	if crossed(req) {
		next.Header.Del("Authorization")
		next.Header.Del("Cookie")
	}
	return next
}

// form tells whether the body of a request may hold a password or a refresh token,
// as those of RFC 6749 do. Nothing else that we send is a form.
func form(req *http.Request) bool {
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// hostSet is a set of host names that grows. Its zero value is empty.
type hostSet struct {
	mu    sync.Mutex
	hosts map[string]bool
}

func (s *hostSet) add(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts == nil {
		s.hosts = map[string]bool{}
	}
	s.hosts[host] = true
}

func (s *hostSet) has(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts[host]
}
