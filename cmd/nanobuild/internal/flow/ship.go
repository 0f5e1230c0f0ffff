package flow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/publish"
)

// sendBase brings the base's layers to the one registry that flags name, while
// dotnet runs, where the base can be told by then. A base that is only likely
// fails where a project turns out to take it.
func (r *run) sendBase(ctx context.Context) error {
	d, err := r.namedDestination()
	refs := r.likelyBases()
	if err != nil || d == nil || len(refs) == 0 {
		return nil //nolint:nilerr // checkTargets reports it
	}
	for _, ref := range refs {
		err := r.sendOne(ctx, d, ref)
		if err != nil && len(r.Bases) > 0 {
			return err
		}
		if err != nil {
			r.Log.Debug(fmt.Sprintf("the base %s is not sent early: %v", ref, err))
		}
	}
	return nil
}

func (r *run) sendOne(ctx context.Context, d *destination, ref string) error {
	found := r.bases.resolve(ctx, ref)
	if found.err != nil {
		return at(StageBase, found.err)
	}
	r.recall(ctx, d, r.Targets.Tags)
	for _, b := range found.bases {
		if err := r.sendMissing(ctx, d, b); err != nil {
			return err
		}
	}
	return nil
}

// sendMissing sends the layers that the registry is not known to have.
func (r *run) sendMissing(ctx context.Context, d *destination, b *base.Base) error {
	for _, l := range b.Layers {
		digest, err := l.Digest()
		if err != nil {
			return at(StageBase, fmt.Errorf("read the base %s: %w", b.Name, err))
		}
		mt, err := l.MediaType()
		if err != nil {
			return at(StageBase, fmt.Errorf("read the base %s: %w", b.Name, err))
		}
		// What is made of a foreign layer is known when the image is.
		if r.destinations.places.Has(d.repo, digest) || r.Targets.Foreign && !mt.IsDistributable() {
			continue
		}
		if err := r.send(ctx, d, l); err != nil {
			return err
		}
	}
	return nil
}

// send brings one layer to a registry before the rest of its image is ready.
func (r *run) send(ctx context.Context, d *destination, l v1.Layer) error {
	if err := r.slots.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer r.slots.Release(1)
	return pushError(publish.PutLayer(ctx, d, l, r.progress.report))
}

// sendEarly sends a layer whose image is not finished. Where it fails, staging the
// image fails for the same reason, unless the image never comes so far.
func (r *run) sendEarly(ctx context.Context, d *destination, l *layers.Layer) {
	if err := r.send(ctx, d, l); err != nil {
		r.Log.Debug(fmt.Sprintf("%s: the %s layer was not sent early: %v", d.Name(), l.Origin(), err))
	}
}

// deliver makes the project's image and brings it to all its places, but moves
// no tag.
func (r *run) deliver(ctx context.Context, p *project, spawn func(func() error)) error {
	for _, s := range p.goal.sinks {
		if d, ok := s.(*destination); ok {
			r.recall(ctx, d, p.goal.tags)
		}
	}
	err := r.makeImage(ctx, p, spawn)
	if p.published.wait() != nil {
		return nil // what was published does not count, and prepare tells why
	}
	if err != nil {
		return err
	}
	r.staging.Lock()
	defer r.staging.Unlock()
	for {
		err := r.stage(ctx, p)
		if err == nil {
			return r.records.keepAll(p.result.Ours)
		}
		wrong, failed := false, error(nil)
		if ctx.Err() == nil {
			wrong, failed = p.result.Correct()
		}
		if !wrong || failed != nil {
			return errors.Join(err, failed)
		}
		// Nothing was tagged, and each layer can be corrected once.
		r.Log.Warn(fmt.Sprintf("%s: a record of an earlier run was wrong, and is replaced: %v", p.argument, err))
	}
}

