//go:build !nosign

package sign

import (
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
)

// fuzzVerifier verifies by a key that signed nothing of what is tried.
func fuzzVerifier(f *testing.F) *verifier {
	f.Helper()
	const key = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----`
	v, err := NewVerifier(f.Context(), VerifierOptions{Key: "env://K", Environment: Environment{Environ: []string{"K=" + key}}})
	if err != nil {
		f.Fatal(err)
	}
	return v.(*verifier)
}

func FuzzVerifySignature(f *testing.F) {
	image := strangeImage()
	v := fuzzVerifier(f)
	f.Add(payloadAbout(image, `{"a":"b"}`), "AAAA", "", "", "")
	f.Add("{}", "AAAA", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		`{"SignedEntryTimestamp":"AAAA","Payload":{"body":"eyJraW5kIjoiZHNzZSJ9","integratedTime":1,"logIndex":1,"logID":"00"}}`, `{"SignedRFC3161Timestamp":"AAAA"}`)
	f.Fuzz(func(t *testing.T, payload, signature, certificate, entry, stamp string) {
		a := artifact{content: []byte(payload), desc: v1.Descriptor{Annotations: map[string]string{
			static.SignatureAnnotationKey: signature, static.CertificateAnnotationKey: certificate,
			static.BundleAnnotationKey: entry, static.RFC3161TimestampAnnotationKey: stamp,
		}}}
		if o := v.examine(fromSignature(a), image); o.refused == nil || telling(o.refused.reason) < 0 {
			t.Fatalf("came to %+v", o)
		}
	})
}

func FuzzVerifyAttestation(f *testing.F) {
	v := fuzzVerifier(f)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AAAA"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if o := v.examine(fromAttestation(artifact{content: raw}), strangeImage()); o.refused == nil {
			t.Fatalf("came to %+v", o)
		}
	})
}

func FuzzVerifyBundle(f *testing.F) {
	v := fuzzVerifier(f)
	const envelope = `"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AAAA"}]}`
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"a"}},` + envelope + `}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","verificationMaterial":{"x509CertificateChain":{"certificates":[{"rawBytes":"AAAA"}]},` +
		`"tlogEntries":[{"logIndex":"1","logId":{"keyId":"AAAA"},"kindVersion":{"kind":"dsse","version":"0.0.1"},"integratedTime":"1","inclusionPromise":{"signedEntryTimestamp":"AAAA"},"canonicalizedBody":"e30="}]},` + envelope + `}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if o := v.examine(fromBundle(bundle{content: raw}), strangeImage()); o.refused == nil {
			t.Fatalf("came to %+v", o)
		}
	})
}

func FuzzStatement(f *testing.F) {
	f.Add([]byte(statementAbout(strangeImage(), PredicateSign, "{}")))
	f.Add([]byte(statementAbout(strangeImage(), PredicateSPDX, `{"a":[1,2]}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, refused := claimOfStatement(raw, strangeImage())
		if refused != nil {
			return
		}
		if c.predicateType == "" || c.predicateType != PredicateSign && !json.Valid(c.predicate) {
			t.Fatalf("claimed %+v", c)
		}
		if !strings.Contains(string(raw), strangeImage().Hex) && !strings.Contains(string(raw), `\u`) {
			t.Fatalf("%s is about an image that it does not name", raw)
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(payloadAbout(strangeImage(), `{"a":"b","c":1}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, refused := claimOfPayload(raw, strangeImage()); refused == nil &&
			!strings.Contains(string(raw), strangeImage().Hex) && !strings.Contains(string(raw), `\u`) {
			t.Fatalf("%s is about an image that it does not name", raw)
		}
	})
}

func FuzzPublicKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		public, err := parsePublicKey(raw)
		if err != nil {
			return
		}
		if k, err := newPublicKey(public); err == nil && len(k.ways) == 0 {
			t.Fatal("a key that verifies in no way")
		}
	})
}
