//go:build !nosign

package sign

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// bundles signs by bundles. One with the predicate of a signature is the signature.
func (j *signing) bundles(ctx context.Context) (done Signed, err error) {
	for _, suffix := range []string{suffixSignatures, suffixAttestations} {
		held, err := j.repo.Head(ctx, tagName(j.subject.Digest, suffix))
		if err != nil {
			return done, err
		}
		if held.Digest != (v1.Hash{}) {
			return done, &MixedError{Subject: j.String(), Has: Tags, Asks: Bundle}
		}
	}
	known, old, err := j.known(ctx)
	if err != nil {
		return done, err
	}
	signature, err := j.signature()
	if err != nil {
		return done, j.explain("sign", err)
	}
	if !slices.ContainsFunc(old, signature.same) {
		if known, err = j.addBundle(ctx, "sign", &signature, known); err != nil {
			return done, err
		}
		done.Signature = true
	}
	var refused error
	for i := range j.wanted {
		want := &j.wanted[i]
		if slices.ContainsFunc(old, want.same) {
			continue
		}
		if known, err = j.addBundle(ctx, "attest "+want.predicateType+" of", want, known); err == nil {
			done.Attestations++
			old = append(old, want.claim)
		}
		if refused = errors.Join(refused, err); ctx.Err() != nil {
			break
		}
	}
	return done, refused
}

// known returns the entries of bundles, and what those say that are ours. Bundles that
// call themselves something that is not wanted are not read: nothing is ever replaced
// where each is a manifest of its own, and old ones become many.
func (j *signing) known(ctx context.Context) (entries []v1.Descriptor, old []claim, err error) {
	all, err := listBundles(ctx, j.repo, j.subject.Digest)
	if err != nil {
		return nil, nil, err
	}
	var maybeOurs []v1.Descriptor
	for _, d := range all {
		said := d.Annotations[annotationPredicate]
		if said == "" || said == PredicateSign || slices.ContainsFunc(j.wanted, func(w wanted) bool { return w.predicateType == said }) {
			maybeOurs = append(maybeOurs, d)
		} else if isBundle(d.ArtifactType) {
			entries = append(entries, d)
		}
	}
	found, err := loadBundles(ctx, j.repo, j.subject.Digest, maybeOurs)
	for _, b := range found {
		entries = append(entries, b.entry)
		if st, ok := j.scheme.bundled(b); ok {
			if c, ok := claimAlone(st, j.subject.Digest); ok {
				old = append(old, c)
			}
		}
	}
	return entries, old, err
}

// signature is the statement that the subject is signed. It has the annotations, since
// a bundle has no other place for them that is signed.
func (j *signing) signature() (wanted, error) {
	st := Statement{PredicateType: PredicateSign, Predicate: json.RawMessage("{}")}
	raw, err := statement(j.repo.Name().Name(), j.subject.Digest, st, j.annotations)
	return wanted{statement: raw, claim: claim{st.PredicateType, st.Predicate, j.annotations}}, err
}

// addBundle writes the bundle of what is wanted, and returns the entries with its own.
func (j *signing) addBundle(ctx context.Context, doing string, want *wanted, known []v1.Descriptor) ([]v1.Descriptor, error) {
	content, err := j.scheme.bundle(ctx, want.statement)
	if err != nil {
		return known, j.explain(doing, err)
	}
	entry, err := writeBundle(ctx, j.repo, j.subject, content, want.predicateType, known...)
	if err != nil {
		return known, err
	}
	return append(known, entry), nil
}
