package publish

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// reader asks a repository what it has, with one handshake for all questions.
type reader struct {
	repo name.Repository
	o    RegistryOptions

	mu     sync.Mutex
	client *http.Client
}

// http returns the authorised client. A failed handshake is tried anew by the
// next caller.
func (r *reader) http(ctx context.Context) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	auth, err := authn.Resolve(ctx, r.o.Keychain, r.repo)
	if err != nil {
		return nil, err
	}
	retry := transport.NewRetry(r.o.Transport, transport.WithRetryStatusCodes(
		http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout))
	agent := transport.NewUserAgent(retry, r.o.UserAgent)
	tr, err := transport.NewWithContext(ctx, r.repo.Registry, auth, agent, []string{r.repo.Scope(transport.PushScope)})
	if err != nil {
		return nil, err
	}
	r.client = &http.Client{Transport: tr}
	return r.client, nil
}

func (r *reader) do(ctx context.Context, method, path string, header http.Header) (*http.Response, error) {
	u := url.URL{Scheme: r.repo.Scheme(), Host: r.repo.RegistryStr(), Path: "/v2/" + r.repo.RepositoryStr() + path}
	return r.send(ctx, method, u.String(), header)
}

func (r *reader) send(ctx context.Context, method, url string, header http.Header) (*http.Response, error) {
	client, err := r.http(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	return client.Do(req)
}

// hasBlob tells whether the repository has the blob. Some registries answer 403
// for what is not there, so that reads as no: the upload then tells the truth.
func (r *reader) hasBlob(ctx context.Context, h v1.Hash) (bool, error) {
	resp, err := r.do(ctx, http.MethodHead, "/blobs/"+h.String(), nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	err = transport.CheckError(resp, http.StatusOK, http.StatusNotFound, http.StatusForbidden)
	return resp.StatusCode == http.StatusOK, err
}

// hasManifest tells whether ref names the manifest with that digest. A registry
// that does not tell the digest of a tag counts as no.
func (r *reader) hasManifest(ctx context.Context, ref name.Reference, want v1.Hash) (bool, error) {
	accept := http.Header{"Accept": {strings.Join([]string{
		string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
		string(types.OCIImageIndex), string(types.DockerManifestList)}, ",")}}
	resp, err := r.do(ctx, http.MethodHead, "/manifests/"+ref.Identifier(), accept)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, http.StatusOK, http.StatusNotFound, http.StatusForbidden); err != nil {
		return false, err
	}
	if resp.StatusCode != http.StatusOK {
		return false, nil
	}
	return resp.Header.Get("Docker-Content-Digest") == want.String(), nil
}

// checkPush starts an upload and cancels it.
func (r *reader) checkPush(ctx context.Context) error {
	resp, err := r.do(ctx, http.MethodPost, "/blobs/uploads/", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, http.StatusAccepted, http.StatusCreated); err != nil {
		return err
	}
	r.cancel(ctx, resp)
	return nil
}

// cancel ends the upload that resp began, if that is still on the registry's own
// host. Registries forget uploads by themselves, so a failure is no matter.
func (r *reader) cancel(ctx context.Context, resp *http.Response) {
	location, err := resp.Location()
	if err != nil || location.Host != r.repo.RegistryStr() {
		return
	}
	done, err := r.send(ctx, http.MethodDelete, location.String(), nil)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(done.Body, 4096))
	_ = done.Body.Close()
}
