package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// mergeTries is how often a tag's index is merged when others move the tag meanwhile:
// a matrix of jobs, one per Windows version, ends at about the same time.
const mergeTries = 5

// merging is the Commit of a merge.
type merging struct {
	*Registry
	content Content
	parts   []*document
	from    map[string]v1.Hash   // by tag, what its index was merged from
	indexes map[string]*document // by tag, what it is to name
	moved   []string             // the tags that are done, those of single images included
}

// commitMerge has each tag name what merge makes of the index that it names.
//
// A registry knows no "only if unchanged". So everything else is done first, then the
// tag is looked at once more right before it is moved, and again after: who finds that
// another run came between merges again. What comes and is done within the one round
// trip between the look and the move is lost, and neither side learns of it.
func (r *Registry) commitMerge(ctx context.Context, c Content, tags []string) (string, error) {
	if len(tags) == 0 {
		return "", &UsageError{What: "tag", Reason: "an index is found by its tag, and none is given", Try: "-t latest"}
	}
	parts, err := c.parts()
	if err != nil {
		return "", fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if _, err := r.stageAll(ctx, parts); err != nil {
		return "", err
	}
	m := &merging{Registry: r, content: c, parts: parts, from: map[string]v1.Hash{}, indexes: map[string]*document{}}
	open := slices.Compact(slices.Sorted(slices.Values(tags)))
	for range mergeTries {
		if open, err = m.round(ctx, open); err != nil {
			return "", err
		}
		if len(open) == 0 {
			return r.ref(m.indexes[tags[0]].digest), nil
		}
	}
	return "", &TagError{
		Name: r.repo.Name(), Moved: m.moved, Failed: open[0], Left: open[1:],
		Err: fmt.Errorf("each of %d times that the images were merged into its index, another push moved it at the same moment; run again when the other is done", mergeTries),
	}
}

// round merges into the index of each tag and moves the tags when all indexes are
// there. It returns the tags for which that has to be done again.
func (m *merging) round(ctx context.Context, tags []string) ([]string, error) {
	var platforms, wanted []naming
	for _, tag := range tags {
		index, err := m.merged(ctx, m.content, m.parts, tag)
		if err != nil {
			return nil, m.stopped(err, tag, tags)
		}
		m.indexes[tag], m.from[tag] = index, m.named(tag).Digest
		wanted = append(wanted, naming{tag: tag, doc: index})
		platforms = append(platforms, platformNamings(m.parts, tag)...)
	}
	wanted = m.behind(wanted)
	for _, n := range wanted {
		if err := m.putIndex(ctx, n.doc); err != nil {
			return nil, m.stopped(err, n.tag, tags)
		}
	}
	if err := m.look(ctx, fullNames(platforms)); err != nil {
		return nil, m.stopped(err, tags[0], tags)
	}
	moved, err := m.move(ctx, append(m.behind(platforms), wanted...), m.unchanged)
	if err != nil {
		return nil, m.stopped(err, "", nil)
	}
	return m.overtaken(ctx, fullNames(wanted), moved)
}

// putIndex puts an index under its digest, unless it is known to be there.
func (m *merging) putIndex(ctx context.Context, index *document) error {
	if m.hasManifest(index.digest) {
		return nil
	}
	if _, err := m.putManifest(ctx, index.digest.String(), index); err != nil {
		return err
	}
	m.gotManifest(index)
	return nil
}

// unchanged tells whether the tag still names what its index was merged from. The tags
// of single images may be moved whatever they name.
func (m *merging) unchanged(ctx context.Context, n naming) (bool, error) {
	if n.suffix != "" {
		return true, nil
	}
	held, err := m.remote.Head(ctx, n.tag)
	return held.Digest == m.from[n.tag], err
}

// overtaken returns those of the tags that were changed by others, before they were
// to be moved or after. The others of moved are done.
func (m *merging) overtaken(ctx context.Context, tags, moved []string) (open []string, err error) {
	for _, tag := range tags {
		if !slices.Contains(moved, tag) {
			open = append(open, tag)
		}
	}
	for _, tag := range tags {
		if slices.Contains(open, tag) {
			continue
		}
		held, herr := m.remote.HeadAfter(ctx, tag, m.from[tag])
		switch {
		case herr != nil && err == nil:
			err = &TagError{Name: m.repo.Name(), Failed: tag, Err: fmt.Errorf(
				"it was moved, but nobody can tell whether another push moved it at the same moment: %w; run again to be sure", herr)}
		case herr == nil && held.Digest != m.indexes[tag].digest:
			open = append(open, tag)
			moved = without(moved, tag)
		}
	}
	m.moved = append(m.moved, moved...)
	return open, m.stopped(err, "", open)
}

// stopped adds to an error of one of the tags which were moved before. One of the
// first round that moved nothing stays as it is.
func (m *merging) stopped(err error, tag string, tags []string) error {
	var failed *TagError
	switch {
	case errors.As(err, &failed):
		full := *failed
		full.Moved = append(slices.Clone(m.moved), failed.Moved...)
		full.Left = append(slices.Clone(failed.Left), without(tags, tag)...)
		return &full
	case err == nil || len(m.moved) == 0:
		return err
	}
	return &TagError{Name: m.repo.Name(), Moved: m.moved, Failed: tag, Left: without(tags, tag), Err: err}
}

// without returns the tags but for one.
func without(tags []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return tag == one })
}
