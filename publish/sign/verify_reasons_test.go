//go:build !nosign

package sign

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
)

// refusedAs fails the test unless the error says that the image is refused for this
// reason, in words that no other reason has.
func refusedAs(t *testing.T, b *verifyBed, err error, reason Reason, says string) {
	t.Helper()
	var e *VerifyError
	if !errors.As(err, &e) {
		t.Fatalf("got the error %v instead of a refusal", err)
	}
	if e.Reason != reason {
		t.Errorf("refused as %q instead of %q: %v", e.Reason, reason, err)
	}
	if e.Subject != b.name.String()+"@"+b.image.String() {
		t.Errorf("the subject is %q", e.Subject)
	}
	if !strings.Contains(e.Why, says) {
		t.Errorf("the reason %q does not say %q", e.Why, says)
	}
	if strings.HasSuffix(e.Why, ".") || e.Try != "" && !strings.HasSuffix(e.Try, ".") {
		t.Errorf("one sentence without and one with a full stop: %q, %q", e.Why, e.Try)
	}
}

// keyedCase is something in a registry that a key does not verify.
type keyedCase struct {
	put    func(t *testing.T, b *verifyBed, p pen)
	reason Reason
	says   string
}

func (c keyedCase) run(t *testing.T) {
	t.Parallel()
	b, p := newVerifyBed(t), newPen(t)
	c.put(t, b, p)
	v, err := b.verify(t, VerifierOptions{Key: p.public(t), Annotations: map[string]string{"builder": "nanobuild"}})
	if err == nil {
		t.Fatalf("verified: %+v", v)
	}
	refusedAs(t, b, err, c.reason, c.says)
}

func TestVerifyRefusesTagsByKey(t *testing.T) {
	t.Parallel()
	const mine = `{"builder":"nanobuild"}`
	for name, c := range map[string]keyedCase{
		"nothing": {func(*testing.T, *verifyBed, pen) {}, Unsigned, "neither signatures nor attestations"},
		"attestation alone": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "att", p.attestation(t, statementAbout(b.image, PredicateSPDX, "{}")))
		}, AttestationOnly, "it is not signed; all there is are attestations"},
		"attestation that calls itself a signature": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "att", p.attestation(t, statementAbout(b.image, PredicateSign, "{}")))
		}, AttestationOnly, "it is not signed"},
		"another key": {func(t *testing.T, b *verifyBed, _ pen) {
			b.put(t, "sig", newPen(t).signature(t, payloadAbout(b.image, mine)))
		}, WrongKey, "it does not fit the key"},
		"tampered payload": {func(t *testing.T, b *verifyBed, p pen) {
			sig := p.sign(t, []byte(payloadAbout(b.image, "null")))
			b.put(t, "sig", layer(t, payloadAbout(b.image, mine), sig))
		}, WrongKey, "or what was signed has been changed since"},
		"tampered payload whose key is named": {func(t *testing.T, b *verifyBed, p pen) {
			sig := p.sign(t, []byte(payloadAbout(b.image, "null")))
			b.put(t, "sig", layer(t, payloadAbout(b.image, mine), sig, static.WithAnnotations(map[string]string{annotationKey: p.hint(t)})))
		}, Tampered, "it says to be made with the key, but what was signed has been changed since"},
		"signature of another image": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, payloadAbout(strangeImage(), mine)))
		}, OtherImage, strangeImage().String()},
		"another annotation": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, payloadAbout(b.image, `{"builder":"evil"}`)))
		}, WrongAnnotation, `"builder" is "evil" and not "nanobuild"`},
		"no annotation": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, payloadAbout(b.image, "null")))
		}, WrongAnnotation, `no annotation "builder"`},
		"annotation that is no text": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, payloadAbout(b.image, `{"builder":["nanobuild"]}`)))
		}, WrongAnnotation, `no annotation "builder"`},
		"annotation that is not signed": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, payloadAbout(b.image, "null"), static.WithAnnotations(map[string]string{"builder": "nanobuild"})))
		}, WrongAnnotation, `no annotation "builder"`},
		"both formats": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, payloadAbout(b.image, mine)))
			b.refer(t, p.bundle(t, statementAbout(b.image, PredicateSPDX, "{}"), ""), PredicateSPDX)
		}, Mixed, "1 signature or attestation under the tags .sig and .att and 1 bundle"},
		"the one that came farthest tells": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", newPen(t).signature(t, payloadAbout(b.image, mine)),
				p.signature(t, payloadAbout(b.image, "null")), p.signature(t, payloadAbout(strangeImage(), mine)))
		}, WrongAnnotation, "2 more were refused"},
	} {
		t.Run(name, c.run)
	}
}

