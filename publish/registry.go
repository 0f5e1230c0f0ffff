package publish

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a repository of a registry.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
type Registry struct {
	repo   name.Repository
	o      RegistryOptions
	pusher *remote.Pusher
	reader *reader
}

// RegistryOptions are the choices for a [Registry].
type RegistryOptions struct {
	// Transport carries the requests; nil means a plain one without a proxy.
	Transport http.RoundTripper
	// Keychain finds the credentials; nil means none.
	Keychain authn.Keychain
	// PlainHTTP tells to which hosts, ports included, http may be spoken; nil means
	// [Loopback].
	PlainHTTP func(host string) bool
	// UserAgent is sent with each request.
	UserAgent string
	// Nondistributable uploads foreign layers too.
	Nondistributable bool
}

var _ Sink = (*Registry)(nil)

// NewRegistry returns the sink for repo. Nothing is asked of the registry yet.
func NewRegistry(repo name.Repository, o RegistryOptions) (*Registry, error) {
	if o.Transport == nil {
		o.Transport = &http.Transport{}
	}
	if o.Keychain == nil {
		o.Keychain = authn.NewMultiKeychain()
	}
	if o.PlainHTTP == nil {
		o.PlainHTTP = Loopback
	}
	o.Transport = &guard{next: o.Transport, plainHTTP: o.PlainHTTP, registry: repo.RegistryStr()}
	options := []remote.Option{
		remote.WithTransport(o.Transport),
		remote.WithAuthFromKeychain(o.Keychain),
		remote.WithUserAgent(o.UserAgent),
	}
	if o.Nondistributable {
		options = append(options, remote.WithNondistributable)
	}
	pusher, err := remote.NewPusher(options...)
	if err != nil {
		return nil, fmt.Errorf("prepare pushing to %s: %w", repo, err)
	}
	return &Registry{repo: repo, o: o, pusher: pusher, reader: &reader{repo: repo, o: o}}, nil
}

// Name implements [Sink].
func (r *Registry) Name() string { return r.repo.Name() }

// Check implements [Sink]: it starts an upload and cancels it. A token alone
// proves little, since some registries give one to anybody.
func (r *Registry) Check(ctx context.Context) error {
	if err := r.reader.checkPush(ctx); err != nil {
		return r.explain(ctx, "check the right to push to", err)
	}
	return nil
}

// Has implements [Sink].
func (r *Registry) Has(ctx context.Context, blob v1.Hash) (bool, error) {
	has, err := r.reader.hasBlob(ctx, blob)
	if err != nil {
		return false, r.explain(ctx, "look for "+blob.String()+" in", err)
	}
	return has, nil
}

// PutLayer implements [Sink].
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
	ctx, seen := withObservation(ctx)
	counted, upload := r.counted(ctx, layer)
	if err := r.pusher.Upload(ctx, r.repo, upload); err != nil {
		return Put{}, r.explain(ctx, "push "+digest.String()+" to", err)
	}
	put := Put{How: Exists, Bytes: counted.sent.Load()}
	switch {
	case counted.opened.Load():
		put.How = Uploaded
	case seen.mounted.Load():
		put.How = Mounted
	}
	return put, nil
}

// counted wraps the layer. One that lives in another repository of this registry
// stays mountable; from elsewhere there is nothing to mount.
func (r *Registry) counted(ctx context.Context, layer v1.Layer) (*countedLayer, v1.Layer) {
	ml, ok := layer.(*remote.MountableLayer)
	if !ok {
		c := &countedLayer{Layer: layer, ctx: ctx}
		return c, c
	}
	c := &countedLayer{Layer: ml.Layer, ctx: ctx}
	if ml.Reference.Context().RegistryStr() != r.repo.RegistryStr() {
		return c, c
	}
	return c, &remote.MountableLayer{Layer: c, Reference: ml.Reference}
}

// Stage implements [Sink]: the config, then the manifest under its digest.
func (r *Registry) Stage(ctx context.Context, img v1.Image) (Put, error) {
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return Put{}, fmt.Errorf("read the config for %s: %w", r.repo, err)
	}
	put, err := r.PutLayer(ctx, config)
	if err != nil {
		return Put{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Put{}, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	sent, err := r.putManifest(ctx, r.repo.Digest(digest.String()), img, digest)
	if err != nil {
		return Put{}, err
	}
	if sent > 0 {
		return Put{How: Uploaded, Bytes: put.Bytes + sent}, nil
	}
	return put, nil
}

// putManifest puts the manifest of img under ref unless it is there, and returns
// the number of bytes sent.
func (r *Registry) putManifest(ctx context.Context, ref name.Reference, img v1.Image, digest v1.Hash) (int64, error) {
	there, err := r.reader.hasManifest(ctx, ref, digest)
	if err != nil {
		return 0, r.explain(ctx, "look for "+ref.Identifier()+" in", err)
	}
	if there {
		return 0, nil
	}
	if err := r.pusher.Put(ctx, ref, img); err != nil {
		return 0, r.explain(ctx, "put the manifest "+ref.Identifier()+" into", err)
	}
	return img.Size()
}

// Commit implements [Sink]. A tag that names the image already is not written.
func (r *Registry) Commit(ctx context.Context, img v1.Image, tags []string) (string, error) {
	digest, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if _, err := r.Stage(ctx, img); err != nil {
		return "", err
	}
	for i, tag := range tags {
		if _, err := r.putManifest(ctx, r.repo.Tag(tag), img, digest); err != nil {
			return "", &TagError{Name: r.repo.Name(), Moved: tags[:i], Failed: tag, Left: tags[i+1:], Err: err}
		}
	}
	return r.repo.Digest(digest.String()).Name(), nil
}

// Close implements [Sink]; a registry keeps no temporary files.
func (r *Registry) Close() error { return nil }
