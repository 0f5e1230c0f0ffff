package distribution

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// HeadAfter is as [Repository.Head] for a ref that was put and named before until then.
// Registries of several machines may not see at once what they got: as long as the
// answer is before, or that nothing is there, it is asked for again as the [Policy]
// says. If it stays so, that is a [DamagedError].
func (r *Repository) HeadAfter(ctx context.Context, ref string, before v1.Hash) (Held, error) {
	var held Held
	var failed error
	err := r.try(ctx, func(ctx context.Context) error {
		held, failed = r.head(ctx, ref)
		if stale := held.Digest == (v1.Hash{}) || held.Digest == before; stale && failed == nil {
			return &DamagedError{What: "manifest " + ref, Why: "the registry took a new one and does not show it yet"}
		}
		return nil // an error of head, too, which has tries of its own
	})
	if err == nil {
		err = failed
	}
	return held, r.explain(ctx, "look for "+ref+" in", err)
}
