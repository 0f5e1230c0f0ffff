package publish

import (
	"context"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// Stage implements [Sink]. It refuses an image whose layers are not all there.
func (l *Layout) Stage(ctx context.Context, c Content) (Put, error) {
	d, err := l.document(c)
	if err != nil {
		return Put{}, err
	}
	return l.stage(ctx, d)
}

// document reads the manifests of what is to be written.
func (l *Layout) document(c Content) (*document, error) {
	if c.merge != nil {
		return nil, noMerge(l.Name())
	}
	d, err := c.document()
	if err != nil {
		return nil, fmt.Errorf("read the manifest for %s: %w", l.Name(), err)
	}
	return d, nil
}

func (l *Layout) stage(ctx context.Context, top *document) (Put, error) {
	var sum Put
	for _, d := range top.flat() {
		blobs := []v1.Layer{d.blob()}
		if d.image != nil {
			config, err := l.configOf(d)
			if err != nil {
				return Put{}, err
			}
			blobs = append([]v1.Layer{config}, blobs...)
		}
		for _, b := range blobs {
			p, err := l.putBlob(ctx, b)
			if err != nil {
				return Put{}, err
			}
			sum.How, sum.Bytes = p.How, sum.Bytes+p.Bytes
		}
	}
	return sum, nil
}

// configOf is the config of an image whose layers are all there.
func (l *Layout) configOf(d *document) (v1.Layer, error) {
	m, err := d.image.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the manifest for %s: %w", l.Name(), err)
	}
	if err := l.complete(m); err != nil {
		return nil, err
	}
	config, err := partial.ConfigLayer(d.image)
	if err != nil {
		return nil, fmt.Errorf("read the config for %s: %w", l.Name(), err)
	}
	return config, nil
}

// complete tells which layer of the image is missing, if any.
func (l *Layout) complete(m *v1.Manifest) error {
	for _, d := range m.Layers {
		if isForeign(d.MediaType) && !l.o.Nondistributable {
			continue
		}
		fi, err := os.Stat(l.blob(d.Digest))
		if err != nil {
			return fmt.Errorf("layer %s is not in %s: %w", d.Digest, l.Name(), err)
		}
		if fi.Size() != d.Size {
			return fmt.Errorf("layer %s in %s has %d bytes instead of %d", d.Digest, l.Name(), fi.Size(), d.Size)
		}
	}
	return nil
}
