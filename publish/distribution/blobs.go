package distribution

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Ping shakes hands with the registry, which asks for a token where that takes one,
// and does nothing else. It finds dead hosts and refused credentials.
func (r *Repository) Ping(ctx context.Context) error {
	err := r.ping(ctx)
	return r.explain(ctx, "log in to", err)
}

func (r *Repository) ping(ctx context.Context) error {
	grant, err := r.access.grant(ctx)
	if err != nil || grant.header == "" || grant.bearer() {
		return err
	}
	// Only an answer tells whether a password is right.
	return r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodGet, url: &url.URL{Host: r.name.RegistryStr(), Path: "/v2/"}}, http.StatusOK)
		if err == nil {
			finish(resp)
		}
		return err
	})
}

// CheckPush starts an upload and cancels it. A token alone proves little, since some
// registries give one to anybody.
func (r *Repository) CheckPush(ctx context.Context) error {
	return r.explain(ctx, "check the right to push to", r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodPost, url: r.at("/blobs/uploads/")}, http.StatusAccepted, http.StatusCreated)
		if err != nil {
			return err
		}
		finish(resp)
		r.cancel(ctx, resp)
		return nil
	}))
}

// cancelTime is what the end of an upload that nobody needs is waited for.
const cancelTime = 5 * time.Second

// cancel ends the upload that resp began, if that is still on the registry's own
// host. Registries forget uploads by themselves, so a failure is no matter.
func (r *Repository) cancel(ctx context.Context, resp *http.Response) {
	u, err := location(resp)
	if err != nil || !r.own(u) {
		return
	}
	ctx, enough := context.WithTimeout(ctx, cancelTime)
	defer enough()
	done, err := r.send(ctx, request{method: http.MethodDelete, url: u}, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	if err == nil {
		finish(done)
	}
}

// HasBlob tells whether the repository has the blob. For a repository that we push
// to, 403 reads as no: the upload then tells the truth.
func (r *Repository) HasBlob(ctx context.Context, blob v1.Hash) (bool, error) {
	has, err := r.hasBlob(ctx, blob)
	return has, r.explain(ctx, "look for "+blob.String()+" in", err)
}

func (r *Repository) hasBlob(ctx context.Context, blob v1.Hash) (bool, error) {
	err := r.try(ctx, func(ctx context.Context) error { return r.hasBlobOnce(ctx, blob) })
	return err == nil, present(err)
}

func (r *Repository) hasBlobOnce(ctx context.Context, blob v1.Hash) error {
	resp, err := r.send(ctx, request{method: http.MethodHead, url: r.at("/blobs/" + blob.String())}, http.StatusOK)
	if err != nil {
		return r.unlessAbsent(err)
	}
	finish(resp)
	return nil
}

// Upload is one that was begun.
type Upload struct {
	to       *url.URL
	at       int64 // bytes that the registry has of it
	minChunk int64 // bytes that a part must have, the last aside; 0 is any
}

// Mount asks the registry to take the blob from another repository of its own. A
// registry that will not may begin an upload instead, which is returned. The right
// to read the other repository is asked for separately, so that its refusal costs
// nothing but the mount.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
func (r *Repository) Mount(ctx context.Context, blob v1.Hash, from name.Repository) (mounted bool, begun *Upload, err error) {
	u := r.at("/blobs/uploads/")
	u.RawQuery = url.Values{"mount": {blob.String()}, "from": {from.RepositoryStr()}}.Encode()
	// Patience is for the upload that comes in its stead.
	err = r.net.tryAtMost(ctx, mountTries, r.host, func(ctx context.Context) error {
		access, err := r.mountAccess(ctx, from)
		if err != nil {
			return err
		}
		resp, err := r.sendAs(ctx, access, request{method: http.MethodPost, url: u}, http.StatusCreated, http.StatusAccepted)
		if err != nil {
			return err
		}
		defer finish(resp)
		if mounted = resp.StatusCode == http.StatusCreated; mounted {
			return nil
		}
		begun, err = uploadIn(resp)
		return err
	})
	return mounted, begun, r.explain(ctx, "mount "+blob.String()+" from "+from.RepositoryStr()+" in", err)
}

const mountTries = 3

// mountAccess is the right to push here and to read there. A registry without
// tokens makes no difference between the two.
func (r *Repository) mountAccess(ctx context.Context, from name.Repository) (*access, error) {
	grant, err := r.access.grant(ctx)
	if err != nil || !grant.bearer() {
		return r.access, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.mounts[from.Name()]
	if !ok {
		a = newAccess(r, r.access.keychain, append(slices.Clone(r.access.scopes), pullScope(from))...)
		r.mounts[from.Name()] = a
	}
	return a, nil
}

// uploadIn reads where an upload goes on, and how large its parts must be.
func uploadIn(resp *http.Response) (*Upload, error) {
	u, err := location(resp)
	if err != nil {
		return nil, err
	}
	least, err := strconv.ParseInt(resp.Header.Get("OCI-Chunk-Min-Length"), 10, 64)
	if err != nil || least < 0 {
		least = 0
	}
	return &Upload{to: u, minChunk: least}, nil
}

func (r *Repository) begin(ctx context.Context) (up *Upload, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodPost, url: r.at("/blobs/uploads/")}, http.StatusAccepted)
		if err != nil {
			return err
		}
		defer finish(resp)
		up, err = uploadIn(resp)
		return err
	})
	if err != nil {
		return nil, finalError{err} // its tries are used up
	}
	return up, nil
}
