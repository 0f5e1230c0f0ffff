package flow

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// maxEntries is how many images of an index are read. There are a dozen builds of
// Windows with images.
const maxEntries = 64

// planIndex rebases each image for Windows of an index on its own line. All else stays,
// byte for byte.
func (r *rebaseRun) planIndex(ctx context.Context, repo *distribution.Repository, doc distribution.Document) (*rebasePlan, error) {
	olds, err := r.readEntries(ctx, repo, doc)
	if err != nil {
		return nil, err
	}
	plan := &rebasePlan{current: true}
	with := map[v1.Hash]v1.Image{}
	var children []publish.Child
	for _, old := range olds {
		rebased, err := r.rebaseImage(ctx, old, len(olds) == 1)
		if err != nil {
			return nil, fmt.Errorf("its image for %s: %w", windowsName(old.OSVersion), err)
		}
		changes := len(plan.changes)
		r.note(plan, old, rebased)
		for i := range plan.changes[changes:] {
			plan.changes[changes+i] = windowsName(old.OSVersion) + ": " + plan.changes[changes+i]
		}
		plan.current = plan.current && rebased.Current
		with[old.Digest] = rebased
		children = append(children, publish.Child{Image: rebased})
	}
	raw, err := builder.ReplaceEntries(doc.Content, doc.MediaType, with)
	if err != nil {
		return nil, err
	}
	plan.content = publish.OfIndex(raw, indexType(doc), children)
	if !plan.current {
		plan.replaced = append(plan.replaced, doc.Digest)
	}
	for _, lost := range builder.LostAttestations(doc.Content, raw) {
		plan.changes = append(plan.changes, "without the attestation "+lost.String())
	}
	return plan, nil
}

// indexType is the media type that an index states, else that of its family under which
// it was served.
func indexType(doc distribution.Document) types.MediaType {
	var stated struct{ MediaType types.MediaType }
	if err := json.Unmarshal(doc.Content, &stated); err != nil || stated.MediaType == "" {
		return cmp.Or(doc.MediaType, types.OCIImageIndex)
	}
	return stated.MediaType
}

// readEntries reads the images for Windows of an index, each once.
func (r *rebaseRun) readEntries(ctx context.Context, repo *distribution.Repository, doc distribution.Document) ([]*servedImage, error) {
	list, err := v1.ParseIndexManifest(bytes.NewReader(doc.Content))
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", doc.Digest, err)
	}
	seen := map[v1.Hash]bool{}
	var found []*servedImage
	for _, d := range list.Manifests {
		if d.MediaType.IsIndex() {
			return nil, errNested
		}
		if seen[d.Digest] || !mayBeWindows(d) {
			continue
		}
		if seen[d.Digest] = true; len(seen) > maxEntries {
			return nil, fmt.Errorf("index %s has more than %d images that may be for Windows; name them by their digests, with -t", doc.Digest, maxEntries)
		}
		one, err := r.readEntry(ctx, repo, d)
		if foreign := (*foreignError)(nil); errors.As(err, &foreign) && d.Platform == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	if len(found) == 0 {
		return nil, &foreignError{"an index without images for Windows"}
	}
	return found, nil
}

func (r *rebaseRun) readEntry(ctx context.Context, repo *distribution.Repository, d v1.Descriptor) (*servedImage, error) {
	doc, err := repo.Manifest(ctx, d.Digest.String())
	if distribution.NotFound.In(err) {
		return nil, fmt.Errorf("its image %s is gone, so no host can run it; publish the image again: %w", d.Digest, err)
	}
	if err != nil {
		return nil, err
	}
	isIndex, err := kindOf(doc)
	if err != nil {
		return nil, err
	}
	if isIndex {
		return nil, errNested
	}
	if doc.MediaType == "" {
		doc.MediaType = d.MediaType
	}
	return r.readImage(ctx, repo, doc)
}

// mayBeWindows tells whether an entry is for Windows, or does not say what it is for.
func mayBeWindows(d v1.Descriptor) bool {
	if d.MediaType != "" && !d.MediaType.IsImage() || d.Annotations["vnd.docker.reference.type"] != "" {
		return false
	}
	return d.Platform == nil || strings.EqualFold(d.Platform.OS, "windows")
}