func TestVerifyMalformedSignatures(t *testing.T) {
	t.Parallel()
	const mine = `{"builder":"nanobuild"}`
	for name, c := range map[string]keyedCase{
		"signed text that is no payload": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, "hello"))
		}, Tampered, "what was signed is no payload of a signature"},
		"signed payload of another type": {func(t *testing.T, b *verifyBed, p pen) {
			b.put(t, "sig", p.signature(t, strings.ReplaceAll(payloadAbout(b.image, mine), "cosign container", "atomic container")))
		}, Tampered, `"atomic container image signature"`},
		"signature that is no base64": {func(t *testing.T, b *verifyBed, p pen) {
			s, err := static.NewSignature([]byte(payloadAbout(b.image, mine)), "%%%")
			if err != nil {
				t.Fatal(err)
			}
			b.put(t, "sig", s)
		}, Tampered, "is no base64"},
		"no signature": {func(t *testing.T, b *verifyBed, _ pen) {
			bare, err := random.Image(16, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(b.name.Tag("sha256-"+b.image.Hex+".sig"), bare); err != nil {
				t.Fatal(err)
			}
		}, Tampered, "it has no annotation dev.cosignproject.cosign/signature"},
	} {
		t.Run(name, c.run)
	}
}

func TestVerifyRefusesBundlesByKey(t *testing.T) {
	t.Parallel()
	signed := func(b *verifyBed) string { return statementAbout(b.image, PredicateSign, "{}") }
	for name, c := range map[string]keyedCase{
		"attestation alone": {func(t *testing.T, b *verifyBed, p pen) {
			b.refer(t, p.bundle(t, statementAbout(b.image, PredicateSPDX, "{}"), ""), PredicateSign)
		}, AttestationOnly, "it is not signed; all there is are attestations, 1 that would count and 0 refused"},
		"another key": {func(t *testing.T, b *verifyBed, _ pen) {
			b.refer(t, newPen(t).bundle(t, signed(b), "somebody"), PredicateSign)
		}, WrongKey, "it does not fit the key"},
		"tampered statement": {func(t *testing.T, b *verifyBed, p pen) {
			env := p.envelope(t, signed(b))
			env.Payload = base64.StdEncoding.EncodeToString([]byte(statementAbout(b.image, PredicateSign, `{"more":1}`)))
			b.refer(t, bundleOf(t, env, map[string]any{"publicKey": map[string]any{"hint": p.hint(t)}}), PredicateSign)
		}, Tampered, "it says to be made with the key, but what was signed has been changed since"},
		"signature of another image": {func(t *testing.T, b *verifyBed, p pen) {
			b.refer(t, p.bundle(t, statementAbout(strangeImage(), PredicateSign, "{}"), p.hint(t)), PredicateSign)
		}, OtherImage, strangeImage().String()},
		"another annotation": {func(t *testing.T, b *verifyBed, p pen) {
			b.refer(t, p.bundle(t, strings.ReplaceAll(signed(b), "nanobuild", "evil"), ""), PredicateSign)
		}, WrongAnnotation, `"builder" is "evil"`},
		"annotation of another subject": {func(t *testing.T, b *verifyBed, p pen) {
			both := strings.Replace(signed(b), `"annotations":{"builder":"nanobuild"}},`, `"annotations":{}},`, 1)
			both = strings.Replace(both, `"subject":[`, `"subject":[{"name":"x","digest":{"sha256":"`+strangeImage().Hex+`"},"annotations":{"builder":"nanobuild"}},`, 1)
			both = strings.Replace(both, `"annotations":{"builder":"nanobuild"}}],`, `"annotations":{}}],`, 1)
			b.refer(t, p.bundle(t, both, ""), PredicateSign)
		}, WrongAnnotation, `no annotation "builder"`},
		"envelope with something else": {func(t *testing.T, b *verifyBed, p pen) {
			env := p.envelope(t, signed(b))
			env.PayloadType = "text/plain"
			b.refer(t, bundleOf(t, env, map[string]any{"publicKey": map[string]any{"hint": ""}}), PredicateSign)
		}, Tampered, `"text/plain" instead of`},
		"two signatures": {func(t *testing.T, b *verifyBed, p pen) {
			env := p.envelope(t, signed(b))
			env.Signatures = append(env.Signatures, newPen(t).envelope(t, signed(b)).Signatures...)
			b.refer(t, bundleOf(t, env, map[string]any{"publicKey": map[string]any{"hint": ""}}), PredicateSign)
		}, Tampered, "2 signatures instead of one"},
		"no bundle": {func(t *testing.T, b *verifyBed, _ pen) {
			b.refer(t, []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v9+json"}`), PredicateSign)
		}, Tampered, "it is no bundle"},
		"signed bytes": {func(t *testing.T, b *verifyBed, p pen) {
			b.refer(t, []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":""}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AAAA"},"signature":"AAAA"}}`), PredicateSign)
		}, Tampered, "it signs bytes"},
	} {
		t.Run(name, c.run)
	}
}

// What is signed may be malformed, or of another type than it is filed under. A
// verifier of cosign's took an error in reading it for a success, and another did not
// look at the type at all: https://github.com/advisories/GHSA-w6c6-c85g-mmv6. The type
// is read from what was signed, and what cannot be read attests nothing.
func TestVerifyMalformedStatements(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement func(good string) string
		says      string
	}{
		"no JSON":      {func(string) string { return "hello" }, "is no statement"},
		"another type": {func(s string) string { return strings.Replace(s, "Statement/v1", "Link/v1", 1) }, "no in-toto statement"},
		"no predicate": {func(s string) string { return strings.Replace(s, `"predicate":{}`, `"predicate":null`, 1) }, "is no object"},
		"array":        {func(s string) string { return strings.Replace(s, `"predicate":{}`, `"predicate":[]`, 1) }, "is no object"},
		"no type":      {func(s string) string { return strings.Replace(s, PredicateSPDX, "", 1) }, "of which type"},
		"no subject": {func(s string) string {
			return `{"subject":[],` + strings.TrimPrefix(strings.Replace(s, `"subject":`, `"x":`, 1), "{")
		}, "no image"},
		"another subject": {func(s string) string { return strings.Replace(s, `"sha256":"`, `"sha256":"00`, 1) }, "about the image"},
		"other algorithm": {func(s string) string { return strings.Replace(s, `"sha256":`, `"sha512":`, 1) }, "without a digest of sha256"},
		"cut":             {func(s string) string { return s[:len(s)-2] }, "is no statement"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, tags, bundles := newPen(t), newVerifyBed(t), newVerifyBed(t)
			tags.put(t, "sig", p.signature(t, payloadAbout(tags.image, "null")))
			tags.put(t, "att", p.attestation(t, c.statement(statementAbout(tags.image, PredicateSPDX, "{}"))))
			bundles.refer(t, p.bundle(t, statementAbout(bundles.image, PredicateSign, "{}"), ""), PredicateSign)
			bundles.refer(t, p.bundle(t, c.statement(statementAbout(bundles.image, PredicateSPDX, "{}")), ""), PredicateSPDX)
			for _, b := range []*verifyBed{tags, bundles} {
				v, err := b.verify(t, VerifierOptions{Key: p.public(t)})
				if err != nil {
					t.Fatal(err)
				}
				if len(v.Signatures) != 1 || len(v.Attestations) != 0 || len(v.Refused) != 1 {
					t.Fatalf("%s: found %+v", v.Format, v)
				}
				if !strings.Contains(v.Refused[0].Why, c.says) {
					t.Errorf("%s: refused as %+v, which does not say %q", v.Format, v.Refused[0], c.says)
				}
			}
		})
	}
}

func TestVerifyTellsOfTheRefused(t *testing.T) {
	t.Parallel()
	p, b := newPen(t), newVerifyBed(t)
	tampered := p.envelope(t, statementAbout(b.image, PredicateSPDX, `{"a":1}`))
	tampered.Payload = base64.StdEncoding.EncodeToString([]byte(statementAbout(b.image, PredicateSPDX, `{"a":2}`)))
	twice := p.envelope(t, statementAbout(b.image, PredicateSPDX, `{}`))
	twice.Signatures = append(twice.Signatures, twice.Signatures...)
	other := p.envelope(t, statementAbout(b.image, PredicateSPDX, `{}`))
	other.PayloadType = "text/plain"
	b.put(t, "sig", newPen(t).signature(t, payloadAbout(b.image, "null")), p.signature(t, payloadAbout(b.image, "null")))
	b.put(t, "att", attestationOf(t, tampered), attestationOf(t, twice), attestationOf(t, other), attestationOf(t, dsse.Envelope{}),
		p.attestation(t, statementAbout(b.image, PredicateSLSA, `{"b":[1.50,"é"]}`)))
	v, err := b.verify(t, VerifierOptions{Key: p.public(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Signatures) != 1 || len(v.Attestations) != 1 {
		t.Fatalf("found %+v", v)
	}
	if got := string(v.Attestations[0].Predicate); got != `{"b":[1.50,"é"]}` {
		t.Errorf("the predicate is not what was signed, byte for byte: %s", got)
	}
	want := []RefusedArtifact{{"signature", "does not fit the key"}, {PredicateSPDX, "does not fit the key"}, {"attestation", "2 signatures"}, {"attestation", `"text/plain"`}, {"attestation", `holds "" instead`}}
	if len(v.Refused) != len(want) {
		t.Fatalf("refused %+v", v.Refused)
	}
	for i, w := range want {
		if got := v.Refused[i]; got.What != w.What || !strings.Contains(got.Why, w.Why) {
			t.Errorf("refused %+v instead of %+v", got, w)
		}
	}
	raw, err := json.Marshal(v)
	if err != nil || strings.Contains(string(raw), "1.50") {
		t.Errorf("the JSON is %s, %v", raw, err)
	}
}

func TestVerifySeveralSubjects(t *testing.T) {
	t.Parallel()
	p, b := newPen(t), newVerifyBed(t)
	first := `{"name":"other","digest":{"sha256":"` + strangeImage().Hex + `"}},{"name":"none"},`
	several := strings.Replace(statementAbout(b.image, PredicateSLSA, "{}"), `"subject":[`, `"subject":[`+first, 1)
	b.put(t, "sig", p.signature(t, payloadAbout(b.image, "null")))
	b.put(t, "att", p.attestation(t, several), p.attestation(t, strings.Replace(several, `"subject":[`, `"subject":[`+strings.Repeat(first, maxSubjects/2), 1)))
	v, err := b.verify(t, VerifierOptions{Key: p.public(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Attestations) != 1 || v.Attestations[0].Annotations["builder"] != "nanobuild" {
		t.Errorf("attested %+v", v.Attestations)
	}
	if len(v.Refused) != 1 || !strings.Contains(v.Refused[0].Why, "subjects, more than") {
		t.Errorf("refused %+v", v.Refused)
	}
}
