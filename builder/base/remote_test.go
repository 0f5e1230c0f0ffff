package base_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// client reads registries as the program does, without its waits.
type client struct {
	network *distribution.Network
	mu      sync.Mutex
	open    map[string]*distribution.Repository // each has one handshake
}

var _ base.Remote = (*client)(nil)

// over returns options that read registries over a transport.
func over(transport http.RoundTripper) base.Options {
	return base.Options{Remote: &client{open: map[string]*distribution.Repository{}, network: distribution.NewNetwork(distribution.NetworkOptions{
		Transport: transport,
		Policy:    distribution.Policy{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	})}}
}

// options read registries.
func options() base.Options { return over(http.DefaultTransport) }

// forVersion read registries for bases of a version.
func forVersion(osVersion string) base.Options {
	o := options()
	o.OSVersion = osVersion
	return o
}

func (c *client) at(repo name.Repository) *distribution.Repository {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[repo.Name()] == nil {
		c.open[repo.Name()] = c.network.Repository(repo, nil, distribution.Pull)
	}
	return c.open[repo.Name()]
}

func (c *client) Head(ctx context.Context, ref name.Reference) (v1.Hash, error) {
	held, err := c.at(ref.Context()).Head(ctx, ref.Identifier())
	return held.Digest, failed(err)
}

func (c *client) Manifest(ctx context.Context, ref name.Reference) (base.Served, error) {
	doc, err := c.at(ref.Context()).Manifest(ctx, ref.Identifier())
	return base.Served{Digest: doc.Digest, MediaType: doc.MediaType, Raw: doc.Content}, failed(err)
}

func (c *client) Document(ctx context.Context, repo name.Repository, d v1.Descriptor) ([]byte, error) {
	raw, err := c.at(repo).Document(ctx, d)
	return raw, failed(err)
}

func (c *client) Blob(ctx context.Context, repo name.Repository, d v1.Descriptor) (io.ReadCloser, error) {
	rc, err := c.at(repo).Blob(ctx, d)
	return blob{rc}, failed(err)
}

type blob struct{ io.ReadCloser }

func (b blob) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, failed(err)
}

func failed(err error) error {
	var e *distribution.Error
	if !errors.As(err, &e) {
		return err
	}
	kinds := map[distribution.Kind]error{
		distribution.NotFound: base.ErrNotFound, distribution.Unauthorized: base.ErrUnauthorized,
		distribution.Unreachable: base.ErrUnreachable, distribution.Trouble: base.ErrUnreachable, distribution.Refused: base.ErrUnreachable,
	}
	return &base.RemoteError{Kind: kinds[e.Kind], Reason: e.Reason(), Try: e.Try, Err: err}
}
