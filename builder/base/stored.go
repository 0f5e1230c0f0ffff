package base

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Bounds on what is read of an index and all in it. Each image takes a manifest and a
// config of some kilobytes.
const (
	maxStored      = 1000     // documents
	maxStoredBytes = 64 << 20 // of manifests and configs
	maxNested      = 4        // indexes within each other
)

// Stored is an index in a layout or an archive, or what such an index names, as it was
// written.
type Stored struct {
	Digest    v1.Hash
	MediaType types.MediaType
	Raw       []byte // the manifest or index
	// Of an image, or anything else with config and layers: the config, and the layers
	// in order, whose bytes are read when somebody asks for them.
	Config []byte
	Layers []v1.Layer
	// Of an index: all that it names, in order.
	Entries []*Stored
}

// ReadStored finds what ref names in a layout or an archive ("oci:DIR", "tar:FILE" and
// the like, see [Resolve]): a single image, which it reads as Resolve does, or an index
// together with all that it names, of whatever platform and kind. With o.OSVersion it
// is the image of that Windows version in any case. Exactly one of both is returned.
//
// It fails as Resolve does, when a part of the index is not there, and when there are
// unreasonably many parts.
func ReadStored(ctx context.Context, ref string, o Options) (*Base, *Stored, error) {
	b, s, err := readStored(ctx, ref, o)
	if err != nil {
		return nil, nil, fmt.Errorf("read image %s: %w", ref, err)
	}
	return b, s, nil
}

func readStored(ctx context.Context, ref string, o Options) (*Base, *Stored, error) {
	w := wanted{osVersion: o.OSVersion, what: o.What}
	src, err := openStored(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	top, err := src.root(ctx)
	if err != nil {
		return nil, nil, err
	}
	if top, err = onlyEntry(ctx, src, top); err != nil {
		return nil, nil, err
	}
	switch {
	case top.index != nil && o.OSVersion == "":
		r := storedReader{src: src}
		s, err := r.read(ctx, top, 0)
		return nil, s, err
	case top.index != nil:
		found, err := from(ctx, src, w)
		if err != nil {
			return nil, nil, err
		}
		return found[0], nil, nil
	}
	b, err := read(ctx, src, top, w)
	return b, nil, err
}

func openStored(ctx context.Context, ref string) (source, error) {
	switch kind, rest := locate(ref); kind {
	case inLayout:
		return openLayout(ctx, ref, rest)
	case inTar:
		return openArchive(ctx, ref, rest)
	default:
		return nil, errors.New("it is neither oci:DIR nor tar:FILE")
	}
}

// onlyEntry is what a layout holds whose index.json has one entry: that file is then
// the layout's table of contents, and no index of images.
func onlyEntry(ctx context.Context, src source, top document) (document, error) {
	if top.index == nil || src.has(v1.Descriptor{Digest: top.digest}) || len(distinct(top.index.Manifests)) != 1 {
		return top, nil
	}
	return src.manifest(ctx, top.index.Manifests[0])
}

// storedReader reads an index with all in it.
type storedReader struct {
	src    source
	n      int
	nBytes int
}

func (r *storedReader) read(ctx context.Context, doc document, depth int) (*Stored, error) {
	if r.n++; r.n > maxStored || depth > maxNested {
		return nil, fmt.Errorf("it names more than %d images, or is nested more than %d deep", maxStored, maxNested)
	}
	s := &Stored{Digest: doc.digest, MediaType: doc.mediaType, Raw: doc.raw}
	if doc.index == nil {
		var err error
		if s.Config, err = r.src.config(ctx, doc); err != nil {
			return nil, fmt.Errorf("read the config of %s: %w", doc.digest, err)
		}
		// Which content a layer has matters to nobody here, and not everything says it.
		if s.Layers, err = r.src.layers(ctx, doc, make([]v1.Hash, len(doc.image.Layers)), false); err != nil {
			return nil, err
		}
	}
	if r.nBytes += len(s.Raw) + len(s.Config); r.nBytes > maxStoredBytes {
		return nil, fmt.Errorf("its manifests and configs have more than %d MiB", maxStoredBytes>>20)
	}
	if doc.index == nil {
		return s, nil
	}
	for _, d := range doc.index.Manifests {
		entry, err := r.src.manifest(ctx, d)
		if err != nil {
			return nil, err
		}
		inner, err := r.read(ctx, entry, depth+1)
		if err != nil {
			return nil, err
		}
		s.Entries = append(s.Entries, inner)
	}
	return s, nil
}
