//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
)

// addAttestations adds what is wanted and not there. What the same key or identity
// said of the same type before makes room for it, as with cosign attest --replace.
// Refused are the errors of statements that could not be signed, now or before.
func (j *signing) addAttestations(ctx context.Context, found []artifact, refused error) ([]artifact, int, error) {
	old := make([]*claim, len(found)) // nil for those of others
	for i, a := range found {
		if st, ok := j.scheme.attested(a); ok {
			if s, ok := claimAlone(st, j.subject.Digest); ok {
				old[i] = &s
			}
		}
	}
	var added []artifact
	var replaced []string
	for i := range j.wanted {
		want := &j.wanted[i]
		if slices.ContainsFunc(old, func(s *claim) bool { return s != nil && want.same(*s) }) {
			continue
		}
		a, err := j.attest(ctx, want)
		if err != nil {
			refused = errors.Join(refused, err)
		}
		if want.made != nil {
			added = append(added, a)
			replaced = append(replaced, want.predicateType)
		}
	}
	all := make([]artifact, 0, len(found)+len(added))
	for i, a := range found {
		if s := old[i]; s == nil || !slices.Contains(replaced, s.predicateType) || slices.ContainsFunc(j.wanted, func(w wanted) bool { return w.same(*s) }) {
			all = append(all, a)
		}
	}
	return append(all, added...), len(added), refused
}

// attest returns the attestation of what is wanted, which is signed once. An error is
// returned once, too.
func (j *signing) attest(ctx context.Context, want *wanted) (artifact, error) {
	if want.failed {
		return artifact{}, nil
	}
	if want.made == nil {
		m, err := j.scheme.envelope(ctx, want.statement)
		if err != nil {
			want.failed = true
			return artifact{}, j.explain("attest "+want.predicateType+" of", err)
		}
		want.made = &m
	}
	annotations := maps.Clone(want.made.annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotationPredicateType] = want.predicateType
	annotations[static.SignatureAnnotationKey] = "" // it is in the envelope
	desc, err := describe(want.made.content, ctypes.DssePayloadType, annotations)
	return artifact{desc: desc, content: want.made.content}, err
}

// same tells whether something said is what is wanted, whatever the image was called.
func (w *wanted) same(s claim) bool {
	return s.predicateType == w.predicateType && bytes.Equal(s.predicate, bytes.TrimSpace(w.predicate)) && maps.Equal(s.annotations, w.annotations)
}
