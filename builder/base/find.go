package base

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// find returns the entry of index.json that want selects: by digest, which may
// be that of an entry of a list too; by name, a whole one before a tag; or the
// only one there is. Entries with one digest are one.
func (l *local) find(ctx context.Context, entries []v1.Descriptor, want selection) (v1.Descriptor, error) {
	if want.digest != nil {
		return l.findDigest(ctx, entries, *want.digest)
	}
	match := entries
	if want.name != "" {
		match = only(entries, func(d v1.Descriptor) bool { return slices.Contains(names(d), want.name) })
		if len(match) == 0 {
			match = only(entries, func(d v1.Descriptor) bool { return hasName(d, want.name) })
		}
	}
	match = only(match, func(d v1.Descriptor) bool { return !isAttestation(d) })
	switch len(distinct(match)) {
	case 1:
		return match[0], nil
	case 0:
		if want.name != "" {
			return v1.Descriptor{}, fmt.Errorf("%w: no image %q in it; it holds %s", ErrNotFound, want.name, list(entries))
		}
		return v1.Descriptor{}, fmt.Errorf("%w: it holds no image", ErrNotFound)
	}
	return v1.Descriptor{}, fmt.Errorf("it holds several images: choose one of %s by %s", list(match), howTo(l.given, match))
}

func (l *local) findDigest(ctx context.Context, entries []v1.Descriptor, want v1.Hash) (v1.Descriptor, error) {
	for _, d := range entries {
		if d.Digest == want {
			return d, nil
		}
	}
	looked := map[v1.Hash]bool{}
	for _, d := range entries {
		if looked[d.Digest] || !d.MediaType.IsIndex() || !l.has(d) {
			continue
		}
		if looked[d.Digest] = true; len(looked) > maxLookups {
			return v1.Descriptor{}, fmt.Errorf("%w: no image %s in the first %d lists in it", ErrNotFound, want, maxLookups)
		}
		doc, err := l.manifest(ctx, d)
		if err != nil {
			return v1.Descriptor{}, err
		}
		if doc.index == nil {
			continue
		}
		for _, child := range doc.index.Manifests {
			if child.Digest == want {
				return child, nil
			}
		}
	}
	return v1.Descriptor{}, fmt.Errorf("%w: no image %s in it; it holds %s", ErrNotFound, want, list(entries))
}

// howTo shows how the first of several images is named.
func howTo(given string, match []v1.Descriptor) string {
	if n := names(match[0]); len(n) > 0 && strings.HasPrefix(given, "oci:") {
		return fmt.Sprintf("its name, such as %s:%s", given, clip(n[0]))
	}
	return fmt.Sprintf("its digest, such as %s@%s", given, match[0].Digest)
}

func only(all []v1.Descriptor, keep func(v1.Descriptor) bool) []v1.Descriptor {
	var kept []v1.Descriptor
	for _, d := range all {
		if keep(d) {
			kept = append(kept, d)
		}
	}
	return kept
}

func distinct(all []v1.Descriptor) map[v1.Hash]bool {
	m := map[v1.Hash]bool{}
	for _, d := range all {
		m[d.Digest] = true
	}
	return m
}

// list writes entries by name, else by digest.
func list(all []v1.Descriptor) string {
	var s []string
	for _, d := range all {
		if n := names(d); len(n) > 0 {
			s = append(s, n[0])
		} else {
			s = append(s, d.Digest.String())
		}
	}
	if len(s) == 0 {
		return "nothing"
	}
	slices.Sort(s)
	return some(slices.Compact(s))
}

// Bounds on what a message shows of foreign lists and names.
const (
	maxShown = 20
	maxName  = 300 // bytes
)

// some joins texts, of many the first.
func some(all []string) string {
	more := ""
	if n := len(all) - maxShown; n > 0 {
		all, more = all[:maxShown], fmt.Sprintf(" and %d more", n)
	}
	shown := make([]string, len(all))
	for i, s := range all {
		shown[i] = clip(s)
	}
	return strings.Join(shown, ", ") + more
}

// clip cuts a long text.
func clip(s string) string {
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "") + "…"
	}
	return s
}
