package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/sign"
)

// setUpSigning opens the key before anything is built, and finds contradictions.
func (r *run) setUpSigning(ctx context.Context) error {
	if err := r.Describe.check(r.Signing.asked(), max(len(r.Projects), 1)); err != nil {
		return at(StageUsage, err)
	}
	if r.Signing.asked() && r.Targets.NoPush {
		return at(StageUsage, errors.New("signatures lie in a registry, and --push=false leaves it alone; push later, and sign then with: nanobuild sign IMAGE@DIGEST"))
	}
	if t := r.Targets; r.Signing.asked() && t.Repo == "" && len(t.Layouts)+len(t.Tarballs) > 0 {
		return at(StageUsage, errors.New("signatures lie in a registry, and files alone are named; add --repo, or push later, and sign then with: nanobuild sign IMAGE@DIGEST"))
	}
	var err error
	if r.signer, err = r.Signing.signer(ctx, r.Deps); err != nil {
		return err
	}
	// Who signs vouches for every byte, and a record is the word of an earlier run.
	r.Recompute = r.Recompute || r.signer != nil
	return r.Signing.checkToken(ctx, r.Deps)
}

// checkSignable refuses, before it is built, an image that goes to no registry.
func (r *run) checkSignable(p *project) error {
	if r.signer == nil || p.registry() != nil {
		return nil
	}
	return fmt.Errorf("%s goes to no registry, and signatures lie in one; add --repo, or push later and sign then with: nanobuild sign IMAGE@DIGEST", p.argument)
}

// registry is the repository that the project's image is pushed to; nil where there is
// none.
func (p *project) registry() *destination {
	for _, s := range p.goal.sinks {
		if d, ok := s.(*destination); ok {
			return d
		}
	}
	return nil
}

// sign signs what was pushed: each image, and the index where there are several, which
// may be one that has more images than ours.
func (r *run) sign(ctx context.Context, p *project, ref string, digest v1.Hash) error {
	if r.signer == nil {
		return nil
	}
	ours, err := r.statementsOf(p, digest)
	if err != nil {
		return unsignedError(ref, err)
	}
	s := &signatory{
		signer: r.signer, repo: p.registry().Repository(), log: r.Log,
		said: func(d v1.Hash) ([]sign.Statement, error) { return ours[d], nil },
		only: func(d v1.Descriptor) bool { _, ok := ours[d.Digest]; return ok },
	}
	if err := s.all(ctx, digest); err != nil {
		return unsignedError(ref, err)
	}
	return nil
}

// statementsOf is what is said of each image of the project, and of the index when all
// its images are the project's.
func (r *run) statementsOf(p *project, digest v1.Hash) (map[v1.Hash][]sign.Statement, error) {
	all, err := r.describedBy(p, digest)
	if err != nil {
		return nil, err
	}
	said := map[v1.Hash][]sign.Statement{}
	for _, d := range all {
		if said[d.digest], err = r.said(p.description, d.bases); err != nil {
			return nil, err
		}
	}
	return said, nil
}

// digestIn is the digest that a reference ends in.
func digestIn(ref string) (v1.Hash, error) {
	return v1.NewHash(ref[strings.LastIndexByte(ref, '@')+1:])
}
