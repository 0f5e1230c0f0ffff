package flow

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// registries reads bases over the network, with one handshake per repository.
type registries struct {
	network  *distribution.Network
	keychain authn.Keychain
	recorded bool // names come from images, not from the user

	mu   sync.Mutex
	open map[string]*distribution.Repository // by name
}

var _ base.Remote = (*registries)(nil)

func newRegistries(n *distribution.Network, k authn.Keychain) *registries {
	return &registries{network: n, keychain: k, open: map[string]*distribution.Repository{}}
}

func (r *registries) repository(repo name.Repository) *distribution.Repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.open[repo.Name()]
	if !ok {
		open := r.network.Repository
		if r.recorded {
			open = r.network.Recorded
		}
		found = open(repo, r.keychain, distribution.Pull)
		r.open[repo.Name()] = found
	}
	return found
}

// Head implements base.Remote.
func (r *registries) Head(ctx context.Context, ref name.Reference) (v1.Hash, error) {
	held, err := r.repository(ref.Context()).Head(ctx, ref.Identifier())
	return held.Digest, remoteError(err)
}

// Manifest implements base.Remote.
func (r *registries) Manifest(ctx context.Context, ref name.Reference) (base.Served, error) {
	doc, err := r.repository(ref.Context()).Manifest(ctx, ref.Identifier())
	return base.Served{Digest: doc.Digest, MediaType: doc.MediaType, Raw: doc.Content}, remoteError(err)
}

// Document implements base.Remote.
func (r *registries) Document(ctx context.Context, repo name.Repository, d v1.Descriptor) ([]byte, error) {
	raw, err := r.repository(repo).Document(ctx, d)
	return raw, remoteError(err)
}

// Blob implements base.Remote.
func (r *registries) Blob(ctx context.Context, repo name.Repository, d v1.Descriptor) (io.ReadCloser, error) {
	rc, err := r.repository(repo).Blob(ctx, d)
	if err != nil {
		return nil, remoteError(err)
	}
	return remoteBlob{rc}, nil
}

// remoteBlob is a blob whose errors are those of base.Remote.
type remoteBlob struct{ io.ReadCloser }

func (b remoteBlob) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, remoteError(err)
}

// remoteError is the error of a registry as builder/base knows it. Any other, such
// as that of a context, stays as it is.
func remoteError(err error) error {
	var failed *distribution.Error
	if !errors.As(err, &failed) {
		return err
	}
	return &base.RemoteError{Kind: remoteKind(failed.Kind), Reason: failed.Reason(), Try: failed.Try, Err: err}
}

func remoteKind(k distribution.Kind) error {
	switch k {
	case distribution.NotFound:
		return base.ErrNotFound
	case distribution.Unauthorized:
		return base.ErrUnauthorized
	case distribution.Unreachable, distribution.Trouble, distribution.Refused:
		return base.ErrUnreachable
	}
	return nil
}
