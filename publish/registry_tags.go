package publish

import (
	"context"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// moveTags has each tag name what it is to name, or leaves them all where they were
// as far as the registry lets it. Tags that name something else go first, since those
// can be put back when another is refused; a new tag cannot be taken away everywhere.
func (r *Registry) moveTags(ctx context.Context, wanted []naming) error {
	_, err := r.move(ctx, r.behind(wanted), func(context.Context, naming) (bool, error) { return true, nil })
	return err
}

// movedTag is a tag that was moved.
type movedTag struct {
	tag    string
	before distribution.Held
	names  v1.Hash
}

// move moves the tags in their order, but for those that may not be when their turn
// comes, and returns the ones that it moved. Where it fails they are put back.
func (r *Registry) move(ctx context.Context, open []naming, may func(context.Context, naming) (bool, error)) ([]string, error) {
	var moved []movedTag
	var tags, skipped []string
	for i, n := range open {
		m := movedTag{tag: n.full(), before: r.named(n.full()), names: n.doc.digest}
		fail := func(err error, unsure bool) error {
			moved, back := r.putBack(ctx, moved)
			left := append(skipped, fullNames(open[i+1:])...)
			return &TagError{Name: r.repo.Name(), Moved: moved, Back: back, Failed: m.tag, Left: left, Err: err, Unsure: unsure}
		}
		ok, err := may(ctx, n)
		if err != nil {
			return nil, fail(err, false)
		}
		if !ok {
			skipped = append(skipped, m.tag)
			continue
		}
		if _, err := r.putManifest(ctx, m.tag, n.doc); err != nil {
			names, unsure := r.namesNow(ctx, m.tag, m.before, err)
			if names != n.doc.digest {
				if m.names = names; names != m.before.Digest { // it got something else
					moved = append(moved, m)
				}
				return nil, fail(err, unsure)
			}
			// It was moved, and nobody heard of it.
		}
		r.names(m.tag, distribution.Held{Digest: n.doc.digest, MediaType: n.doc.mediaType})
		moved, tags = append(moved, m), append(tags, m.tag)
	}
	return tags, nil
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
func (r *Registry) putBack(ctx context.Context, tags []movedTag) (moved, back []string) {
	// Who interrupts a run wants no half of it either.
	ctx, enough := context.WithTimeout(context.WithoutCancel(ctx), backTime)
	defer enough()
	for _, m := range tags {
		if r.restore(ctx, m) != nil {
			moved = append(moved, m.tag)
			continue
		}
		r.names(m.tag, m.before)
		back = append(back, m.tag)
	}
	return moved, back
}

// restore leaves alone what another run has put there since.
func (r *Registry) restore(ctx context.Context, m movedTag) error {
	old := m.before.Digest
	if old == (v1.Hash{}) {
		return fmt.Errorf("%s is new", m.tag)
	}
	held, err := r.remote.Head(ctx, m.tag)
	if err == nil && !slices.Contains([]v1.Hash{{}, m.names, old}, held.Digest) {
		return fmt.Errorf("%s is another's now", m.tag)
	}
	manifest, err := r.remote.Manifest(ctx, old.String())
	if err != nil {
		return err
	}
	return r.remote.PutManifest(ctx, m.tag, manifest.Content, manifest.MediaType)
}
