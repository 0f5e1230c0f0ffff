package distribution

import (
	"context"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Referrers returns what kinds of artifacts the registry has about a manifest, such as
// "application/vnd.dev.sigstore.bundle.v0.3+json", each once, from
// [Repository.ListReferrers].
func (r *Repository) Referrers(ctx context.Context, manifest v1.Hash) ([]string, error) {
	found, err := r.ListReferrers(ctx, manifest)
	var kinds []string
	for _, d := range found {
		if kind := shorten(d.ArtifactType); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds, err
}

// ListReferrers returns the manifests that name another one as their subject, in the
// registry's order, each once. It asks the registry's own list and the tag that stands
// for it where there is none; both, because some registries have a list and do not put
// into it what they are sent. What the entries say of type and annotations is
// the registry's word. For a repository that we push to, a 403 for the tag reads as
// nothing where the registry has a list of its own. It fails where the registry does not
// answer or wants other credentials, and with a [ListError] where there are more than anybody reads.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
func (r *Repository) ListReferrers(ctx context.Context, manifest v1.Hash) ([]v1.Descriptor, error) {
	found, err := r.listReferrers(ctx, manifest)
	return found, r.explain(ctx, "look for what refers to "+manifest.String()+" in", err)
}

func (r *Repository) listReferrers(ctx context.Context, manifest v1.Hash) ([]v1.Descriptor, error) {
	found, served, err := r.servedReferrers(ctx, manifest)
	if err != nil {
		return nil, err
	}
	tagged, err := r.taggedReferrers(ctx, manifest)
	var hidden *hiddenError
	if served && errors.As(err, &hidden) {
		err = nil // nobody needs the tag there
	}
	return merged(found, tagged.entries), err
}

// merged returns the entries of a and those of b that a has not.
func merged(a, b []v1.Descriptor) []v1.Descriptor {
	seen := make(map[v1.Hash]bool, len(a)+len(b))
	var all []v1.Descriptor
	for _, d := range slices.Concat(a, b) {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			all = append(all, d)
		}
	}
	return all
}

func lists(entries []v1.Descriptor, digest v1.Hash) bool {
	return slices.ContainsFunc(entries, func(d v1.Descriptor) bool { return d.Digest == digest })
}
