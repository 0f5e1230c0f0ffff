package publish

import (
	"bytes"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// document is the manifest of an image, or an index, as places keep it.
type document struct {
	raw       []byte
	mediaType types.MediaType
	digest    v1.Hash
	image     v1.Image    // nil for an index
	suffix    string      // of an image in an index: see Child
	parts     []*document // of an index: what is brought along of what it names
}

func imageDocument(img v1.Image) (*document, error) {
	d := &document{image: img}
	var err error
	if d.raw, err = img.RawManifest(); err != nil {
		return nil, err
	}
	if d.mediaType, err = img.MediaType(); err != nil {
		return nil, err
	}
	if d.digest, err = img.Digest(); err != nil {
		return nil, err
	}
	return d, nil
}

func indexDocument(raw []byte, mt types.MediaType, parts []*document) (*document, error) {
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return &document{raw: raw, mediaType: mt, digest: digest, parts: parts}, nil
}

// flat returns the document and all in it, each behind what it names.
func (d *document) flat() []*document {
	var all []*document
	for _, part := range d.parts {
		all = append(all, part.flat()...)
	}
	return append(all, d)
}

// blob is the document's bytes.
func (d *document) blob() v1.Layer { return static.NewLayer(d.raw, d.mediaType) }

// descriptor describes the document, an image with the platform of its config.
func (d *document) descriptor() (*v1.Descriptor, error) {
	desc := &v1.Descriptor{MediaType: d.mediaType, Digest: d.digest, Size: int64(len(d.raw))}
	if d.image == nil {
		return desc, nil
	}
	config, err := d.image.ConfigFile()
	if err != nil {
		return nil, err
	}
	desc.Platform = config.Platform()
	return desc, nil
}
