package flow

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// checker reads the layers on the base, each once into a file, and checks them and
// the image.
type checker struct {
	image    *base.Base
	config   *v1.ConfigFile
	on       ground
	dir      string // for the blobs
	ours     []lint.ImageLayer
	programs []program // in the layers on the base
	copies   copies    // of files in them
	seen     map[checkedKey]layerReports
}

// checkedKey is what the reports on a layer depend on. An image may name one layer
// hundreds of times.
type checkedKey struct {
	digest, diffID v1.Hash
	origin         string
	clock          layers.Clock
}

// layerReports are what a layer's two verdicts are made of.
type layerReports struct {
	strict   lint.Report // against the format of nanobuild's layers
	importer lint.Report // against what Windows needs
}

// layers describes the layers in order; the history entries that are not empty
// belong to them.
func (c *checker) layers(found *Inspection) error {
	var steps []v1.History
	for _, h := range c.config.History {
		if !h.EmptyLayer {
			steps = append(steps, h)
		}
	}
	if len(steps) != len(c.image.Layers) {
		steps = make([]v1.History, len(c.image.Layers)) // it tells nothing about single layers
	}
	origins, err := c.on.origins(originsOf(steps), c.image.Layers)
	if err != nil {
		return err
	}
	for i, l := range c.image.Layers {
		info, err := c.layer(l, steps[i], origins[i], c.config.RootFS.DiffIDs[i])
		if err != nil {
			return err
		}
		found.Layers = append(found.Layers, info)
	}
	return nil
}

func (c *checker) layer(l v1.Layer, h v1.History, origin string, diffID v1.Hash) (LayerInspection, error) {
	digest, err := l.Digest()
	if err != nil {
		return LayerInspection{}, err
	}
	size, err := l.Size()
	if err != nil {
		return LayerInspection{}, err
	}
	mediaType, err := l.MediaType()
	if err != nil {
		return LayerInspection{}, err
	}
	info := LayerInspection{
		Origin: origin, Digest: digest.String(), DiffID: diffID.String(),
		MediaType: string(mediaType), Size: size, CreatedBy: h.CreatedBy,
	}
	if origin == BaseOrigin || !mediaType.IsDistributable() {
		return info, nil
	}
	key := checkedKey{digest, diffID, origin, clockOf(h)}
	reports, known := c.seen[key]
	if !known {
		if reports, err = c.check(l, key, size); err != nil {
			return LayerInspection{}, fmt.Errorf("%s layer: %w", origin, err)
		}
		c.seen[key] = reports
	}
	info.Files = reports.importer.Files
	info.Verdict, info.Findings = verdict(reports.strict)
	info.Importer, info.ImporterFindings = verdict(reports.importer)
	return info, nil
}

// whole checks the image that the layers make. Images without a layer of
// nanobuild's get no verdict.
func (c *checker) whole(found *Inspection) error {
	if len(c.ours) == 0 {
		return nil
	}
	report, err := lint.Image(lint.ImageInput{
		Manifest: c.image.Manifest, Config: c.image.Config, Layers: c.ours,
		// The flags of the build are not known: nothing of them is a fault.
		Asked: lint.Asked{User: true, Path: true, Cmd: true},
	})
	if err != nil {
		return fmt.Errorf("check the image %s: %w", c.image.Name, err)
	}
	found.Verdict, found.Findings = verdict(report)
	return nil
}
