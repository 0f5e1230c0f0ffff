package flow

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nanobuild/nanobuild/builder/base"
)

// bases resolves each base once, whoever asks first.
type bases struct {
	options base.Options
	log     *slog.Logger
	mu      sync.Mutex
	found   map[string]*resolution
	early   sync.WaitGroup
}

type resolution struct {
	once, told sync.Once
	base       *base.Base
	err        error
}

// get returns the base, and tells of it the first time. The context must be that
// of the whole run: the layers of a base in a registry are read with it later.
func (b *bases) get(ctx context.Context, ref string) (*base.Base, error) {
	r := b.resolve(ctx, ref)
	if r.err != nil {
		return nil, at(StageBase, r.err)
	}
	r.told.Do(func() { b.announce(r.base) })
	return r.base, nil
}

// prefetch begins to resolve a base that may be wanted later.
func (b *bases) prefetch(ctx context.Context, ref string) {
	b.early.Go(func() { b.resolve(ctx, ref) })
}

// wait waits for what prefetch began.
func (b *bases) wait() { b.early.Wait() }

func (b *bases) resolve(ctx context.Context, ref string) *resolution {
	b.mu.Lock()
	if b.found == nil {
		b.found = map[string]*resolution{}
	}
	name := base.Expand(ref)
	r, ok := b.found[name]
	if !ok {
		r = &resolution{}
		b.found[name] = r
	}
	b.mu.Unlock()
	r.once.Do(func() { r.base, r.err = base.Resolve(ctx, ref, b.options) })
	return r
}

func (b *bases) announce(found *base.Base) {
	b.log.Info(fmt.Sprintf("base %s: %s", found.Name, found.Digest), "base", found.Name, "digest", found.Digest.String())
	for _, w := range found.Warnings {
		b.log.Warn(w)
	}
}
