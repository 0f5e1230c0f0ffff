package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// Deps are what Build needs from its caller.
type Deps struct {
	TempDir string    // for packed layers; must exist
	Workers int       // layers packed and files hashed at a time; 0 means the default
	Now     time.Time // to warn of a .NET without support; zero warns of none

	// Recorded returns the blob that an earlier run made of the tar with that
	// diffID. Nil means that there are no records: then everything is packed.
	Recorded func(c layers.Compression, diffID v1.Hash) (layers.Blob, bool)
	// Packing and Packed are told of each layer of ours that is packed, from
	// several goroutines. Optional.
	Packing, Packed func(*layers.Layer)
}

// packAtATime bounds the memory that packing takes: each layer compresses
// several blocks at a time. More would not be faster, since one layer, the
// runtime's, is most of an image.
const packAtATime = 2

// Build makes the image of a published application on a base. ctx must live
// as long as the image is used. It fails with an *InputError or a
// *layers.NameError when these files cannot become an image on this base.
func Build(ctx context.Context, s *Spec, b *base.Base, app *dotnet.Result, d Deps) (*Image, error) {
	a, err := newAssembly(s, b, app)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(app.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the published application: %w", err)
	}
	img := &Image{files: root}
	err = a.fill(ctx, img, layers.PlanOptions{
		FS: root.FS(), Target: slashPath(s.AppDir), Origins: app.Origins, Single: s.Single,
		Clock: s.Clock, Writable: s.writable(), Dirs: s.dirs(), Workers: d.Workers,
	}, d)
	if err != nil {
		return nil, errors.Join(err, img.Close())
	}
	if w := SupportWarning(app, d.Now); w != "" && !d.Now.IsZero() {
		img.Warnings = append(img.Warnings, w)
	}
	return img, nil
}

// newAssembly checks whether the spec, the base and the application go together.
func newAssembly(s *Spec, b *base.Base, app *dotnet.Result) (*assembly, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	a := &assembly{spec: s, base: b, oci: s.Format == FormatOCI || s.Format == "" && isOCI(b.MediaType)}
	if len(s.Annotations) > 0 && !a.oci {
		return nil, dockerAnnotations()
	}
	if s.Compression == layers.Zstd && !a.oci {
		return nil, dockerZstdLayers()
	}
	var err error
	if a.config, err = readBaseConfig(b.Config); err == nil {
		err = a.config.check(s, b, app)
	}
	if err == nil {
		a.descriptors, err = baseDescriptors(b.Manifest, b.Layers, a.oci)
	}
	if asked := (*InputError)(nil); errors.As(err, &asked) {
		return nil, asked
	}
	if err != nil {
		return nil, fmt.Errorf("use the base %s: %w", b.Name, err)
	}
	return a, nil
}

// fill plans our layers, finds out or makes their blobs, and writes config and
// manifest.
func (a *assembly) fill(ctx context.Context, img *Image, o layers.PlanOptions, d Deps) error {
	var err error
	if img.Plan, err = layers.NewPlan(ctx, o); err != nil {
		return err
	}
	img.Warnings = img.Plan.Warnings
	made := layers.Options{TempDir: d.TempDir, OCI: a.oci, Compression: a.spec.Compression, Verify: verifier(o.Writable)}
	if d.Recorded != nil {
		made.Recorded = func(diffID v1.Hash) (layers.Blob, bool) { return d.Recorded(a.spec.Compression, diffID) }
	}
	for _, g := range img.Plan.Groups {
		l, err := layers.Build(ctx, g, made)
		if err != nil {
			return err
		}
		img.Ours = append(img.Ours, l)
	}
	if err := settle(ctx, img.Ours, d); err != nil {
		return err
	}
	img.assembly = a
	return a.write(img)
}

// verifier checks a layer as it is made against the rules of its format. The
// times of files are left out: checking them would hash every file once more.
func verifier(writable []string) func(io.Reader) error {
	return func(tar io.Reader) error {
		report, err := lint.Layer(tar, lint.LayerOptions{Writable: writable})
		return errors.Join(err, report.Err())
	}
}

// settle packs the layers whose blobs are not on record, the largest first.
func settle(ctx context.Context, ours []*layers.Layer, d Deps) error {
	largest := slices.Clone(ours)
	slices.SortStableFunc(largest, func(a, b *layers.Layer) int {
		return cmp.Compare(b.UncompressedSize(), a.UncompressedSize())
	})
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(packAtATime)
	if d.Workers > 0 {
		group.SetLimit(min(d.Workers, packAtATime))
	}
	for _, l := range largest {
		group.Go(func() error {
			_, known, err := l.Known(ctx)
			if known || err != nil {
				return err
			}
			tell(d.Packing, l)
			if err := l.Pack(ctx); err != nil {
				return err
			}
			tell(d.Packed, l)
			return nil
		})
	}
	return group.Wait()
}

func tell(hook func(*layers.Layer), l *layers.Layer) {
	if hook != nil {
		hook(l)
	}
}
