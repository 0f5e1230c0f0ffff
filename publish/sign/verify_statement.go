//go:build !nosign

package sign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// claim is what a piece of evidence says of the image. It counts once the signature is
// verified.
type claim struct {
	predicateType string
	predicate     json.RawMessage
	annotations   map[string]string
}

// stated is an in-toto statement as it was signed.
//
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
type stated struct {
	Type          string          `json:"_type"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
	Subject       []struct {
		Name        string            `json:"name"`
		Digest      map[string]string `json:"digest"`
		Annotations map[string]any    `json:"annotations"`
	} `json:"subject"`
}

// maxSubjects is how many subjects a statement may have. It is what sigstore's own
// verifier takes.
const maxSubjects = 1024

func statementTypes() []string {
	return []string{"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
}

// readStatement reads a statement and fails where it is not a whole one: a signature
// over something else attests nothing.
func readStatement(raw []byte) (stated, error) {
	var s stated
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("what was signed is no statement: %w", err)
	}
	switch {
	case !slices.Contains(statementTypes(), s.Type):
		return s, fmt.Errorf("what was signed is no in-toto statement but of the type %s", shown(s.Type))
	case s.PredicateType == "":
		return s, fmt.Errorf("the signed statement does not say of which type its predicate is")
	case len(s.Subject) > maxSubjects:
		return s, fmt.Errorf("the signed statement has %d subjects, more than %d", len(s.Subject), maxSubjects)
	}
	predicate := bytes.TrimSpace(s.Predicate)
	none := len(predicate) == 0 || bytes.Equal(predicate, []byte("null"))
	if none && s.PredicateType == PredicateSign { // which says nothing more
		return s, nil
	}
	if none || predicate[0] != '{' {
		return s, fmt.Errorf("the predicate of the signed statement is no object")
	}
	return s, nil
}

// claim reads what the payload says of the image, and refuses what it says of others.
func (e *evidence) claim(image v1.Hash) (claim, *refusal) {
	if e.enveloped {
		return claimOfStatement(e.payload, image)
	}
	return claimOfPayload(e.payload, image)
}

func claimOfStatement(raw []byte, image v1.Hash) (claim, *refusal) {
	s, err := readStatement(raw)
	if err != nil {
		return claim{}, refuse(Tampered, "%v", err)
	}
	c := claim{predicateType: s.PredicateType, predicate: s.Predicate}
	var others []string
	found := false
	for _, subject := range s.Subject {
		hex := subject.Digest[image.Algorithm]
		if hex != image.Hex {
			others = append(others, hex)
			continue
		}
		found = true
		c.annotations = addTexts(c.annotations, subject.Annotations)
	}
	if !found {
		return c, refuse(OtherImage, "it is about %s and not about this one", images(image.Algorithm, others))
	}
	return c, nil
}

// images names what a statement is about.
func images(algorithm string, hexes []string) string {
	switch {
	case len(hexes) == 0:
		return "no image"
	case hexes[0] == "":
		return "something without a digest of " + algorithm
	case len(hexes) == 1:
		return "the image " + shown(algorithm+":"+hexes[0])
	}
	return fmt.Sprintf("the image %s and %d more", shown(algorithm+":"+hexes[0]), len(hexes)-1)
}

// claimOfPayload reads what a signature of the tag .sig is over. Whether it names the
// repository does not count, since images are copied.
//
// https://github.com/containers/image/blob/main/docs/containers-signature.5.md
func claimOfPayload(raw []byte, image v1.Hash) (claim, *refusal) {
	var p struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
			Type string `json:"type"`
		} `json:"critical"`
		Optional map[string]any `json:"optional"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return claim{}, refuse(Tampered, "what was signed is no payload of a signature: %v", err)
	}
	c := claim{predicateType: PredicateSign, annotations: addTexts(nil, p.Optional)}
	switch {
	case p.Critical.Type != payload.CosignSignatureType:
		return c, refuse(Tampered, "what was signed is no signature of an image but of the type %s", shown(p.Critical.Type))
	case p.Critical.Image.Digest != image.String():
		return c, refuse(OtherImage, "it is about the image %s and not about this one", shown(p.Critical.Image.Digest))
	}
	return c, nil
}

// addTexts adds those values that are texts; others are no annotations.
func addTexts(to map[string]string, from map[string]any) map[string]string {
	for name, value := range from {
		if text, ok := value.(string); ok {
			if to == nil {
				to = make(map[string]string, len(from))
			}
			to[name] = text
		}
	}
	return to
}
