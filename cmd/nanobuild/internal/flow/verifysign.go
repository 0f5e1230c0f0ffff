//go:build !nosign

package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// verifier reads the key or the trusted root; nil where no signature is asked for.
func (o VerifyOptions) verifier(ctx context.Context, d Deps) (sign.Verifier, error) {
	p := o.Asked
	if p.Unsigned {
		return nil, nil //nolint:nilnil // nobody's word counts
	}
	trusted, err := readSmall("--trusted-root", p.TrustedRoot, d, maxSettings)
	if err != nil {
		return nil, at(StageUsage, err)
	}
	annotations := map[string]string{}
	for _, a := range p.Annotations {
		name, value, _ := strings.Cut(a, "=")
		if old, ok := annotations[name]; ok && old != value {
			return nil, at(StageUsage, fmt.Errorf("--annotation asks for %s=%s and for %s, and a signature has one value; leave one out", name, old, a))
		}
		annotations[name] = value
	}
	v, err := sign.NewVerifier(ctx, sign.VerifierOptions{
		Key: p.Key, Identity: p.Identity, IdentityRegexp: p.IdentityRegexp, Issuer: p.Issuer, IssuerRegexp: p.IssuerRegexp,
		TrustedRoot: trusted, RequireLog: p.RequireLog, Annotations: annotations, Environment: environmentOf(d),
	})
	if err != nil {
		// A key that cannot be had refuses no image.
		return nil, at(StageUsage, err)
	}
	return v, nil
}

// signature checks whether a manifest is signed; nil is not, or not asked.
func (r *verifyRun) signature(ctx context.Context, m manifest) (*sign.Verified, error) {
	if r.verifier == nil {
		r.skip(m, CheckSignature, "not asked: --unsigned; anybody may have made this image")
		return nil, nil //nolint:nilnil // nothing is known of it
	}
	verified, err := r.verifier.Verify(ctx, r.repo, m.digest)
	var refused *sign.VerifyError
	switch {
	case errors.As(err, &refused):
		r.add(m, Check{Name: CheckSignature, Verdict: Failed, Reason: string(refused.Reason), Detail: whyAndTry(refused.Why, refused.Try)})
		return nil, nil //nolint:nilnil // it is not signed
	case err != nil:
		return nil, at(StageBase, fmt.Errorf("verify %s@%s: %w", r.repo.Name(), m.digest, err))
	}
	r.found.Signatures = append(r.found.Signatures, VerifiedManifest{m.digestText(), verified})
	r.add(m, Check{Name: CheckSignature, Verdict: Passed, Detail: r.signers(verified)})
	return verified, nil
}

// signers says whose signatures are valid.
func (r *verifyRun) signers(v *sign.Verified) string {
	all := make([]string, 0, len(v.Signatures)+len(v.Refused))
	for _, s := range v.Signatures {
		text := "signed with the key " + r.Asked.Key
		if s.Identity != "" {
			text = fmt.Sprintf("signed by %s, for whom %s vouches", builder.Printable(s.Identity), builder.Printable(s.Issuer))
		}
		if s.Logged {
			text += ", in a transparency log"
		}
		if s.Time != 0 {
			text += " at " + time.Unix(s.Time, 0).UTC().Format(time.RFC3339)
		}
		all = append(all, text)
	}
	for _, ignored := range v.Refused {
		all = append(all, "ignored "+builder.Printable(ignored.What)+": "+builder.Printable(ignored.Why))
	}
	return strings.Join(all, "; ")
}

// attestations checks what must be attested of an image.
func (r *verifyRun) attestations(m manifest, v *sign.Verified) {
	for _, wanted := range r.Asked.Require {
		c := Check{Name: CheckAttestation, Wanted: wanted, Verdict: Failed}
		found := attested(v, typesOf(wanted)...)
		switch {
		case v == nil:
			c.Detail = "not looked at, since the image has no valid signature"
		case wanted == policy.SBOM && len(found) > 0 && !slices.ContainsFunc(found, isSBOM):
			c.Detail = builder.Printable(found[0].PredicateType) + " is attested, and what it says is no such document; attest it with " + howToAttest(wanted)
		case len(found) == 0:
			c.Detail = fmt.Sprintf("there is none by this signer; attested: %s; attest it with %s", typesText(v), howToAttest(wanted))
		default:
			c.Verdict, c.Detail = Passed, builder.Printable(found[0].PredicateType)
		}
		r.add(m, c)
	}
}

// isSBOM says whether an attestation holds a document of the type that it says.
func isSBOM(a sign.Attestation) bool {
	s, err := sbomStatement(a.Predicate)
	return err == nil && s.PredicateType == a.PredicateType
}

// typesOf are the types of predicates that satisfy what was asked for.
func typesOf(wanted string) []string {
	switch wanted {
	case policy.SBOM:
		return []string{sign.PredicateSPDX, sign.PredicateCycloneDX}
	case policy.Provenance:
		return []string{sign.PredicateSLSA}
	}
	return []string{wanted}
}

func attested(v *sign.Verified, types ...string) []sign.Attestation {
	if v == nil {
		return nil
	}
	var found []sign.Attestation
	for _, t := range types {
		for _, a := range v.Attestations {
			if a.PredicateType == t {
				found = append(found, a)
			}
		}
	}
	return found
}

// typesText lists what is attested.
func typesText(v *sign.Verified) string {
	all := make([]string, 0, len(v.Attestations))
	for _, a := range v.Attestations {
		all = append(all, builder.Printable(a.PredicateType))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

func howToAttest(wanted string) string {
	switch wanted {
	case policy.SBOM:
		return "nanobuild publish --attest-sbom"
	case policy.Provenance:
		return "nanobuild publish --attest-provenance"
	}
	return "cosign attest --type " + wanted
}

// whyAndTry puts what happened and what to do together.
func whyAndTry(why, try string) string {
	if try = strings.TrimSuffix(try, "."); try == "" {
		return why
	}
	if first, _, _ := strings.Cut(try, " "); len(first) > 1 && first[1:] == strings.ToLower(first[1:]) { // a word, and no name
		try = strings.ToLower(first) + try[len(first):]
	}
	return why + "; " + try
}
