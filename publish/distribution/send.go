package distribution

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is one to the registry, or to where the registry points.
type request struct {
	method string
	url    *url.URL
	header http.Header
	body   *part
	expect bool // ask whether the body is welcome before it is sent
}

// at returns the address of path below the repository. Its scheme is found out by
// the handshake.
func (r *Repository) at(path string) *url.URL {
	return &url.URL{Host: r.name.RegistryStr(), Path: "/v2/" + r.name.RepositoryStr() + path}
}

// send sends a request once, and again with a new token where the registry wants
// one. An answer whose status is not among ok is a *StatusError. The caller
// closes the answer's body by finish, or reads it.
func (r *Repository) send(ctx context.Context, q request, ok ...int) (*http.Response, error) {
	return r.sendAs(ctx, r.access, q, ok...)
}

func (r *Repository) sendAs(ctx context.Context, a *access, q request, ok ...int) (*http.Response, error) {
	grant, err := a.grant(ctx)
	for renewals := 0; err == nil; renewals++ {
		resp, err := r.sendOnce(ctx, grant, q)
		if err != nil {
			return nil, err
		}
		if slices.Contains(ok, resp.StatusCode) && !isPage(resp) {
			return resp, nil
		}
		refused := refusal(resp)
		finish(resp)
		if !r.mayRenew(resp, renewals) {
			return nil, refused
		}
		if grant, err = a.renew(ctx, grant, resp); err != nil {
			return nil, err
		}
		if grant == nil {
			return nil, refused
		}
	}
	return nil, err
}

// maxRenewals is how many tokens one request may need: each is shared by several
// workers, and some registries take one a few times only.
const maxRenewals = 5

// mayRenew tells whether another token may help. One that lacks rights is not
// better when it is fresh: RFC 6750 §3.1.
func (r *Repository) mayRenew(resp *http.Response, renewals int) bool {
	if !r.own(resp.Request.URL) {
		return false
	}
	switch resp.StatusCode {
	case http.StatusForbidden:
		return renewals == 0
	case http.StatusUnauthorized:
		return renewals == 0 || renewals < maxRenewals && challengeOf(resp.Header).params["error"] != "insufficient_scope"
	}
	return false
}

// isPage tells whether a web page answers for a registry: that of a proxy, or of
// somebody who wants a login. The type alone tells nothing, since Quay calls empty
// answers so. The start of the body is put back.
func isPage(resp *http.Response) bool {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return false
	}
	if resp.Request.Method == http.MethodHead {
		return resp.Header.Get(digestHeader) == ""
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, 512))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failedReader{err}
	}
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return bytes.HasPrefix(bytes.TrimSpace(head), []byte("<"))
}

type readCloser struct {
	io.Reader
	io.Closer
}

// failedReader gives an error again.
type failedReader struct{ err error }

func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

// own tells whether the address is one of the registry itself: only that gets to
// see what it gave us.
func (r *Repository) own(u *url.URL) bool {
	return SameHost(u.Host, r.name.RegistryStr())
}

// SameHost compares hosts whatever their case, and however the port of https is
// spelled.
func SameHost(a, b string) bool {
	return strings.TrimSuffix(strings.ToLower(a), ":443") == strings.TrimSuffix(strings.ToLower(b), ":443")
}

func (r *Repository) sendOnce(ctx context.Context, g *grant, q request) (*http.Response, error) {
	target := *q.url
	if target.Scheme == "" {
		target.Scheme = g.scheme
	}
	ctx, w := newWatch(onBehalf(ctx, r.behalf()))
	req, err := r.prepare(ctx, w, target.String(), q)
	if err != nil {
		w.end()
		return nil, err
	}
	if g.header != "" && r.own(req.URL) {
		req.Header.Set("Authorization", g.header)
	}
	if q.body != nil && q.body.size() == 0 { // the end of an upload
		w.expectStored(r.net)
	} else {
		w.expect("no answer", r.net.policy.Question)
	}
	resp, err := r.net.client.Do(req)
	if err == nil {
		w.answer()
		r.net.host(resp.Request.URL.Host).answers()
		resp.Body = &watched{resp.Body, w, r.net.policy}
	}
	if failed := q.failure(); failed != nil {
		err = failed
	}
	if err == nil {
		return resp, nil
	}
	if resp != nil {
		finish(resp)
	}
	w.end()
	if cause := w.cause(nil); cause != nil {
		return nil, fmt.Errorf("%s %s%s: %w", req.Method, req.URL.Host, req.URL.Path, cause)
	}
	return nil, err
}

func (q request) failure() error {
	if q.body == nil {
		return nil
	}
	return q.body.failure()
}

func (r *Repository) prepare(ctx context.Context, w *watch, target string, q request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, target, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range q.header {
		req.Header[k] = v
	}
	// Else net/http unpacks what we want as it is.
	req.Header.Set("Accept-Encoding", "identity")
	if q.body == nil {
		return req, nil
	}
	if q.body.size() == 0 {
		req.Body = http.NoBody
		return req, nil
	}
	if q.expect {
		req.Header.Set("Expect", "100-continue")
	}
	req.ContentLength = q.body.size()
	req.GetBody = func() (io.ReadCloser, error) { return q.body.start(w, r.net) }
	req.Body, err = req.GetBody()
	return req, err
}

// watched is the body of an answer, which may not stand still either.
type watched struct {
	io.ReadCloser
	watch  *watch
	policy Policy
}

func (b *watched) Read(p []byte) (int, error) {
	b.watch.expect("nothing came", b.policy.Stall)
	n, err := b.ReadCloser.Read(p)
	b.watch.idle() // the reader may take its time
	if err != nil && err != io.EOF {
		err = &cutError{b.watch.cause(err)}
	}
	return n, err
}

// cutError says that an answer ended before it was whole.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

func (b *watched) Close() error {
	err := b.ReadCloser.Close()
	b.watch.end()
	return err
}

// finish reads what is left of a small answer, so that its connection can be used
// again, and closes it.
func finish(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	_ = resp.Body.Close()
}
