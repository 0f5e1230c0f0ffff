package publish

import (
	"context"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Holds implements [Sink] by one request per tag, all at once, and remembers the
// answers for Commit. Without tags it looks for the manifest itself. An answer that
// does not tell the digest counts as no.
func (r *Registry) Holds(ctx context.Context, manifest v1.Hash, tags []string) (string, error) {
	refs := tags
	if len(refs) == 0 {
		refs = []string{manifest.String()}
	}
	if err := r.look(ctx, refs); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := true
	for _, ref := range refs {
		same := r.tags[ref].Digest == manifest
		r.manifests[manifest] = r.manifests[manifest] || same
		all = all && same
	}
	if !all {
		return "", nil
	}
	return r.repo.Digest(manifest.String()).Name(), nil
}

// look finds out what those of refs name that were not looked at before.
func (r *Registry) look(ctx context.Context, refs []string) error {
	r.mu.Lock()
	known := maps.Clone(r.tags)
	r.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	for _, ref := range refs {
		if _, ok := known[ref]; ok {
			continue
		}
		known[ref] = distribution.Held{} // a tag given twice is asked for once
		g.Go(func() error {
			found, err := r.remote.Head(ctx, ref)
			if err == nil {
				r.names(ref, found)
			}
			return err
		})
	}
	return g.Wait()
}

// names notes what ref names now.
func (r *Registry) names(ref string, p distribution.Held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags[ref] = p
}

func (r *Registry) named(ref string) distribution.Held {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tags[ref]
}

func (r *Registry) hasManifest(digest v1.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.manifests[digest]
}

// Stage implements [Sink]: the config, then the manifest under its digest.
func (r *Registry) Stage(ctx context.Context, img v1.Image) (Put, error) {
	digest, err := img.Digest()
	if err != nil {
		return Put{}, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if r.hasManifest(digest) {
		return Put{How: Exists}, nil
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return Put{}, fmt.Errorf("read the config for %s: %w", r.repo, err)
	}
	put, err := r.PutLayer(ctx, config)
	if err != nil {
		return Put{}, err
	}
	// Without its config the manifest cannot have been there.
	if put.How == Exists {
		there, err := r.remote.Head(ctx, digest.String())
		if err != nil {
			return Put{}, err
		}
		if there.Digest == digest {
			r.gotManifest(digest)
			return put, nil
		}
	}
	sent, err := r.putManifest(ctx, digest.String(), img)
	if err != nil {
		return Put{}, err
	}
	r.gotManifest(digest)
	return Put{How: Uploaded, Bytes: put.Bytes + sent}, nil
}

func (r *Registry) gotManifest(digest v1.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manifests[digest] = true
}

// putManifest puts the manifest of img under ref and returns the number of bytes
// sent.
func (r *Registry) putManifest(ctx context.Context, ref string, img v1.Image) (int64, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return 0, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	mt, err := img.MediaType()
	if err != nil {
		return 0, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	err = r.remote.PutManifest(ctx, ref, raw, mt)
	if lost := blobsLost(err); lost != nil {
		if err := r.bringAgain(ctx, img, lost); err != nil {
			return 0, err
		}
		err = r.remote.PutManifest(ctx, ref, raw, mt)
	}
	if err != nil {
		return 0, r.explainManifest(ctx, ref, mt, err)
	}
	return int64(len(raw)), nil
}

// Commit implements [Sink]. A tag that names the image already is not written.
func (r *Registry) Commit(ctx context.Context, img v1.Image, tags []string) (string, error) {
	digest, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	ref, err := r.Holds(ctx, digest, tags)
	if err != nil {
		return "", err
	}
	if ref == "" {
		if _, err := r.Stage(ctx, img); err != nil {
			return "", err
		}
		if err := r.moveTags(ctx, img, digest, tags); err != nil {
			return "", err
		}
	}
	blobs, err := r.blobs(img)
	if err != nil {
		return "", err
	}
	r.o.Places.Add(r.repo, blobs...)
	return r.repo.Digest(digest.String()).Name(), nil
}

// remember notes where the blobs of img are if the registry has its manifest: then
// it has them too.
func (r *Registry) remember(img v1.Image) error {
	digest, err := img.Digest()
	if err != nil {
		return fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if !r.hasManifest(digest) {
		return nil
	}
	blobs, err := r.blobs(img)
	if err != nil {
		return err
	}
	r.o.Places.confirm(r.repo, blobs...)
	return nil
}

// blobs returns the blobs of img that belong into the repository.
func (r *Registry) blobs(img v1.Image) ([]v1.Hash, error) {
	m, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	return manifestBlobs(m, r.o.Nondistributable), nil
}

// manifestBlobs returns the layers of m, foreign ones only on request, and its
// config.
func manifestBlobs(m *v1.Manifest, foreign bool) []v1.Hash {
	var blobs []v1.Hash
	for _, l := range m.Layers {
		if foreign || l.MediaType.IsDistributable() {
			blobs = append(blobs, l.Digest)
		}
	}
	return append(blobs, m.Config.Digest)
}
