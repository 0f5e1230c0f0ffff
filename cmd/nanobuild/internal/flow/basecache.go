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
}

type resolution struct {
	once sync.Once
	base *base.Base
	err  error
}

// get returns the base. The context must be that of the whole run: the layers of
// a base in a registry are read with it later.
func (b *bases) get(ctx context.Context, ref string) (*base.Base, error) {
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
	r.once.Do(func() {
		r.base, r.err = base.Resolve(ctx, ref, b.options)
		if r.err == nil {
			b.announce(r.base)
		}
	})
	return r.base, at(StageBase, r.err)
}

func (b *bases) announce(found *base.Base) {
	b.log.Info(fmt.Sprintf("base %s: %s", found.Name, found.Digest), "base", found.Name, "digest", found.Digest.String())
	for _, w := range found.Warnings {
		b.log.Warn(w)
	}
}
