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

// Build makes an image of a published application on each of the bases. All
// share our layers, which are made once, and their manifests are of one family.
// ctx must live as long as the result is used. It fails with an *InputError or a
// *layers.NameError when these files cannot become an image on one of the bases.
func Build(ctx context.Context, s *Spec, bases []*base.Base, app *dotnet.Result, d Deps) (*Result, error) {
	assemblies, err := assemble(s, bases, app)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(app.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the published application: %w", err)
	}
	r := &Result{files: root}
	err = r.fill(ctx, assemblies, layers.PlanOptions{
		FS: root.FS(), Target: slashPath(s.AppDir), Origins: app.Origins, Single: s.Single,
		Clock: s.Clock, Writable: s.writable(), Dirs: s.dirs(), Workers: d.Workers,
	}, d)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if w := SupportWarning(app, d.Now); w != "" && !d.Now.IsZero() {
		r.Warnings = append(r.Warnings, w)
	}
	return r, nil
}

// assemble checks whether the spec, the bases and the application go together.
func assemble(s *Spec, bases []*base.Base, app *dotnet.Result) ([]*assembly, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	oci := wantsOCI(s, bases)
	if len(s.Annotations) > 0 && !oci {
		return nil, dockerAnnotations()
	}
	if s.Compression == layers.Zstd && !oci {
		return nil, dockerZstdLayers()
	}
	all := make([]*assembly, 0, len(bases))
	for _, b := range bases {
		a, err := newAssembly(s, b, app, oci)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// wantsOCI decides the family of all images: the spec's, else the bases'. Where
// those differ it is OCI, into which every image of Docker's family can be written.
func wantsOCI(s *Spec, bases []*base.Base) bool {
	if s.Format != "" {
		return s.Format == FormatOCI
	}
	return slices.ContainsFunc(bases, func(b *base.Base) bool { return isOCI(b.MediaType) })
}

func newAssembly(s *Spec, b *base.Base, app *dotnet.Result, oci bool) (*assembly, error) {
	a := &assembly{spec: s, base: b, oci: oci}
	var err error
	if a.config, err = readBaseConfig(b.Config); err == nil {
		err = a.config.check(s, b, app)
	}
	if err == nil {
		a.descriptors, err = baseDescriptors(b.Manifest, b.Layers, a.oci, s.Foreign)
	}
	if asked := (*InputError)(nil); errors.As(err, &asked) {
		return nil, asked
	}
	if err != nil {
		return nil, fmt.Errorf("use the base %s: %w", b.Name, err)
	}
	return a, nil
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
