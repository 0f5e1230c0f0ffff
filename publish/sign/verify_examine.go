//go:build !nosign

package sign

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// outcome is what became of one piece of evidence.
type outcome struct {
	evidence  *evidence
	claim     claim
	signature Signature
	refused   *refusal // nil where it counts
}

// examine decides about one piece. The library decides about signature, certificate
// and proofs; on top come what it does not look at: that the log's entry is about this
// very payload, and the annotations.
func (v *verifier) examine(e *evidence, image v1.Hash) outcome {
	o := outcome{evidence: e}
	if e.unreadable != nil {
		o.refused = refuse(Tampered, "%v", e.unreadable)
		return o
	}
	var wrong *refusal
	o.claim, wrong = e.claim(image)
	if e, o.refused = v.trust.sort(e); o.refused != nil {
		return o
	}
	if err := v.trust.decide(e, image); err != nil {
		if o.refused = v.trust.diagnose(e); o.refused == nil {
			o.refused = wrong
		}
		if o.refused == nil {
			o.refused = refuse(Untrusted, "%v", err)
		}
		return o
	}
	if o.refused = wrong; wrong != nil {
		return o
	}
	if o.signature, o.refused = v.trust.vouched(e); o.refused != nil {
		return o
	}
	o.signature.Annotations = o.claim.annotations
	if o.signs() {
		o.refused = v.lacking(o.claim.annotations)
	}
	return o
}

// signs says whether the piece signs the image and does not only say something of it.
func (o outcome) signs() bool {
	switch o.evidence.origin {
	case ofSignature:
		return true
	case ofAttestation:
		return false
	}
	return o.claim.predicateType == PredicateSign
}

// sort refuses what was made by a key where an identity counts, and the other way
// round. A signature by any key would else pass where identities are asked for and
// there is no certificate to compare them with. A certificate that lies beside the
// signature under a tag does not count for a key.
func (t *trust) sort(e *evidence) (*evidence, *refusal) {
	switch {
	case t.key == nil && e.certificate == nil:
		return e, refuse(WrongIdentity, "it was made with a key and has no certificate, so nobody vouches for an identity")
	case t.key == nil || e.certificate == nil:
		return e, nil
	case e.origin == ofBundle:
		return e, refuse(WrongKey, "it was made with a certificate for %s and not with the key", shown(nameOf(e)))
	}
	plain := *e
	plain.certificate = nil
	return &plain, nil
}

// decide lets the library decide.
func (t *trust) decide(e *evidence, image v1.Hash) error {
	return guarded(func() error {
		about := verify.WithArtifact(bytes.NewReader(e.payload))
		if e.enveloped {
			digest, err := hex.DecodeString(image.Hex)
			if err != nil {
				return err
			}
			about = verify.WithArtifactDigest(image.Algorithm, digest)
		}
		library, err := verify.NewVerifier(t.material(e), t.options()...)
		if err != nil {
			return err
		}
		if _, err = library.Verify(e, verify.NewPolicy(about, t.policy())); err != nil {
			return err
		}
		if t.log {
			return t.loggedHere(e)
		}
		return nil
	})
}

// vouched tells what is proven of a signature that counts.
func (t *trust) vouched(e *evidence) (s Signature, refused *refusal) {
	err := guarded(func() error {
		m := t.material(e)
		times, err := verify.VerifyTlogEntry(e, m, 1, true)
		if err == nil && t.loggedHere(e) == nil {
			s.Logged = true
			for _, at := range times {
				s.Time = earlier(s.Time, at.Time.Unix())
			}
		}
		if stamps, _, err := verify.VerifySignedTimestamp(e, m); err == nil {
			for _, at := range stamps {
				s.Time = earlier(s.Time, at.Time.Unix())
			}
		}
		if e.certificate == nil {
			s.Key = t.key.hint
			return nil
		}
		who, err := certificate.SummarizeCertificate(e.certificate)
		s.Identity, s.Issuer = who.SubjectAlternativeName, who.Issuer
		return err
	})
	if err != nil {
		return Signature{}, refuse(Untrusted, "%v", err)
	}
	return s, nil
}

func earlier(a, b int64) int64 {
	if a == 0 || b < a {
		return b
	}
	return a
}

// lacking refuses a signature without the annotations that were asked for.
func (v *verifier) lacking(has map[string]string) *refusal {
	for _, name := range slices.Sorted(maps.Keys(v.annotations)) {
		want := v.annotations[name]
		switch value, ok := has[name]; {
		case !ok:
			return refuse(WrongAnnotation, "it has no annotation %s, which has to be %s", shown(name), shown(want))
		case value != want:
			return refuse(WrongAnnotation, "its annotation %s is %s and not %s", shown(name), shown(value), shown(want))
		}
	}
	return nil
}

// nameOf is the identity in a certificate, for messages.
func nameOf(e *evidence) string {
	who := "somebody"
	err := guarded(func() error {
		s, err := certificate.SummarizeCertificate(e.certificate)
		if err == nil {
			who = s.SubjectAlternativeName
		}
		return err
	})
	if err != nil {
		return fmt.Sprintf("somebody (%v)", err)
	}
	return who
}
