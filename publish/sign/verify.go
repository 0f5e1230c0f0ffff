//go:build !nosign

package sign

import (
	"context"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// NewVerifier reads the key or the trusted root. It fails where neither a key nor an
// identity with its issuer is given, or both are, and where a keyless verification has
// no trusted root. A reference of a KMS runs its program; nothing else leaves the
// machine.
//
// What was signed keyless needs an entry in a transparency log of the trusted root;
// where the root has no log, a timestamp by one of its authorities; and where it has
// logs of certificates, the proof of one of those in the certificate, as with cosign.
// What was signed by a key needs none of that, unless RequireLog asks for the entry.
//
// Regular expressions match anywhere, as cosign's do: begin them with ^ and end them
// with $ to match the whole.
func NewVerifier(ctx context.Context, o VerifierOptions) (Verifier, error) {
	t, err := newTrust(ctx, o)
	if err != nil {
		return nil, err
	}
	return &verifier{trust: t, annotations: maps.Clone(o.Annotations)}, nil
}

// verifier is what [NewVerifier] returns. Nothing in it changes.
type verifier struct {
	trust       *trust
	annotations map[string]string // that a signature must have
}

// Verify reads what the repository holds of the manifest and judges each piece of it by
// itself. Proofs of logs and authorities are read from the pieces: none of them is asked.
func (v *verifier) Verify(ctx context.Context, repo *distribution.Repository, subject v1.Hash) (*Verified, error) {
	held, err := readHeld(ctx, repo, subject)
	if err != nil {
		return nil, err
	}
	name := repo.Name().String() + "@" + subject.String()
	if held.mixed() {
		return nil, held.mixedError(name)
	}
	var all []outcome
	for _, e := range held.evidence() {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		all = append(all, v.examine(e, subject))
	}
	result, err := conclude(name, held.format(), all)
	if err != nil {
		return nil, v.advise(err)
	}
	return result, nil
}
