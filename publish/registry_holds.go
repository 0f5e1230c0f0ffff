package publish

import (
	"context"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Holds implements [Sink] by one request per tag, all at once, and remembers the
// answers for Commit. Without tags it looks for the manifest itself. An answer that
// does not tell the digest counts as no. Where the tags name an index already, its
// images are looked for as well: jobs that clean up remove what no tag names. What an
// index is merged into is read by Commit.
func (r *Registry) Holds(ctx context.Context, c Content, tags []string) (string, error) {
	docs, err := c.all()
	if err != nil {
		return "", fmt.Errorf("read the manifest for %s: %w", r.repo, err)
	}
	if c.merge != nil {
		_, err := r.holdsParts(ctx, &document{parts: docs})
		return "", err
	}
	top := docs[0]
	wanted := top.namings(tags)
	if len(tags) == 0 {
		wanted = []naming{{tag: top.digest.String(), doc: top}}
	}
	if err := r.look(ctx, fullNames(wanted)); err != nil {
		return "", err
	}
	all := true
	for _, n := range wanted {
		held := r.named(n.full())
		if held.Digest != n.doc.digest {
			all = false
			continue
		}
		r.names(held.Digest.String(), held)
	}
	if !all {
		return "", nil
	}
	if all, err = r.holdsParts(ctx, top); err != nil || !all {
		return "", err
	}
	return r.ref(top.digest), nil
}

// holdsParts tells whether all that the index names and that came along is there.
func (r *Registry) holdsParts(ctx context.Context, index *document) (bool, error) {
	var digests []string
	for _, part := range index.parts {
		for _, d := range part.flat() {
			digests = append(digests, d.digest.String())
		}
	}
	if err := r.look(ctx, digests); err != nil {
		return false, err
	}
	for _, d := range digests {
		if r.named(d).Digest == (v1.Hash{}) {
			return false, nil
		}
	}
	return true, nil
}

// ref is what Commit returns for the manifest.
func (r *Registry) ref(digest v1.Hash) string { return r.repo.Digest(digest.String()).Name() }

func fullNames(wanted []naming) []string {
	names := make([]string, 0, len(wanted))
	for _, n := range wanted {
		names = append(names, n.full())
	}
	return names
}

// look finds out what those of refs name that were not looked at before.
func (r *Registry) look(ctx context.Context, refs []string) error {
	r.mu.Lock()
	known := maps.Clone(r.tags)
	r.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	for _, ref := range refs {
		if _, ok := known[ref]; ok {
			continue
		}
		known[ref] = distribution.Held{} // a tag given twice is asked for once
		g.Go(func() error {
			found, err := r.remote.Head(ctx, ref)
			if err == nil {
				r.names(ref, found)
			}
			return err
		})
	}
	return g.Wait()
}

// names notes what ref names now.
func (r *Registry) names(ref string, p distribution.Held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags[ref] = p
}

func (r *Registry) named(ref string) distribution.Held {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tags[ref]
}

// hasManifest tells whether the manifest or index was seen, or put, by this run.
func (r *Registry) hasManifest(digest v1.Hash) bool {
	return r.named(digest.String()).Digest == digest
}

func (r *Registry) gotManifest(d *document) {
	r.names(d.digest.String(), distribution.Held{Digest: d.digest, MediaType: d.mediaType})
}