// stage brings the image to all its places, under no tag.
func (r *run) stage(ctx context.Context, p *project) (err error) {
	r.progress.name(p.result.Ours)
	content, tags, err := r.contentOf(p)
	if err != nil {
		return fmt.Errorf("publish %s: %w", p.argument, err)
	}
	p.prepared, err = publish.Prepare(ctx, content, p.goal.sinks, tags, publish.PushOptions{
		Jobs: r.Jobs, Report: r.progress.report, Warn: func(w string) { r.warn(w) },
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("publish %s: %w", p.argument, err)
	if fromOurs(err, p.result.Ours) {
		return imageError(err)
	}
	return pushError(err)
}

// fromOurs says whether an error comes from making a layer of ours, which happens
// only when a place asks for its bytes.
func fromOurs(err error, ours []*layers.Layer) bool {
	var source *publish.SourceError
	if !errors.As(err, &source) {
		return false
	}
	return slices.ContainsFunc(ours, func(l *layers.Layer) bool {
		b, err := l.Blob()
		return err == nil && b.Digest == source.Layer
	})
}

// makeImage builds the image. A layer that had to be packed is on its way to the
// registry while others are packed.
func (r *run) makeImage(ctx context.Context, p *project, spawn func(func() error)) error {
	found, err := r.bases.all(ctx, p.bases)
	if err == nil {
		err = r.joinIndex(ctx, p)
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(r.temp.path, "layers-")
	if err != nil {
		return fmt.Errorf("make a folder for layers: %w", err)
	}
	times := newStopwatch(r.Now)
	d := builder.Deps{
		TempDir: dir, Workers: r.Jobs, Now: r.Now(),
		Packing: func(l *layers.Layer) { times.start(string(l.Origin())) },
		Packed: func(l *layers.Layer) {
			r.packed(p, l, times.stop(string(l.Origin())))
			for _, s := range p.goal.sinks {
				if d, ok := s.(*destination); ok {
					spawn(func() error { r.sendEarly(ctx, d, l); return nil })
				}
			}
		},
	}
	if !r.Recompute && r.records.any() {
		d.Recorded = r.records.blob
	}
	p.result, err = builder.Build(ctx, p.spec, found, p.app, d)
	if err != nil {
		return imageError(fmt.Errorf("make the image of %s: %w", p.argument, err))
	}
	r.warn(p.result.Warnings...)
	spawn(func() error { return r.describe(ctx, p) })
	return nil
}

// imageError tells input that cannot become an image from everything else.
func imageError(err error) error {
	input, badName := (*builder.InputError)(nil), (*layers.NameError)(nil)
	if errors.As(err, &input) || errors.As(err, &badName) {
		return at(StageUsage, err)
	}
	return err
}

func (r *run) packed(p *project, l *layers.Layer, took time.Duration) {
	size, err := l.Size()
	if err != nil {
		return // the build fails with it
	}
	r.progress.nameLayer(l)
	if err := r.records.keep(l); err != nil {
		return
	}
	r.Log.Info(fmt.Sprintf("%s: packed the %s layer, %s, %s to %s, %s", p.argument, l.Origin(), filesText(l.Files()),
		BytesText(l.UncompressedSize()), BytesText(size), secondsText(took)),
		"layer", string(l.Origin()), "bytes", size, "seconds", took.Seconds())
}

// tag moves the tags to the image in all its places, and returns the reference
// of the first.
func (r *run) tag(ctx context.Context, p *project) (string, error) {
	refs, err := p.prepared.Commit(ctx)
	if err != nil {
		return "", pushError(fmt.Errorf("publish %s: %w", p.argument, err))
	}
	return refs[0], nil
}

// finish does what can be done only when the images are where they belong: it writes
// down and signs what is said about them. One that fails does not keep the others from
// it.
func (r *run) finish(ctx context.Context, refs []string) (failed error) {
	r.ended = r.Now().UTC().Truncate(time.Second)
	for i, p := range r.projects {
		digest, err := digestIn(refs[i])
		if err == nil {
			err = r.writeDescriptions(p, digest)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s is there: %w", refs[i], err))
			continue
		}
		failed = errors.Join(failed, r.sign(ctx, p, refs[i], digest))
	}
	return failed
}
