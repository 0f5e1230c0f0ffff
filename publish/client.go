package publish

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// client speaks to one repository, with one handshake for all requests.
type client struct {
	repo   name.Repository
	o      RegistryOptions
	pauses []time.Duration // before the second try, the third, …

	mu         sync.Mutex
	authorised *http.Client
}

// login returns the authorised client. A failed handshake is tried anew by the
// next caller.
func (c *client) login(ctx context.Context) (*http.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.authorised != nil {
		return c.authorised, nil
	}
	auth, err := authn.Resolve(ctx, c.o.Keychain, c.repo)
	if err != nil {
		return nil, err
	}
	agent := transport.NewUserAgent(newBlips(c.o.Transport), c.o.UserAgent)
	tr, err := transport.NewWithContext(ctx, c.repo.Registry, auth, agent, []string{c.repo.Scope(transport.PushScope)})
	if err != nil {
		return nil, err
	}
	c.authorised = &http.Client{Transport: tr, CheckRedirect: checkRedirect}
	return c.authorised, nil
}

// logout makes the next request begin with a handshake.
func (c *client) logout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.authorised = nil
}

// at returns the address of path below the repository.
func (c *client) at(path string) *url.URL {
	return &url.URL{Scheme: c.repo.Scheme(), Host: c.repo.RegistryStr(), Path: "/v2/" + c.repo.RepositoryStr() + path}
}

// ask sends a request without a body.
func (c *client) ask(ctx context.Context, method string, u *url.URL, header http.Header) (*http.Response, error) {
	return c.send(ctx, method, u, header, nil)
}

// send sends a request, with a body unless that is nil. Where the body could not
// be read, that is the error, whatever became of the request.
func (c *client) send(ctx context.Context, method string, u *url.URL, header http.Header, body *outgoing) (*http.Response, error) {
	client, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if body == nil {
		return client.Do(req)
	}
	if err := body.attach(req); err != nil {
		return nil, bodyError{err}
	}
	resp, err := client.Do(req)
	if failed := body.failure(); failed != nil {
		if resp != nil {
			finish(resp)
		}
		return nil, bodyError{failed}
	}
	return resp, err
}

// finish reads what is left of a small answer, so that its connection can be used
// again, and closes it.
func finish(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	_ = resp.Body.Close()
}
