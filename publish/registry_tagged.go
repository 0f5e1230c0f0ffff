package publish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Found is an image that a tag names.
type Found struct {
	Tag      string
	Manifest []byte
	Config   []byte
}

// Tagged returns manifest and config of the image that the first of tags to exist
// names now, or of the first for Windows in the index that it names: those of one
// application differ in their bases alone. It returns nil where no tag exists, or the
// first that does names something else. The image's blobs are noted in [Places]. An
// image whose manifest or config has more than 512 KiB counts as none.
func (r *Registry) Tagged(ctx context.Context, tags []string) (*Found, error) {
	for _, tag := range tags {
		manifest, err := r.remote.Manifest(ctx, tag)
		if distribution.NotFound.In(err) || distribution.Unauthorized.In(err) {
			continue // some registries answer 403 for what is not there
		}
		if err != nil {
			return nil, err
		}
		if entry := windowsEntry(manifest.Content); entry != (v1.Hash{}) {
			if manifest, err = r.remote.Manifest(ctx, entry.String()); err != nil {
				return nil, err
			}
		}
		return r.tagged(ctx, tag, manifest)
	}
	return nil, nil
}

// windowsEntry returns the digest of the first image for Windows in an index, and the
// zero value where there is none or it is no index.
func windowsEntry(index []byte) v1.Hash {
	if len(index) > maxTagged || checkShape(index) != nil {
		return v1.Hash{}
	}
	var list struct {
		Manifests []struct {
			MediaType types.MediaType `json:"mediaType"`
			Digest    v1.Hash         `json:"digest"`
			Platform  *v1.Platform    `json:"platform"`
		} `json:"manifests"`
	}
	if json.Unmarshal(index, &list) != nil {
		return v1.Hash{}
	}
	for _, m := range list.Manifests {
		if m.MediaType.IsImage() && m.Platform != nil && m.Platform.OS == "windows" {
			return m.Digest
		}
	}
	return v1.Hash{}
}

// maxTagged is the largest manifest or config that is looked into, in bytes. Those of
// images that we made have a few thousand, and parsed JSON is many times as large.
const maxTagged = 512 << 10

func (r *Registry) tagged(ctx context.Context, tag string, manifest distribution.Document) (*Found, error) {
	if len(manifest.Content) > maxTagged {
		return nil, nil
	}
	m, err := v1.ParseManifest(bytes.NewReader(manifest.Content))
	if err != nil {
		return nil, fmt.Errorf("read the manifest of %s:%s: %w", r.repo, tag, err)
	}
	mt := cmp.Or(m.MediaType, manifest.MediaType) // OCI lets a manifest leave it out
	if !mt.IsImage() || !m.Config.MediaType.IsConfig() || m.Config.Size > maxTagged {
		return nil, nil
	}
	config, err := r.remote.Document(ctx, m.Config)
	if err != nil {
		return nil, err
	}
	r.o.Places.Add(r.repo, manifestBlobs(m, r.o.Nondistributable)...)
	return &Found{Tag: tag, Manifest: manifest.Content, Config: config}, nil
}
