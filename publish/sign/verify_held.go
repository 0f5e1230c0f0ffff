//go:build !nosign

package sign

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// held is all that a repository has about one manifest.
type held struct {
	signatures   []artifact // of the tag .sig
	attestations []artifact // of the tag .att
	bundles      []bundle
}

// readHeld reads both formats, since only who has seen both knows which one counts.
func readHeld(ctx context.Context, repo *distribution.Repository, subject v1.Hash) (h held, err error) {
	if h.signatures, _, err = readTag(ctx, repo, subject, suffixSignatures); err != nil {
		return held{}, err
	}
	if h.attestations, _, err = readTag(ctx, repo, subject, suffixAttestations); err != nil {
		return held{}, err
	}
	if h.bundles, err = readBundles(ctx, repo, subject); err != nil {
		return held{}, err
	}
	return h, nil
}

func (h held) tagged() int { return len(h.signatures) + len(h.attestations) }

func (h held) mixed() bool { return h.tagged() > 0 && len(h.bundles) > 0 }

// mixedError refuses both formats on one image: of two verifiers, one would look at
// the tags and one at the bundles, and each would believe it saw everything.
func (h held) mixedError(name string) error {
	return &VerifyError{
		Subject: name, Reason: Mixed,
		Why: fmt.Sprintf("it has %s under the tags .sig and .att and %s, and verifiers look at one of both alone",
			count(h.tagged(), "signature or attestation", "signatures and attestations"), count(len(h.bundles), "bundle", "bundles")),
		Try: "delete those of one format from the registry; --sign-format says which one nanobuild writes.",
	}
}

func (h held) format() Format {
	if len(h.bundles) > 0 {
		return Bundle
	}
	return Tags
}

// evidence reads each piece, in the order in which they lie there.
func (h held) evidence() []*evidence {
	all := make([]*evidence, 0, h.tagged()+len(h.bundles))
	for _, a := range h.signatures {
		all = append(all, fromSignature(a))
	}
	for _, a := range h.attestations {
		all = append(all, fromAttestation(a))
	}
	for _, b := range h.bundles {
		all = append(all, fromBundle(b))
	}
	return all
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
