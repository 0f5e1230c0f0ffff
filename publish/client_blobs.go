package publish

import (
	"context"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// hasBlob tells whether the repository has the blob. Some registries answer 403
// for what is not there, so that reads as no: the upload then tells the truth.
func (c *client) hasBlob(ctx context.Context, h v1.Hash) (bool, error) {
	resp, err := c.ask(ctx, http.MethodHead, c.at("/blobs/"+h.String()), nil)
	if err != nil {
		return false, err
	}
	defer finish(resp)
	err = transport.CheckError(resp, http.StatusOK, http.StatusNotFound, http.StatusForbidden)
	return resp.StatusCode == http.StatusOK, err
}

// mount asks the registry to take the blob from another repository of its own. A
// registry that will not may begin an upload instead, which is returned.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
func (c *client) mount(ctx context.Context, blob v1.Hash, from string) (mounted bool, upload *url.URL, err error) {
	u := c.at("/blobs/uploads/")
	u.RawQuery = url.Values{"mount": {blob.String()}, "from": {from}}.Encode()
	resp, err := c.ask(ctx, http.MethodPost, u, nil)
	if err != nil {
		// The token that the mount wanted may be refused, and the library would ask
		// for the same rights with each later token.
		c.logout()
		return false, nil, err
	}
	defer finish(resp)
	if err := transport.CheckError(resp, http.StatusCreated, http.StatusAccepted); err != nil {
		return false, nil, err
	}
	if resp.StatusCode == http.StatusCreated {
		return true, nil, nil
	}
	upload, err = location(resp)
	return false, upload, err
}

// begin starts an upload and returns where it goes.
func (c *client) begin(ctx context.Context) (*url.URL, error) {
	resp, err := c.ask(ctx, http.MethodPost, c.at("/blobs/uploads/"), nil)
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	if err := transport.CheckError(resp, http.StatusAccepted); err != nil {
		return nil, err
	}
	return location(resp)
}

// upload sends the blob in one request, to an upload that was begun or to a new
// one. Each further try begins a new one.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
func (c *client) upload(ctx context.Context, begun *url.URL, blob v1.Hash, body *outgoing) error {
	return c.try(ctx, func() error {
		to := begun
		begun = nil
		if to == nil {
			var err error
			if to, err = c.begin(ctx); err != nil {
				return err
			}
		}
		return c.put(ctx, to, blob, body)
	})
}

func (c *client) put(ctx context.Context, to *url.URL, blob v1.Hash, body *outgoing) error {
	query := to.Query()
	query.Set("digest", blob.String())
	target := *to
	target.RawQuery = query.Encode()
	resp, err := c.send(ctx, http.MethodPut, &target, http.Header{"Content-Type": {"application/octet-stream"}}, body)
	if err != nil {
		return err
	}
	defer finish(resp)
	return transport.CheckError(resp, http.StatusCreated, http.StatusOK, http.StatusNoContent)
}

// checkPush starts an upload and cancels it.
func (c *client) checkPush(ctx context.Context) error {
	resp, err := c.ask(ctx, http.MethodPost, c.at("/blobs/uploads/"), nil)
	if err != nil {
		return err
	}
	defer finish(resp)
	if err := transport.CheckError(resp, http.StatusAccepted, http.StatusCreated); err != nil {
		return err
	}
	c.cancel(ctx, resp)
	return nil
}

// cancel ends the upload that resp began, if that is still on the registry's own
// host. Registries forget uploads by themselves, so a failure is no matter.
func (c *client) cancel(ctx context.Context, resp *http.Response) {
	u, err := location(resp)
	if err != nil || u.Host != c.repo.RegistryStr() {
		return
	}
	done, err := c.ask(ctx, http.MethodDelete, u, nil)
	if err != nil {
		return
	}
	finish(done)
}
