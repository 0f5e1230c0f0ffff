package publish

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// moveTags has each tag name what it is to name, or leaves them all where they were
// as far as the registry lets it. Tags that name something else go first, since those
// can be put back when another is refused; a new tag cannot be taken away everywhere.
func (r *Registry) moveTags(ctx context.Context, wanted []naming) error {
	open := r.behind(wanted)
	before := map[string]distribution.Held{}
	for i, n := range open {
		tag, want := n.full(), distribution.Held{Digest: n.doc.digest, MediaType: n.doc.mediaType}
		before[tag] = r.named(tag)
		if _, err := r.putManifest(ctx, tag, n.doc); err != nil {
			names, unsure := r.namesNow(ctx, tag, before[tag], err)
			if names == want.Digest {
				r.names(tag, want)
				continue // nobody heard of it
			}
			touched := open[:i]
			if names != before[tag].Digest { // it got something else
				touched = open[:i+1]
			}
			moved, back := r.putBack(ctx, fullNames(touched), before)
			return &TagError{
				Name: r.repo.Name(), Moved: moved, Back: back, Failed: tag, Left: fullNames(open[i+1:]), Err: err, Unsure: unsure,
			}
		}
		r.names(tag, want)
	}
	return nil
}

// namesNow returns what a tag names after it was to be moved and err came of that;
// unsure, where nobody can tell.
func (r *Registry) namesNow(ctx context.Context, tag string, before distribution.Held, err error) (digest v1.Hash, unsure bool) {
	switch {
	case ctx.Err() != nil:
		return before.Digest, true
	case !distribution.Unheard(err):
		return before.Digest, false
	}
	held, err := r.remote.Head(ctx, tag)
	if err != nil {
		return before.Digest, true
	}
	return held.Digest, false
}

// behind returns those of the tags that do not name what they should, each once, new
// ones last.
func (r *Registry) behind(wanted []naming) []naming {
	var old, fresh []naming
	seen := map[string]bool{}
	for _, n := range wanted {
		tag := n.full()
		held := r.named(tag).Digest
		if held == n.doc.digest || seen[tag] {
			continue
		}
		seen[tag] = true
		if held == (v1.Hash{}) {
			fresh = append(fresh, n)
		} else {
			old = append(old, n)
		}
	}
	return append(old, fresh...)
}

// backTime is the time in which tags are put back.
const backTime = 15 * time.Second

// putBack has the tags name what they named before, and returns those for which that
// was not to be done and those for which it was.
func (r *Registry) putBack(ctx context.Context, tags []string, before map[string]distribution.Held) (moved, back []string) {
	// Who interrupts a run wants no half of it either.
	ctx, enough := context.WithTimeout(context.WithoutCancel(ctx), backTime)
	defer enough()
	for _, tag := range tags {
		if r.restore(ctx, tag, before[tag].Digest) != nil {
			moved = append(moved, tag)
			continue
		}
		r.names(tag, before[tag])
		back = append(back, tag)
	}
	return moved, back
}

func (r *Registry) restore(ctx context.Context, tag string, old v1.Hash) error {
	if old == (v1.Hash{}) {
		return fmt.Errorf("%s is new", tag)
	}
	manifest, err := r.remote.Manifest(ctx, old.String())
	if err != nil {
		return err
	}
	return r.remote.PutManifest(ctx, tag, manifest.Content, manifest.MediaType)
}
