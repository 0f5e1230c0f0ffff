package publish

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Registry is a repository of a registry.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
type Registry struct {
	repo   name.Repository
	o      RegistryOptions
	remote *distribution.Repository

	mu      sync.Mutex
	missing map[v1.Hash]bool             // blobs that were looked for and not found
	tags    map[string]distribution.Held // what was found under tags and digests, or put there
	refused map[string]bool              // repositories that no blob may be mounted from
}

// RegistryOptions are the choices for a [Registry].
type RegistryOptions struct {
	// Network is the way to the registry; nil means one with its defaults.
	Network *distribution.Network
	// Keychain finds the credentials; nil means none.
	Keychain authn.Keychain
	// Nondistributable uploads foreign layers too.
	Nondistributable bool
	// Places knows what can be mounted. Sinks that share one send each blob to a
	// registry once. Nil means one of the sink's own.
	Places *Places
}

var _ Sink = (*Registry)(nil)

// NewRegistry returns the sink for repo. Nothing is asked of the registry yet. A
// repository without a name is a [UsageError].
func NewRegistry(repo name.Repository, o RegistryOptions) (*Registry, error) {
	if repo.RepositoryStr() == "" {
		return nil, &UsageError{What: "repository", Value: repo.Name(), Reason: "it has no name", Try: "ghcr.io/acme/app"}
	}
	if o.Network == nil {
		o.Network = distribution.NewNetwork(distribution.NetworkOptions{})
	}
	if o.Places == nil {
		o.Places = NewPlaces()
	}
	return &Registry{
		repo: repo, o: o, remote: o.Network.Repository(repo, o.Keychain, distribution.Push),
		missing: map[v1.Hash]bool{}, tags: map[string]distribution.Held{}, refused: map[string]bool{},
	}, nil
}

// Name implements [Sink].
func (r *Registry) Name() string { return r.repo.Name() }

// Repository is the way to the same repository, with the same handshake, for what is
// said about its images.
func (r *Registry) Repository() *distribution.Repository { return r.remote }

// Login shakes hands with the registry, which asks for a token where that takes
// one, and does nothing else. Where pushing worked before it finds dead hosts and
// credentials for less than Check.
func (r *Registry) Login(ctx context.Context) error { return r.remote.Ping(ctx) }

// Check implements [Sink]: it starts an upload and cancels it. A token alone
// proves little, since some registries give one to anybody.
func (r *Registry) Check(ctx context.Context) error { return r.remote.CheckPush(ctx) }

// Has implements [Sink]. A blob that is on its way is not there yet, and nothing
// is asked then.
func (r *Registry) Has(ctx context.Context, blob v1.Hash) (bool, error) {
	if r.o.Places.claimed(r.blobKey(blob)) {
		return false, nil
	}
	return r.has(ctx, blob)
}

// has asks the registry only where this run does not know.
func (r *Registry) has(ctx context.Context, blob v1.Hash) (bool, error) {
	if r.o.Places.isConfirmed(r.repo, blob) {
		return true, nil
	}
	if r.knownMissing(blob) {
		return false, nil
	}
	has, err := r.remote.HasBlob(ctx, blob)
	if err != nil {
		return false, err
	}
	if has {
		r.o.Places.confirm(r.repo, blob)
		return true, nil
	}
	r.o.Places.forget(r.repo, blob)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing[blob] = true
	return false, nil
}

func (r *Registry) knownMissing(blob v1.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing[blob]
}

// PutLayer implements [Sink]. What this run knows to be there costs no request. A
// blob that is elsewhere in the registry is mounted, and one that another sink of
// the same [Places] is sending to the registry is waited for.
func (r *Registry) PutLayer(ctx context.Context, layer v1.Layer) (Put, error) {
	skip, err := foreign(layer)
	if err != nil {
		return Put{}, err
	}
	if skip && !r.o.Nondistributable {
		return Put{How: Skipped}, nil
	}
	digest, err := layer.Digest()
	if err != nil {
		return Put{}, fmt.Errorf("push a layer to %s: %w", r.repo, err)
	}
	return r.putBlob(ctx, layer, digest)
}

func (r *Registry) putBlob(ctx context.Context, layer v1.Layer, digest v1.Hash) (Put, error) {
	release, err := r.o.Places.claim(ctx, r.blobKey(digest))
	if err != nil {
		return Put{}, err
	}
	defer release()
	has, err := r.has(ctx, digest)
	if err != nil || has {
		return Put{How: Exists}, err
	}
	// One upload of a blob per registry at a time: who comes second can mount.
	free, err := r.o.Places.claim(ctx, r.repo.RegistryStr()+" "+digest.String())
	if err != nil {
		return Put{}, err
	}
	defer free()
	put, err := r.bring(ctx, layer, digest)
	if err != nil {
		return Put{}, err
	}
	r.o.Places.confirm(r.repo, digest)
	return put, nil
}

// bring mounts the blob if it can be, and uploads it otherwise.
func (r *Registry) bring(ctx context.Context, layer v1.Layer, digest v1.Hash) (Put, error) {
	var begun *distribution.Upload
	if from, ok := r.source(layer, digest); ok {
		mounted, upload, err := r.remote.Mount(ctx, digest, from)
		switch {
		case mounted:
			return Put{How: Mounted}, nil
		case ctx.Err() != nil:
			return Put{}, context.Cause(ctx)
		case err != nil: // of no matter: the blob can be sent
			r.refuse(from)
		default:
			r.o.Places.forget(from, digest)
		}
		begun = upload
	}
	return r.upload(ctx, begun, layer, digest)
}

func (r *Registry) upload(ctx context.Context, begun *distribution.Upload, layer v1.Layer, digest v1.Hash) (Put, error) {
	size, err := layer.Size()
	if err != nil {
		return Put{}, fmt.Errorf("push %s to %s: read its size: %w", digest, r.repo, err)
	}
	body := bodyOf(ctx, layer, size)
	if err := r.remote.Upload(ctx, begun, digest, body); err != nil {
		return Put{}, err
	}
	return Put{How: Uploaded, Bytes: body.Sent()}, nil
}

// blobKey names the blob in this repository among what is being worked on.
func (r *Registry) blobKey(blob v1.Hash) string { return r.repo.Digest(blob.String()).Name() }

// Close implements [Sink]; a registry keeps no temporary files.
func (r *Registry) Close() error { return nil }
