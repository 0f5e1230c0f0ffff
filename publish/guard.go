package publish

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// PlainHTTPError says that a request would have gone over http to a host the
// user did not allow it for.
type PlainHTTPError struct {
	Host string
	What string // "the registry", "its token server", …
}

func (e *PlainHTTPError) Error() string {
	return fmt.Sprintf("%s %s would be reached over plain http, where anybody on the way can read the credentials: use https, or allow it by --insecure %s", e.What, e.Host, e.Host)
}

// guard is the lowest layer of ours above the network. It refuses plain http
// except to the hosts it was allowed for, whoever asks: the client library, a
// redirect or a token realm.
type guard struct {
	next      http.RoundTripper
	plainHTTP func(host string) bool
	registry  string
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && !g.plainHTTP(req.URL.Host) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, g.refuse(req.URL.Host)
	}
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		if host := plainRealm(resp.Header); host != "" && !g.plainHTTP(host) {
			_ = resp.Body.Close()
			return nil, &PlainHTTPError{Host: host, What: "the token server of " + g.registry + ","}
		}
	}
	return resp, nil
}

func (g *guard) refuse(host string) error {
	if host == g.registry {
		return &PlainHTTPError{Host: host, What: "the registry"}
	}
	return &PlainHTTPError{Host: host, What: "a server that " + g.registry + " points to,"}
}

// realmParameter finds the realm of a challenge, RFC 6750 §3.
var realmParameter = regexp.MustCompile(`(?i)\brealm="([^"]*)"`)

// plainRealm returns the host of a token realm over http, or "".
func plainRealm(h http.Header) string {
	for _, challenge := range h.Values("WWW-Authenticate") {
		m := realmParameter.FindStringSubmatch(challenge)
		if m == nil || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(challenge)), "bearer") {
			continue
		}
		if u, err := url.Parse(m[1]); err == nil && u.Scheme == "http" {
			return u.Host
		}
	}
	return ""
}
