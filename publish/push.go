package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// PushOptions are the choices of [Prepare]; the zero value works.
type PushOptions struct {
	// Jobs is how many layers are on their way at a time, all sinks together;
	// 0 means 4.
	Jobs int
	// Report is told what happens, by one goroutine at a time; may be nil.
	Report func(Event)
	// Warn is told, in a sentence, what a tag that is about to move would not offer
	// any more; by one goroutine at a time, and may be nil.
	Warn func(string)
}

// Event is one step on the way of the content, for progress lines. Times are the caller's.
type Event struct {
	Kind  EventKind
	Sink  string  // its name
	Layer v1.Hash // of a layer event; zero for the others
	Size  int64   // of the layer, in bytes
	Put           // of finished layers and of Staged
	Ref   string  // of Current and Committed: what Commit returns
}

// EventKind tells what an [Event] is about.
type EventKind int

// The kinds of events, in the order in which they come.
const (
	Current       EventKind = iota + 1 // the sink holds the content under all tags, so nothing else comes of it
	LayerStarted                       // the sink lacks the layer, so it goes there
	LayerFinished                      // it is there; How says by what way
	Staged                             // configs, manifests and index are there, no tag yet
	Committed                          // the tags name the content
)

const defaultJobs = 4

type push struct {
	o  PushOptions
	mu sync.Mutex
}

// current returns the references of the sinks that hold the content already, and ""
// for the others.
func (p *push) current(ctx context.Context, c Content, sinks []Sink, tags []string) ([]string, error) {
	refs := make([]string, len(sinks))
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range sinks {
		g.Go(func() (err error) {
			if refs[i], err = s.Holds(ctx, c, tags); err != nil {
				return err
			}
			if refs[i] != "" {
				p.report(Event{Kind: Current, Sink: s.Name(), Ref: refs[i]})
			}
			// By its methods, since callers embed a Registry in types of their own.
			r, ok := s.(interface {
				remember(c Content) error
				dropped(ctx context.Context, c Content, tags []string) []string
			})
			if !ok {
				return nil
			}
			if refs[i] == "" && p.o.Warn != nil {
				p.warn(r.dropped(ctx, c, tags))
			}
			return r.remember(c)
		})
	}
	return refs, g.Wait()
}

func (p *push) report(e Event) {
	if p.o.Report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.o.Report(e)
}

func (p *push) warn(sentences []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range sentences {
		p.o.Warn(s)
	}
}

// sizedLayer is a layer with what the manifest says of it.
type sizedLayer struct {
	v1.Layer
	digest v1.Hash
	size   int64
}

// largestFirst returns the layers of the images, each digest once: the long transfers
// begin first, the short ones fill the gaps.
func largestFirst(images []v1.Image) ([]sizedLayer, error) {
	seen := map[v1.Hash]bool{}
	var all []sizedLayer
	for _, img := range images {
		layers, err := sizedLayers(img)
		if err != nil {
			return nil, err
		}
		for _, l := range layers {
			if !seen[l.digest] {
				all = append(all, l)
			}
			seen[l.digest] = true
		}
	}
	slices.SortStableFunc(all, func(a, b sizedLayer) int { return cmp.Compare(b.size, a.size) })
	return all, nil
}

func sizedLayers(img v1.Image) ([]sizedLayer, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the layers of the image: %w", err)
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the manifest of the image: %w", err)
	}
	if len(m.Layers) != len(layers) {
		return nil, fmt.Errorf("the image has %d layers and its manifest %d", len(layers), len(m.Layers))
	}
	sized := make([]sizedLayer, len(layers))
	for i, l := range layers {
		sized[i] = sizedLayer{Layer: l, digest: m.Layers[i].Digest, size: m.Layers[i].Size}
	}
	return sized, nil
}

func (p *push) layers(ctx context.Context, c Content, sinks []Sink) error {
	images, err := c.images()
	if err != nil {
		return err
	}
	layers, err := largestFirst(images)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.o.Jobs)
	for _, l := range layers {
		for _, s := range sinks {
			g.Go(func() error { return p.layer(ctx, s, l) })
		}
	}
	return g.Wait()
}

func (p *push) layer(ctx context.Context, s Sink, l sizedLayer) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	e := Event{Sink: s.Name(), Layer: l.digest, Size: l.size}
	put, err := p.putLayer(ctx, s, l, e)
	if err != nil {
		return err
	}
	e.Kind, e.Put = LayerFinished, put
	p.report(e)
	return nil
}

func (p *push) putLayer(ctx context.Context, s Sink, l sizedLayer, e Event) (Put, error) {
	skip, err := foreign(l.Layer)
	if err != nil {
		return Put{}, err
	}
	if !skip { // of a foreign layer only the sink knows whether it is wanted
		has, err := s.Has(ctx, l.digest)
		if err != nil {
			return Put{}, err
		}
		if has {
			return Put{How: Exists}, nil
		}
		e.Kind = LayerStarted
		p.report(e)
	}
	return s.PutLayer(ctx, l.Layer)
}

func (p *push) stage(ctx context.Context, c Content, sinks []Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.o.Jobs)
	for _, s := range sinks {
		g.Go(func() error {
			put, err := s.Stage(ctx, c)
			if err == nil {
				p.report(Event{Kind: Staged, Sink: s.Name(), Put: put})
			}
			return err
		})
	}
	return g.Wait()
}

// commit moves the tags of the sinks that have no reference in refs yet, and fills
// those in.
func (p *push) commit(ctx context.Context, c Content, sinks []Sink, tags, refs []string) error {
	var done []string
	for i, s := range sinks {
		if refs[i] != "" {
			continue
		}
		ref, err := s.Commit(ctx, c, tags)
		if err != nil {
			return finishedBefore(err, done)
		}
		refs[i] = ref
		done = append(done, ref)
		p.report(Event{Kind: Committed, Sink: s.Name(), Ref: ref})
	}
	return nil
}

// finishedBefore adds to err which sinks have their tags already.
func finishedBefore(err error, refs []string) error {
	if len(refs) == 0 {
		return err
	}
	var tag *TagError
	if errors.As(err, &tag) {
		full := *tag
		full.Done = refs
		return &full
	}
	return fmt.Errorf("%w; finished before: %s", err, listOrNone(refs))
}
