//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// annotationPredicateType is the annotation of layers under the tag .att that names what
// they say.
const annotationPredicateType = "predicateType"

func (j *signing) tags(ctx context.Context) (done Signed, err error) {
	bundled, err := hasBundle(ctx, j.repo, j.subject.Digest)
	if err != nil {
		return done, err
	}
	if bundled {
		return done, &MixedError{Subject: j.String(), Has: Bundle, Asks: Tags}
	}
	payload, err := j.payload()
	if err != nil {
		return done, j.explain("sign", err)
	}
	added, err := updateTag(ctx, j.repo, j.subject.Digest, suffixSignatures, j.addSignature(ctx, payload))
	done.Signature = added > 0
	if err != nil || len(j.wanted) == 0 {
		return done, err
	}
	var refused error
	done.Attestations, err = updateTag(ctx, j.repo, j.subject.Digest, suffixAttestations, func(found []artifact) (all []artifact, added int, err error) {
		all, added, refused = j.addAttestations(ctx, found, refused)
		return all, added, context.Cause(ctx)
	})
	return done, errors.Join(err, refused)
}

// addSignature adds the signature of a payload to those that are there, once.
func (j *signing) addSignature(ctx context.Context, payload []byte) update {
	var mine *made
	return func(found []artifact) ([]artifact, int, error) {
		if slices.ContainsFunc(found, func(a artifact) bool { return bytes.Equal(a.content, payload) && j.scheme.signed(a) }) {
			return nil, 0, nil
		}
		if mine == nil {
			m, err := j.scheme.sign(ctx, payload)
			if err != nil {
				return nil, 0, j.explain("sign", err)
			}
			mine = &m
		}
		annotations := maps.Clone(mine.annotations)
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[static.SignatureAnnotationKey] = base64.StdEncoding.EncodeToString(mine.content)
		return appendArtifact(found, payload, ctypes.SimpleSigningMediaType, annotations)
	}
}

// update returns all that is to be there, and how much of it is new. Nothing is written
// for 0.
type update func(found []artifact) (all []artifact, added int, err error)

func appendArtifact(found []artifact, content []byte, mt types.MediaType, annotations map[string]string) ([]artifact, int, error) {
	desc, err := describe(content, mt, annotations)
	return append(slices.Clone(found), artifact{desc: desc, content: content}), 1, err
}

// tagWrites is how often a tag is written when others write it at the same time.
const tagWrites = 5

// updateTag reads what lies under a tag and writes it anew, again when somebody else
// wrote it meanwhile: a registry has no lock for that.
func updateTag(ctx context.Context, repo *distribution.Repository, subject v1.Hash, suffix string, f update) (added int, err error) {
	for range tagWrites {
		found, at, err := readTag(ctx, repo, subject, suffix)
		if err != nil {
			return 0, explainHidden(err)
		}
		all, n, err := f(found)
		if err != nil || n == 0 {
			return added, err
		}
		err = writeTag(ctx, repo, subject, suffix, all, at)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, errMoved) {
			return 0, err
		}
		added = n // should the next look show that they are there
	}
	return 0, fmt.Errorf("write the tag %s of %s: %w; run this again when they are done", tagName(subject, suffix), repo.Name(), errMoved)
}
