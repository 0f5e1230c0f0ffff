package base

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// plainHTTPError is the refusal to speak http with a host.
type plainHTTPError struct{ host string }

func (e *plainHTTPError) Error() string {
	return fmt.Sprintf("%s does not answer over https, and plain http is used only where it is allowed", e.host)
}

// guard keeps requests from going out over http unless their host is allowed:
// go-containerregistry takes private addresses and names in .localhost for
// http registries by itself, and a redirect may name any scheme. It also bounds
// the size of manifests, and the number of redirects, which the library's own
// check of redirects leaves open.
type guard struct {
	next    http.RoundTripper
	allowed func(host string) bool
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !g.allowed(req.URL.Host) {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must; nothing was sent
		}
		return nil, &plainHTTPError{req.URL.Host}
	}
	if n := redirects(req); n > maxRedirects {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	resp, err := g.next.RoundTrip(req)
	if err == nil && req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/manifests/") {
		resp.Body = &bounded{ReadCloser: resp.Body, left: maxJSON}
	}
	return resp, err
}

// maxRedirects is how often a request is sent on: as often as net/http does.
const maxRedirects = 10

// redirects returns how many led to req.
func redirects(req *http.Request) int {
	n := 0
	for ; req != nil && req.Response != nil && n <= maxRedirects; n++ {
		req = req.Response.Request
	}
	return n
}

// bounded is a reader that fails behind its limit, where io.LimitReader ends.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("a manifest of more than %d bytes", maxJSON)
	}
	return n, err
}

// plainHTTP returns the rule for hosts that may be spoken to over http.
func (o Options) plainHTTP(host string) bool {
	return isLoopback(host) || o.PlainHTTP != nil && o.PlainHTTP(host)
}

// isLoopback says whether HOST[:PORT] is this machine, by its name or address
// alone. Not every resolver keeps names below .localhost at home, RFC 6761 or not.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
