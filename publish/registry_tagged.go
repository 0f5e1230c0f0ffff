package publish

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Found is an image that a tag names.
type Found struct {
	Tag      string
	Manifest []byte
	Config   []byte
}

// Tagged returns manifest and config of the image that the first of tags to exist
// names now. It returns nil where no tag exists, or the first that does names an
// index or something else than a container image. The image's blobs are noted in
// [Places].
//
// Manifest and config are checked against their digests, and fail from 4 MiB on.
func (r *Registry) Tagged(ctx context.Context, tags []string) (*Found, error) {
	for _, tag := range tags {
		d, err := r.client.get(ctx, "/manifests/"+tag, acceptManifests())
		if err != nil {
			return nil, r.explain(ctx, "read "+tag+" of", err)
		}
		if d.content == nil {
			continue
		}
		found, err := r.tagged(ctx, tag, d)
		if err != nil {
			return nil, r.explain(ctx, "read "+tag+" of", err)
		}
		return found, nil
	}
	return nil, nil
}

func (r *Registry) tagged(ctx context.Context, tag string, manifest document) (*Found, error) {
	if manifest.digest != "" {
		if err := checkDigest(manifest.digest, manifest.content); err != nil {
			return nil, err
		}
	}
	m, err := v1.ParseManifest(bytes.NewReader(manifest.content))
	if err != nil {
		return nil, fmt.Errorf("read its manifest: %w", err)
	}
	mt := cmp.Or(m.MediaType, manifest.mediaType) // OCI lets a manifest leave it out
	if !mt.IsImage() || !m.Config.MediaType.IsConfig() {
		return nil, nil
	}
	config, err := r.client.get(ctx, "/blobs/"+m.Config.Digest.String(), nil)
	if err != nil {
		return nil, err
	}
	if err := checkDigest(m.Config.Digest.String(), config.content); err != nil {
		return nil, err
	}
	r.o.Places.Add(r.repo, manifestBlobs(m, r.o.Nondistributable)...)
	return &Found{Tag: tag, Manifest: manifest.content, Config: config.content}, nil
}

// checkDigest fails unless content has the digest.
func checkDigest(want string, content []byte) error {
	got, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return err
	}
	if got.String() != want {
		return fmt.Errorf("the registry answered %d bytes with digest %s for %s", size, got, want)
	}
	return nil
}
