package publish

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// mergeTries is how often a tag's index is merged when others move the tag meanwhile.
const mergeTries = 3

// commitMerge has each tag name what merge makes of the index that it names. A
// registry knows no "only if unchanged", so a tag is read right before it is moved and
// right after: who finds that another run came between merges again.
func (r *Registry) commitMerge(ctx context.Context, c Content, tags []string) (string, error) {
	if len(tags) == 0 {
		return "", &UsageError{What: "tag", Reason: "an index is found by its tag, and none is given", Try: "-t latest"}
	}
	parts, err := c.parts()
	if err != nil {
		return "", fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if _, err := r.stageAll(ctx, parts); err != nil {
		return "", err
	}
	indexes, first := map[string]*document{}, tags[0]
	tags = slices.Compact(slices.Sorted(slices.Values(tags)))
	open := tags
	for range mergeTries {
		put, err := r.mergeOnce(ctx, c, parts, open, indexes)
		if err != nil {
			return "", alsoMoved(err, tags, open)
		}
		if open, err = r.movedSince(ctx, put, indexes); err != nil {
			return "", err
		}
		if len(open) == 0 {
			return r.ref(indexes[first].digest), nil
		}
	}
	return "", alsoMoved(&TagError{
		Name: r.repo.Name(), Failed: open[0], Left: open[1:],
		Err: fmt.Errorf("each of %d times that the images were merged into its index, another push moved it at the same moment; run again when the other is done", mergeTries),
	}, tags, open)
}

// mergeOnce merges into the index of each tag, moves the tags when all indexes are
// there, and returns those of the tags that it moved. It fills in the indexes by tag.
func (r *Registry) mergeOnce(ctx context.Context, c Content, parts []*document, tags []string, indexes map[string]*document) ([]string, error) {
	var wanted []naming
	for _, tag := range tags {
		index, err := r.merged(ctx, c.merge, parts, tag)
		if err != nil {
			return nil, err
		}
		indexes[tag] = index
		platforms := platformNamings(parts, tag)
		if err := r.look(ctx, fullNames(platforms)); err != nil {
			return nil, err
		}
		wanted = append(append(wanted, platforms...), naming{tag: tag, doc: index})
	}
	var put []string
	for _, n := range r.behind(wanted) {
		if n.suffix != "" {
			continue
		}
		put = append(put, n.tag)
		if r.hasManifest(n.doc.digest) {
			continue
		}
		if _, err := r.putManifest(ctx, n.doc.digest.String(), n.doc); err != nil {
			return nil, err
		}
		r.gotManifest(n.doc)
	}
	return put, r.moveTags(ctx, wanted)
}

// merged returns what the tag is to name, and notes what it names.
func (r *Registry) merged(ctx context.Context, merge Merge, parts []*document, tag string) (*document, error) {
	now, err := r.remote.Manifest(ctx, tag)
	if distribution.NotFound.In(err) {
		now, err = distribution.Document{}, nil
	}
	if err != nil { // a 403 too: some mean by it that nothing is there, but what is there would be lost
		return nil, err
	}
	if now.Content != nil {
		if now.MediaType, err = indexType(now, tag); err != nil {
			return nil, fmt.Errorf("merge into %s:%s: %w", r.repo, tag, err)
		}
	}
	r.names(tag, now.Held)
	raw, mt, err := merge(now.Content, now.MediaType)
	if err != nil {
		return nil, fmt.Errorf("merge into %s:%s: %w", r.repo, tag, err)
	}
	if len(raw) > distribution.MaxDocument {
		return nil, fmt.Errorf("merge into %s:%s: the index would have %d bytes; registries take %d", r.repo, tag, len(raw), distribution.MaxDocument)
	}
	return indexDocument(raw, mt, parts)
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

// movedSince returns those of the tags that do not name any more what they were made
// to a moment ago.
func (r *Registry) movedSince(ctx context.Context, tags []string, indexes map[string]*document) ([]string, error) {
	var moved []string
	for _, tag := range tags {
		held, err := r.remote.Head(ctx, tag)
		if err != nil {
			return nil, err
		}
		if held.Digest != (v1.Hash{}) && held.Digest != indexes[tag].digest {
			moved = append(moved, tag)
		}
	}
	return moved, nil
}

// alsoMoved adds to a [TagError] the tags whose turn was before, and is over.
func alsoMoved(err error, tags, open []string) error {
	var failed *TagError
	if !errors.As(err, &failed) {
		return err
	}
	full := *failed
	for _, tag := range tags {
		if !slices.Contains(open, tag) {
			full.Moved = append(full.Moved, tag)
		}
	}
	return &full
}
