package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// Result is what a build made: one set of layers, and an image of them on each
// base.
type Result struct {
	Plan     *layers.Plan
	Ours     []*layers.Layer // from the bases up, in temporary files until Close
	Images   []*Image        // one per base, in the order of the bases
	Warnings []string        // complete sentences for the user

	files io.Closer // the folder that our layers are made of
}

// fill plans our layers, finds out or makes their blobs, and writes configs and
// manifests.
func (r *Result) fill(ctx context.Context, all []*assembly, o layers.PlanOptions, d Deps) error {
	var err error
	if r.Plan, err = layers.NewPlan(ctx, o); err != nil {
		return err
	}
	r.Warnings = r.Plan.Warnings
	spec := all[0].spec
	made := layers.Options{TempDir: d.TempDir, OCI: all[0].oci, Compression: spec.Compression, Verify: verifier(o.Writable)}
	if d.Recorded != nil {
		made.Recorded = func(diffID v1.Hash) (layers.Blob, bool) { return d.Recorded(spec.Compression, diffID) }
	}
	for _, g := range r.Plan.Groups {
		l, err := layers.Build(ctx, g, made)
		if err != nil {
			return err
		}
		r.Ours = append(r.Ours, l)
	}
	if err := settle(ctx, r.Ours, d); err != nil {
		return err
	}
	return r.write(all)
}

// write makes the images.
func (r *Result) write(all []*assembly) error {
	told := make([][]string, len(all))
	for i, a := range all {
		img := &Image{Base: a.base, assembly: a}
		var err error
		if told[i], err = a.write(img, r.Ours); err != nil {
			return err
		}
		r.Images = append(r.Images, img)
	}
	for i, warnings := range told {
		for _, w := range warnings {
			r.warn(w, all[i].base.Name, told)
		}
	}
	return nil
}

// warn adds a warning, with the base's name where not all images earn it.
func (r *Result) warn(message, base string, told [][]string) {
	for _, of := range told {
		if !slices.Contains(of, message) {
			message = "On the base " + base + ": " + message
			break
		}
	}
	if !slices.Contains(r.Warnings, message) {
		r.Warnings = append(r.Warnings, message)
	}
}

// Correct writes the images anew if packing showed that records of their layers
// were wrong, and says whether it did. Nobody may use the images meanwhile.
func (r *Result) Correct() (bool, error) {
	wrong, err := r.outdated()
	if err != nil || !wrong {
		return false, err
	}
	for _, img := range r.Images {
		if _, err := img.assembly.write(img, r.Ours); err != nil {
			return true, fmt.Errorf("write the image anew: %w", err)
		}
	}
	return true, nil
}

// outdated says whether a layer's blob is another than its image names.
func (r *Result) outdated() (bool, error) {
	listed := r.Images[0].parsed.Layers
	listed = listed[len(listed)-len(r.Ours):]
	for i, l := range r.Ours {
		b, err := l.Blob()
		if err != nil {
			return false, err
		}
		if b.Digest != listed[i].Digest || b.Size != listed[i].Size {
			return true, nil
		}
	}
	return false, nil
}

// Close removes the temporary files of our layers.
func (r *Result) Close() error {
	errs := make([]error, 0, len(r.Ours)+1)
	for _, l := range r.Ours {
		errs = append(errs, l.Close())
	}
	return errors.Join(append(errs, r.files.Close())...)
}
