package distribution

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// redirectError says that we were sent somewhere where we do not go.
type redirectError struct{ reason string }

func (e *redirectError) Error() string { return e.reason }

// maxRedirects is what net/http allows by itself.
const maxRedirects = 10

// checkRedirect is the CheckRedirect of our clients. Where a redirect may go is
// decided by the guard, which sees every request.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return &redirectError{fmt.Sprintf("gave up after %d redirects, the last of them to %s", len(via), req.URL.Host)}
	}
	if req.Method != via[0].Method {
		// What was to be stored would be asked for instead, and found for the wrong reason.
		return &redirectError{fmt.Sprintf("%s redirects a %s so that it becomes a %s", via[len(via)-1].URL.Host, via[0].Method, req.Method)}
	}
	if req.URL.Host == "" {
		return &redirectError{fmt.Sprintf("%s redirects to an address without a host", via[len(via)-1].URL.Host)}
	}
	return nil
}

// origin is the host that redirected to the request, or "".
func origin(req *http.Request) string {
	if req.Response == nil || req.Response.Request == nil {
		return ""
	}
	return req.Response.Request.URL.Host
}

// crossed tells whether one of the redirects that led to the request went to
// another host.
func crossed(req *http.Request) bool {
	for before := req; before.Response != nil; {
		if before = before.Response.Request; before == nil {
			return true // nobody knows where it came from
		}
		if !SameHost(before.URL.Host, req.URL.Host) {
			return true
		}
	}
	return false
}

// location returns where the answer says that an upload goes on. On the host of the
// request, however it is spelled, scheme and port stay as they were: servers behind
// a proxy know neither. Whether another host may be asked is decided by the guard.
func location(resp *http.Response) (*url.URL, error) {
	from := resp.Request.URL
	u, err := resp.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return nil, fmt.Errorf("%s does not say where the upload goes on: its answer has no Location", from.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("%s says that the upload goes on at an address that is none", from.Host)
	}
	if SameHost(u.Host, from.Host) {
		u.Scheme, u.Host = from.Scheme, from.Host
		return u, nil
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, &redirectError{fmt.Sprintf("%s says that the upload goes on at an address of the kind %q", from.Host, u.Scheme)}
	}
	return u, nil
}
