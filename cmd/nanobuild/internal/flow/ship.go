package flow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/publish"
)

// pack makes the project's image.
func (r *run) pack(ctx context.Context, p *project) error {
	found, err := r.bases.get(ctx, p.base)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(r.temp.path, "layers-")
	if err != nil {
		return fmt.Errorf("make a folder for layers: %w", err)
	}
	times := newStopwatch(r.Now)
	p.image, err = builder.Build(ctx, p.spec, found, p.app, builder.Deps{
		TempDir: dir, Workers: r.Jobs, Now: r.Now(),
		Packing: func(l *layers.Layer) { times.start(string(l.Origin())) },
		Packed:  func(l *layers.Layer) { r.packed(p, l, times.stop(string(l.Origin()))) },
	})
	if err != nil {
		return imageError(fmt.Errorf("make the image of %s: %w", p.argument, err))
	}
	r.warn(p.image.Warnings...)
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
	r.Log.Info(fmt.Sprintf("%s: packed the %s layer, %s, %s to %s, %s", p.argument, l.Origin(), filesText(l.Files()),
		BytesText(l.UncompressedSize()), BytesText(size), secondsText(took)),
		"layer", string(l.Origin()), "bytes", size, "seconds", took.Seconds())
}

// push brings the image to all its places, and returns the reference of the
// first.
func (r *run) push(ctx context.Context, p *project) (string, error) {
	progress := &progress{Deps: r.Deps, titles: layerTitles(p.image), times: newStopwatch(r.Now)}
	refs, err := publish.Push(ctx, p.image, p.goal.sinks, p.goal.tags, publish.PushOptions{
		Jobs: r.Jobs, Report: progress.report,
	})
	if err != nil {
		return "", pushError(fmt.Errorf("publish %s: %w", p.argument, err))
	}
	return refs[0], nil
}

// layerTitles gives each layer of the image the word that progress lines use.
func layerTitles(image *builder.Image) map[v1.Hash]string {
	titles := map[v1.Hash]string{}
	for _, l := range image.Ours {
		if digest, err := l.Digest(); err == nil {
			titles[digest] = string(l.Origin()) + " layer"
		}
	}
	return titles
}

// progress turns the events of a push into lines.
type progress struct {
	Deps
	titles map[v1.Hash]string
	times  *stopwatch
}

func (p *progress) report(e publish.Event) {
	key := e.Sink + "@" + e.Layer.String()
	title, ok := p.titles[e.Layer]
	if !ok {
		title = "base layer"
	}
	switch e.Kind {
	case publish.LayerStarted:
		p.times.start(key)
		p.Log.Debug(fmt.Sprintf("%s: %s, %s", e.Sink, title, BytesText(e.Size)))
	case publish.LayerFinished:
		p.finished(e, title, p.times.stop(key))
	case publish.Staged:
		p.Log.Debug(fmt.Sprintf("%s: config and manifest, %s", e.Sink, BytesText(e.Bytes)))
	case publish.Committed:
		p.Log.Info(e.Sink+": done", "reference", e.Ref)
	}
}

func (p *progress) finished(e publish.Event, title string, took time.Duration) {
	var line string
	switch e.How {
	case publish.Exists:
		line = "already there"
	case publish.Mounted:
		line = "mounted, nothing sent"
	case publish.Skipped:
		line = "skipped: it is not distributable and stays where its URLs point"
	case publish.Deferred:
		return // the tarball is written as a whole
	case publish.Uploaded, publish.Written:
		line = fmt.Sprintf("%s %s, %s", e.How, BytesText(e.Bytes), secondsText(took))
	}
	p.Log.Info(fmt.Sprintf("%s: %s %s", e.Sink, title, line), "sink", e.Sink, "layer", title,
		"how", e.How.String(), "bytes", e.Bytes, "seconds", took.Seconds())
}
