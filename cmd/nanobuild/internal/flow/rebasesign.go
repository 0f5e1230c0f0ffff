package flow

import (
	"context"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/sign"
)

// sign signs the result of a rebase. What was attested of the image before is not true
// of it.
func (r *rebaseRun) sign(ctx context.Context, t rebaseTarget, plan *rebasePlan, ref string) error {
	if r.signer == nil {
		return nil
	}
	digest, err := digestIn(ref)
	if err != nil {
		return err
	}
	sink, err := r.sink(t.ref.Context(), false)
	if err != nil {
		return at(StagePush, err)
	}
	s := &signatory{
		signer: r.signer, repo: sink.Repository(), log: r.Log,
		said: func(v1.Hash) ([]sign.Statement, error) { return nil, nil },
		only: func(d v1.Descriptor) bool { return slices.Contains(plan.images, d.Digest) },
	}
	if err := s.all(ctx, digest); err != nil {
		return unsignedError(ref, err)
	}
	return nil
}
