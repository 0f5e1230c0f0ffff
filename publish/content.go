package publish

import (
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Content is what tags name: an image, or an index together with those of its
// images that are brought along. [OfImage], [OfIndex] and [OfMerge] make one; the
// zero value is nothing that can be published.
type Content struct {
	image     v1.Image
	raw       []byte // of an index
	mediaType types.MediaType
	children  []Child
	merge     Merge
	onto      v1.Hash // what the tags were seen to name, of a merge
}

// Child is an image, or an index, that an index names.
type Child struct {
	Image v1.Image
	// Suffix has each tag T of the index come with a tag T-Suffix that names this
	// image alone ("v1-ltsc2022"). Registries remove what no tag names, and jobs that
	// clean up remove manifests without one although an index needs them. Empty means
	// no such tag.
	Suffix string
	// Index is an index within the index, in place of Image; it has no suffix.
	Index *Content
}

// Merge makes of the index that a tag names now, which is nil where the tag names
// nothing, the one that it is to name, and its media type. What it returns for the
// same input is the same.
type Merge func(current []byte, mt types.MediaType) ([]byte, types.MediaType, error)

// OfImage is an image by itself.
func OfImage(img v1.Image) Content { return Content{image: img} }

// OfIndex is an index, byte for byte, with the images that it names. What it names
// and is not among them has to be in the place already.
func OfIndex(raw []byte, mt types.MediaType, images []Child) Content {
	return Content{raw: raw, mediaType: mt, children: images}
}

// OfMerge is what merge makes of the index that each tag names at the moment, with
// the images that merge adds. Only a [Registry] takes it. Runs that merge into one tag
// side by side find each other and merge again, but registries have no way to move a
// tag only if it is unchanged: a run that begins and ends to move it within the one
// round trip that this takes another is lost without a word.
func OfMerge(images []Child, merge Merge) Content {
	return Content{children: images, merge: merge}
}

// Onto says of a merge what its tags were seen to name. Where one names nothing any
// more when it is to be moved, that is a [TagError], and no new index: the answer may
// be that of a machine that lags behind. The zero value says that nothing was seen.
func (c Content) Onto(digest v1.Hash) Content {
	c.onto = digest
	return c
}

// errUnmerged is why something cannot be told of a merge.
var errUnmerged = errors.New("an index that is merged into another is not known before it is pushed")

// Digest returns that of the manifest or index. It fails for a merge, whose digest
// only the registry's side decides, and for an image that cannot tell its own.
func (c Content) Digest() (v1.Hash, error) {
	d, err := c.document()
	if err != nil {
		return v1.Hash{}, err
	}
	return d.digest, nil
}

// document reads the manifests of the content.
func (c Content) document() (*document, error) {
	switch {
	case c.merge != nil:
		return nil, errUnmerged
	case c.image != nil:
		return imageDocument(c.image)
	case c.raw == nil:
		return nil, errors.New("there is nothing to publish")
	}
	parts, err := c.parts()
	if err != nil {
		return nil, err
	}
	return indexDocument(c.raw, c.mediaType, parts)
}

// parts reads the manifests of an index's children.
func (c Content) parts() ([]*document, error) {
	parts := make([]*document, 0, len(c.children))
	for _, child := range c.children {
		inner := OfImage(child.Image)
		if child.Index != nil {
			inner = *child.Index
		}
		d, err := inner.document()
		if err != nil {
			return nil, err
		}
		if d.image != nil {
			d.suffix = child.Suffix
		}
		parts = append(parts, d)
	}
	return parts, nil
}

// all reads the manifests of the content as far as they are known: of a merge,
// those of its images.
func (c Content) all() ([]*document, error) {
	if c.merge != nil {
		return c.parts()
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	return []*document{d}, nil
}

// images returns all images of the content.
func (c Content) images() ([]v1.Image, error) {
	docs, err := c.all()
	if err != nil {
		return nil, fmt.Errorf("read the manifests of the image: %w", err)
	}
	var images []v1.Image
	for _, d := range docs {
		for _, part := range d.flat() {
			if part.image != nil {
				images = append(images, part.image)
			}
		}
	}
	return images, nil
}

// noMerge refuses a merge for a place that is no registry.
func noMerge(place string) error {
	return &UsageError{What: "place", Value: place, Reason: "images are merged into the index of a registry only", Try: "without it, or without --into-index"}
}
