package publish

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Prepared is content that is in all its sinks, and not yet tagged in any.
type Prepared struct {
	push    *push
	content Content
	sinks   []Sink
	tags    []string
	refs    []string // of the sinks that held the content under all tags before
}

// Prepare brings content to all sinks: the layers of its images, each once, then
// configs and manifests, then the index, but no tag. A sink that holds the content
// under all tags is left alone. Where it fails, nothing that readers follow has
// changed. Tags that would name two things are a [UsageError].
func Prepare(ctx context.Context, c Content, sinks []Sink, tags []string, o PushOptions) (*Prepared, error) {
	if err := c.checkNames(tags); err != nil {
		return nil, err
	}
	if o.Jobs <= 0 {
		o.Jobs = defaultJobs
	}
	p := &Prepared{push: &push{o: o}, content: c, sinks: sinks, tags: tags}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Prepared) prepare(ctx context.Context) (err error) {
	if p.refs, err = p.push.current(ctx, p.content, p.sinks, p.tags); err != nil {
		return err
	}
	var behind []Sink
	for i, s := range p.sinks {
		if p.refs[i] == "" {
			behind = append(behind, s)
		}
	}
	if err := p.push.layers(ctx, p.content, behind); err != nil {
		return err
	}
	return p.push.stage(ctx, p.content, behind)
}

// Commit moves the tags, sink by sink, and returns what each Commit returned, in
// the order of sinks. A tag that is refused ends it with a [TagError], which says
// what has moved.
func (p *Prepared) Commit(ctx context.Context) ([]string, error) {
	if err := p.push.commit(ctx, p.content, p.sinks, p.tags, p.refs); err != nil {
		return nil, err
	}
	return p.refs, nil
}

// Close gives up what was not committed. It may be called after Commit, too.
func (p *Prepared) Close() error {
	errs := make([]error, 0, len(p.sinks))
	for _, s := range p.sinks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// PutLayer brings one layer to a sink ahead of its image, and reports it as
// Prepare does.
func PutLayer(ctx context.Context, s Sink, l v1.Layer, report func(Event)) error {
	digest, err := l.Digest()
	if err != nil {
		return fmt.Errorf("push a layer to %s: %w", s.Name(), err)
	}
	size, err := l.Size()
	if err != nil {
		return fmt.Errorf("push a layer to %s: %w", s.Name(), err)
	}
	p := &push{o: PushOptions{Report: report}}
	return p.layer(ctx, s, sizedLayer{Layer: l, digest: digest, size: size})
}
