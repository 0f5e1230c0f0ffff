package publish

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
)

// addressError says that a registry pointed to an address inside a network, where
// only the user may send us.
type addressError struct{ from, to string }

func (e *addressError) Error() string {
	return fmt.Sprintf("%s points to %s, an address of a private network that it has no business with", e.from, e.to)
}

// location returns where the answer says to go on. On the registry's own host,
// however it is spelled, scheme and port stay as they were: servers behind a proxy
// know neither.
func location(resp *http.Response) (*url.URL, error) {
	u, err := resp.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return nil, fmt.Errorf("%s began an upload without saying where (no Location)", resp.Request.URL.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("read the Location of an upload: %w", err)
	}
	from := resp.Request.URL
	if canonicalHost(u.Host) == canonicalHost(from.Host) {
		u.Scheme, u.Host = from.Scheme, from.Host
		return u, nil
	}
	return u, checkAddress(from, u)
}

// checkAddress refuses to be sent from one host to a private address of another.
func checkAddress(from, to *url.URL) error {
	if from.Hostname() == to.Hostname() {
		return nil
	}
	if Loopback(to.Host) {
		return &addressError{from: from.Host, to: to.Host}
	}
	if ip, err := netip.ParseAddr(to.Hostname()); err == nil && inside(ip.Unmap()) {
		return &addressError{from: from.Host, to: to.Host}
	}
	return nil
}

func inside(ip netip.Addr) bool {
	return ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast()
}

// maxRedirects is what net/http allows by itself.
const maxRedirects = 10

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("gave up after %d redirects", len(via))
	}
	return checkAddress(via[0].URL, req.URL)
}
