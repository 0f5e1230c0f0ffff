package flow

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// bases resolves each base once, whoever asks first.
type bases struct {
	options base.Options
	every   bool // all builds of a list
	log     *slog.Logger
	mu      sync.Mutex
	found   map[string]*resolution
	early   sync.WaitGroup
}

type resolution struct {
	once, told sync.Once
	bases      []*base.Base
	err        error
}

// get returns what the reference names, and tells of it the first time. The context
// must be that of the whole run: the layers of a base in a registry are read with it
// later.
func (b *bases) get(ctx context.Context, ref string) ([]*base.Base, error) {
	r := b.resolve(ctx, ref)
	if r.err != nil {
		return nil, at(StageBase, r.err)
	}
	r.told.Do(func() {
		for _, found := range r.bases {
			b.announce(found)
		}
	})
	return r.bases, nil
}

// all returns the bases of several references, each image once. They are asked for
// side by side.
func (b *bases) all(ctx context.Context, refs []string) ([]*base.Base, error) {
	for _, ref := range refs[1:] {
		b.prefetch(ctx, ref)
	}
	var all []*base.Base
	for _, ref := range refs {
		found, err := b.get(ctx, ref)
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			same, err := sameBuild(all, one)
			if err != nil {
				return nil, at(StageUsage, err)
			}
			if !same {
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// sameBuild says whether a base is among the others. Another one of the same build is
// an error: no host could be told which of two images it is to take.
func sameBuild(others []*base.Base, b *base.Base) (bool, error) {
	for _, o := range others {
		if o.Digest == b.Digest {
			return true, nil
		}
		if winver.BuildOf(o.OSVersion) == winver.BuildOf(b.OSVersion) {
			return false, fmt.Errorf("the bases %s (Windows %s) and %s (Windows %s) are of the same build, and an index holds one image for each; leave out one of --base",
				o.Name, o.OSVersion, b.Name, b.OSVersion)
		}
	}
	return false, nil
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
	r.once.Do(func() {
		if b.every {
			r.bases, r.err = base.ResolveAll(ctx, ref, b.options)
			return
		}
		var one *base.Base
		if one, r.err = base.Resolve(ctx, ref, b.options); r.err == nil {
			r.bases = []*base.Base{one}
		}
	})
	return r
}

func (b *bases) announce(found *base.Base) {
	b.log.Info(fmt.Sprintf("base %s: %s", found.Name, found.Digest), "base", found.Name, "digest", found.Digest.String())
	for _, w := range found.Warnings {
		b.log.Warn(w)
	}
}
