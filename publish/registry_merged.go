package publish

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// merged returns what the tag is to name, and notes what it names.
func (r *Registry) merged(ctx context.Context, c Content, parts []*document, tag string) (*document, error) {
	now, err := r.current(ctx, tag, cmp.Or(r.named(tag).Digest, c.onto))
	if err != nil {
		return nil, err
	}
	if now.Content != nil {
		if now.MediaType, err = indexType(now, tag); err != nil {
			return nil, fmt.Errorf("merge into %s:%s: %w", r.repo, tag, err)
		}
	}
	r.names(tag, now.Held)
	raw, mt, err := c.merge(now.Content, now.MediaType)
	if err != nil {
		return nil, fmt.Errorf("merge into %s:%s: %w", r.repo, tag, err)
	}
	if len(raw) > distribution.MaxDocument {
		return nil, fmt.Errorf("merge into %s:%s: the index would have %d bytes; registries take %d", r.repo, tag, len(raw), distribution.MaxDocument)
	}
	return indexDocument(raw, mt, parts)
}

// current returns what the tag names; the zero value is nothing. Where something was
// seen there before, nothing is no answer: a machine of the registry that lags behind
// would have all of it overwritten.
func (r *Registry) current(ctx context.Context, tag string, seen v1.Hash) (distribution.Document, error) {
	now, err := r.remote.Manifest(ctx, tag)
	switch {
	case !distribution.NotFound.In(err): // a 403 too: some mean by it that nothing is there, but what is there would be lost
		return now, err
	case seen != v1.Hash{}:
		return now, &TagError{
			Name: r.repo.Name(), Failed: tag,
			Err: fmt.Errorf("it named %s a moment ago, and now the registry answers that nothing is there (%w); run again, which makes a new index if it was removed", seen, err),
		}
	}
	return distribution.Document{}, nil
}

// indexType is the media type of the index: the one that it states, or else the
// registry. What is no index cannot be merged into.
func indexType(d distribution.Document, tag string) (types.MediaType, error) {
	if err := checkShape(d.Content); err != nil {
		return "", err
	}
	var shape struct {
		MediaType types.MediaType `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
		Layers    json.RawMessage `json:"layers"`
	}
	if err := json.Unmarshal(d.Content, &shape); err != nil {
		return "", fmt.Errorf("read what the tag names: %w", err)
	}
	mt := cmp.Or(shape.MediaType, d.MediaType)
	switch {
	case shape.Manifests == nil || shape.Layers != nil || mt.IsImage():
		return "", &UsageError{What: "tag", Value: tag, Reason: "it names one image and no index, so nothing can be merged into it", Try: "the tag of an index, or a new one"}
	case !mt.IsIndex():
		return types.OCIImageIndex, nil // OCI lets it be left out
	}
	return mt, nil
}
