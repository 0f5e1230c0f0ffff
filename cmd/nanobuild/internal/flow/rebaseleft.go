package flow

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// cosignTags are the ends of the tags under which cosign keeps things about a digest.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery
func cosignTags() map[string]string {
	return map[string]string{".sig": "a signature", ".att": "attestations", ".sbom": "an SBOM"}
}

// reportLeft tells what belongs to the old digest and not to the new one. What cannot
// be asked is no failure: the image itself is done.
func (r *rebaseRun) reportLeft(ctx context.Context, t rebaseTarget, repo *distribution.Repository, plan *rebasePlan) {
	found := make([][]string, len(plan.replaced))
	g := errgroup.Group{}
	for i, digest := range plan.replaced {
		g.Go(func() error {
			found[i] = r.about(ctx, repo, digest)
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	remedy := "sign the new image with --sign-key or --sign-keyless, and attest it anew"
	if r.signer != nil {
		remedy = "the new image is signed; attest it anew"
	}
	for i, digest := range plan.replaced {
		if len(found[i]) > 0 {
			r.Log.Warn(fmt.Sprintf("%s: not carried over from %s: %s; %s", t.text, digest, strings.Join(found[i], ", "), remedy))
		}
	}
}

// about returns what the registry keeps about a digest.
func (r *rebaseRun) about(ctx context.Context, repo *distribution.Repository, digest v1.Hash) []string {
	var all []string
	for _, end := range []string{".sig", ".att", ".sbom"} {
		held, err := repo.Head(ctx, digest.Algorithm+"-"+digest.Hex+end)
		if err == nil && held.Digest != (v1.Hash{}) {
			all = append(all, cosignTags()[end])
		}
		if err != nil {
			r.Log.Debug(fmt.Sprintf("what belongs to %s is not known: %v", digest, err))
		}
	}
	kinds, err := repo.Referrers(ctx, digest)
	if err != nil {
		r.Log.Debug(fmt.Sprintf("what refers to %s is not known: %v", digest, err))
	}
	for _, kind := range kinds {
		if kind == "" {
			kind = "of an unknown type"
		}
		all = append(all, "an artifact "+builder.Printable(kind))
	}
	return all
}
