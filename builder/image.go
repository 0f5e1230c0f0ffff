package builder

import (
	"bytes"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
)

// Image is a finished image on one base. Its layers are the base's, read from
// where they live when they are asked for, and ours, which belong to its Result.
type Image struct {
	written
	Base *base.Base

	assembly *assembly
}

var _ v1.Image = (*Image)(nil)

// written is an image whose manifest and config are written.
type written struct {
	manifest, config []byte
	mediaType        types.MediaType
	all              []v1.Layer
	parsed           *v1.Manifest
}

// join reads the finished manifest and lists the layers: the base's, with the
// media types that they have in this manifest, and the rest.
func (i *written) join(base, rest []v1.Layer) error {
	var err error
	i.all = nil
	if i.parsed, err = v1.ParseManifest(bytes.NewReader(i.manifest)); err != nil {
		return fmt.Errorf("read the manifest again: %w", err)
	}
	for n, l := range base {
		typed, err := retype(l, i.parsed.Layers[n].MediaType)
		if err != nil {
			return fmt.Errorf("read layer %d of the base: %w", n, err)
		}
		i.all = append(i.all, typed)
	}
	i.all = append(i.all, rest...)
	return nil
}

// Layers returns the base's layers and ours, in order.
func (i *written) Layers() ([]v1.Layer, error) { return append([]v1.Layer(nil), i.all...), nil }

// MediaType is that of the manifest.
func (i *written) MediaType() (types.MediaType, error) { return i.mediaType, nil }

// Size is that of the manifest, in bytes.
func (i *written) Size() (int64, error) { return int64(len(i.manifest)), nil }

// ConfigName is the digest of the config.
func (i *written) ConfigName() (v1.Hash, error) { return i.parsed.Config.Digest, nil }

// ConfigFile is the config, as far as its type knows its keys.
func (i *written) ConfigFile() (*v1.ConfigFile, error) { return partial.ConfigFile(i) }

// RawConfigFile is the config, byte for byte.
func (i *written) RawConfigFile() ([]byte, error) { return bytes.Clone(i.config), nil }

// Digest is that of the manifest.
func (i *written) Digest() (v1.Hash, error) { return partial.Digest(i) }

// Manifest is the manifest, as far as its type knows its keys.
func (i *written) Manifest() (*v1.Manifest, error) { return i.parsed.DeepCopy(), nil }

// RawManifest is the manifest, byte for byte.
func (i *written) RawManifest() ([]byte, error) { return bytes.Clone(i.manifest), nil }

// LayerByDigest returns a layer, or the config as one.
func (i *written) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if h == i.parsed.Config.Digest {
		return partial.ConfigLayer(i)
	}
	for n, d := range i.parsed.Layers {
		if d.Digest == h {
			return i.all[n], nil
		}
	}
	return nil, fmt.Errorf("the image has no layer %s", h)
}

// LayerByDiffID returns the layer whose tar has this digest.
func (i *written) LayerByDiffID(h v1.Hash) (v1.Layer, error) {
	c, err := i.ConfigFile()
	if err != nil {
		return nil, err
	}
	for n, id := range c.RootFS.DiffIDs {
		if id == h && n < len(i.all) {
			return i.all[n], nil
		}
	}
	return nil, fmt.Errorf("the image has no layer whose content is %s", h)
}

// typed is a layer with another media type.
type typed struct {
	v1.Layer
	mediaType types.MediaType
}

// MediaType is the layer's in its new image.
func (t typed) MediaType() (types.MediaType, error) { return t.mediaType, nil }

// retype returns the layer with a media type. What can be mounted from its
// registry still can.
func retype(l v1.Layer, want types.MediaType) (v1.Layer, error) {
	got, err := l.MediaType()
	if err != nil || got == want {
		return l, err
	}
	if m, ok := l.(*remote.MountableLayer); ok {
		return &remote.MountableLayer{Layer: typed{m.Layer, want}, Reference: m.Reference}, nil
	}
	return typed{l, want}, nil
}
