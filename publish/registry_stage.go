package publish

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"golang.org/x/sync/errgroup"
)

// Stage implements [Sink]: configs, then the manifests under their digests, then the
// index under its own.
func (r *Registry) Stage(ctx context.Context, c Content) (Put, error) {
	docs, err := c.all()
	if err != nil {
		return Put{}, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	return r.stageAll(ctx, docs)
}

// stageAll stages documents side by side.
func (r *Registry) stageAll(ctx context.Context, docs []*document) (Put, error) {
	puts := make([]Put, len(docs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(defaultJobs)
	for i, d := range docs {
		g.Go(func() (err error) {
			puts[i], err = r.stage(ctx, d)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Put{}, err
	}
	sum := Put{How: Exists}
	for _, p := range puts {
		if p.How != Exists {
			sum.How = p.How
		}
		sum.Bytes += p.Bytes
	}
	return sum, nil
}

func (r *Registry) stage(ctx context.Context, d *document) (Put, error) {
	if d.image == nil {
		return r.stageIndex(ctx, d)
	}
	if r.hasManifest(d.digest) {
		return Put{How: Exists}, nil
	}
	config, err := partial.ConfigLayer(d.image)
	if err != nil {
		return Put{}, fmt.Errorf("read the config for %s: %w", r.repo, err)
	}
	put, err := r.PutLayer(ctx, config)
	if err != nil {
		return Put{}, err
	}
	return r.stageManifest(ctx, d, put)
}

func (r *Registry) stageIndex(ctx context.Context, d *document) (Put, error) {
	put, err := r.stageAll(ctx, d.parts)
	if err != nil {
		return Put{}, err
	}
	return r.stageManifest(ctx, d, put)
}

// stageManifest puts the document under its digest, unless it is there. Without what
// it names, which is all there after put, it cannot have been there.
func (r *Registry) stageManifest(ctx context.Context, d *document, put Put) (Put, error) {
	digest := d.digest.String()
	if put.How == Exists {
		if err := r.look(ctx, []string{digest}); err != nil {
			return Put{}, err
		}
		if r.hasManifest(d.digest) {
			return put, nil
		}
	}
	sent, err := r.putManifest(ctx, digest, d)
	if err != nil {
		return Put{}, err
	}
	r.gotManifest(d)
	return Put{How: Uploaded, Bytes: put.Bytes + sent}, nil
}

// putManifest puts the document under ref and returns the number of bytes sent. What
// the registry turns out to miss of it is brought once more.
func (r *Registry) putManifest(ctx context.Context, ref string, d *document) (int64, error) {
	err := r.remote.PutManifest(ctx, ref, d.raw, d.mediaType)
	if lost := lostBy(err, d); lost != nil && (r.o.Nondistributable || !d.onlyForeign(lost)) {
		if err := r.bringAgain(ctx, d, lost); err != nil {
			return 0, err
		}
		err = r.remote.PutManifest(ctx, ref, d.raw, d.mediaType)
	}
	if err != nil {
		return 0, r.explainManifest(ctx, ref, d, err)
	}
	return int64(len(d.raw)), nil
}

// Commit implements [Sink]. A tag that names what it should already is not written.
// Each tag's index that something is merged into is a matter of its own, and the
// reference is that of the first tag.
func (r *Registry) Commit(ctx context.Context, c Content, tags []string) (ref string, err error) {
	if c.merge != nil {
		ref, err = r.commitMerge(ctx, c, tags)
	} else {
		ref, err = r.commit(ctx, c, tags)
	}
	if err != nil {
		return "", err
	}
	blobs, err := r.blobs(c)
	if err != nil {
		return "", err
	}
	r.o.Places.Add(r.repo, blobs...)
	return ref, nil
}

func (r *Registry) commit(ctx context.Context, c Content, tags []string) (string, error) {
	ref, err := r.Holds(ctx, c, tags)
	if err != nil || ref != "" {
		return ref, err
	}
	d, err := c.document()
	if err != nil {
		return "", fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if _, err := r.stage(ctx, d); err != nil {
		return "", err
	}
	return r.ref(d.digest), r.moveTags(ctx, d.namings(tags))
}

// remember notes where the blobs of the images are whose manifests the registry has:
// then it has them too.
func (r *Registry) remember(c Content) error {
	images, err := c.images()
	if err != nil {
		return err
	}
	for _, img := range images {
		d, err := imageDocument(img)
		if err != nil {
			return fmt.Errorf("read the manifest for %s: %w", r.repo, err)
		}
		if !r.hasManifest(d.digest) {
			continue
		}
		blobs, err := r.blobs(OfImage(img))
		if err != nil {
			return err
		}
		r.o.Places.confirm(r.repo, blobs...)
	}
	return nil
}

// blobs returns the blobs of the images that belong into the repository.
func (r *Registry) blobs(c Content) ([]v1.Hash, error) {
	images, err := c.images()
	if err != nil {
		return nil, err
	}
	var blobs []v1.Hash
	for _, img := range images {
		m, err := img.Manifest()
		if err != nil {
			return nil, fmt.Errorf("read the manifest for %s: %w", r.repo, err)
		}
		blobs = append(blobs, manifestBlobs(m, r.o.Nondistributable)...)
	}
	return blobs, nil
}

// manifestBlobs returns the layers of m, foreign ones only on request, and its
// config.
func manifestBlobs(m *v1.Manifest, foreign bool) []v1.Hash {
	var blobs []v1.Hash
	for _, l := range m.Layers {
		if foreign || !isForeign(l.MediaType) {
			blobs = append(blobs, l.Digest)
		}
	}
	return append(blobs, m.Config.Digest)
}
