package distribution

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// ProxyError says that a proxy refuses to connect us to a host.
type ProxyError struct {
	Proxy  string // host and port, without a user's name and password
	Host   string // with the port
	Status int
}

func (e *ProxyError) Error() string {
	text := fmt.Sprintf("the proxy %s refuses to connect to %s: %d %s", e.Proxy, e.Host, e.Status, http.StatusText(e.Status))
	switch {
	case e.Status == http.StatusProxyAuthRequired:
		return text + "; put a user name and password for it in front of its host in HTTPS_PROXY"
	case e.Status >= http.StatusInternalServerError:
		return text + "; it may not reach that host, or is in trouble"
	}
	return text + "; it must allow that host, or NO_PROXY must name it"
}

// CheckProxy is the OnProxyConnectResponse of an http.Transport: it returns a
// [ProxyError] for each answer by which a proxy does not connect.
func CheckProxy(_ context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Proxy: proxy.Host, Host: req.URL.Opaque, Status: resp.StatusCode}
}
