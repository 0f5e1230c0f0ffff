package base_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// counter writes down what it sends on.
type counter struct {
	mu         sync.Mutex
	handshakes int      // to /v2/ and for tokens, over http
	sent       []string // all else: METHOD, kind and identifier
	// answer, if it is set, may answer in the place of the registry.
	answer func(*http.Request) *http.Response
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.note(r)
	if c.answer != nil {
		if resp := c.answer(r); resp != nil {
			return resp, nil
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c *counter) note(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Scheme != "http" {
		return // go-containerregistry tries https first
	}
	parts := strings.Split(r.URL.Path, "/")
	if isHandshake(r) {
		c.handshakes++
		return
	}
	c.sent = append(c.sent, strings.Join(append([]string{r.Method}, parts[len(parts)-2:]...), " "))
}

func isHandshake(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/v2/") || strings.HasPrefix(r.URL.Path, "/token")
}

// check wants those requests in that order, and forgets them.
func (c *counter) check(t *testing.T, handshakes int, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.sent, want) || c.handshakes != handshakes {
		t.Errorf("%d handshakes and requests %q, want %d and %q", c.handshakes, c.sent, handshakes, want)
	}
	c.sent, c.handshakes = nil, 0
}
