package flow

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish"
)

// content is what is pushed: one image, or an index with all that it names.
func (o PushOptions) content(ctx context.Context) (publish.Content, error) {
	image, index, err := base.ReadStored(ctx, o.Source, base.Options{What: "image", OSVersion: o.OSVersion})
	if err != nil {
		return publish.Content{}, err
	}
	var content publish.Content
	if index != nil {
		content, err = storedIndex(index)
	} else {
		var one v1.Image
		one, err = storedImage(&base.Stored{MediaType: image.MediaType, Raw: image.Manifest, Config: image.Config, Layers: image.Layers})
		content = publish.OfImage(one)
	}
	if err != nil {
		return publish.Content{}, fmt.Errorf("read image %s: %w", o.Source, err)
	}
	return content, nil
}

func storedIndex(s *base.Stored) (publish.Content, error) {
	children := make([]publish.Child, len(s.Entries))
	for i, e := range s.Entries {
		if e.MediaType.IsIndex() {
			inner, err := storedIndex(e)
			if err != nil {
				return publish.Content{}, err
			}
			children[i].Index = &inner
			continue
		}
		var err error
		if children[i].Image, err = storedImage(e); err != nil {
			return publish.Content{}, err
		}
	}
	return publish.OfIndex(s.Raw, s.MediaType, children), nil
}

// storedImage is an image as it was written, with its manifest's own bytes.
func storedImage(s *base.Stored) (v1.Image, error) {
	core := &storedCore{stored: s, layers: map[v1.Hash]v1.Layer{}}
	for _, l := range s.Layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		core.layers[digest] = l
	}
	return partial.CompressedToImage(core)
}

type storedCore struct {
	stored *base.Stored
	layers map[v1.Hash]v1.Layer
}

var _ partial.CompressedImageCore = (*storedCore)(nil)

func (c *storedCore) RawConfigFile() ([]byte, error)      { return c.stored.Config, nil }
func (c *storedCore) RawManifest() ([]byte, error)        { return c.stored.Raw, nil }
func (c *storedCore) MediaType() (types.MediaType, error) { return c.stored.MediaType, nil }
func (c *storedCore) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if l, ok := c.layers[h]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("it has no layer %s", h)
}
