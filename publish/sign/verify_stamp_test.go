//go:build !nosign

package sign

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// nested is the answer of a timestamp authority with so many sequences in one another
// in place of a timestamp.
func nested(t *testing.T, levels int) []byte {
	t.Helper()
	status, err := asn1.Marshal(struct{ Status int }{0})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Repeat([]byte{0x30, 0x80}, levels)})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(status, inner...)})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// stampedWith is a bundle with another timestamp, which nothing in it is signed with.
func stampedWith(t *testing.T, raw, stamp []byte) []byte {
	t.Helper()
	return edited(t, raw, func(b map[string]any) {
		b["verificationMaterial"].(map[string]any)["timestampVerificationData"] = map[string]any{
			"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": base64.StdEncoding.EncodeToString(stamp)}},
		}
	})
}

// TestVerifyNestedStamp: a timestamp that would fill the stack of the library that reads
// it ends neither a verification nor a signing, and takes no other signature away. Below
// the bound, the library gives up by itself.
func TestVerifyNestedStamp(t *testing.T) {
	t.Parallel()
	s := sigstore.Start(t, sigstore.Options{})
	for what, levels := range map[string]int{"small": maxStamp/2 - 100, "large": 4 << 20} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, ggcrRegistry(true))
			signer := keylessSigner(t, keylessOptions(t, s, Bundle))
			g.mustSign(t, signer)
			bundles, err := readBundles(t.Context(), g.repo, g.subject.Digest)
			if err != nil || len(bundles) != 1 {
				t.Fatalf("readBundles = %d, %v", len(bundles), err)
			}
			raw := stampedWith(t, bundles[0].content, nested(t, levels))
			if _, err := writeBundle(t.Context(), g.repo, g.subject, raw, PredicateSign); err != nil {
				t.Fatal(err)
			}
			// With a log in the root, the small one is no more than useless.
			o := VerifierOptions{Identity: someone, Issuer: theIssuer}
			o.TrustedRoot = edited(t, s.TrustedRoot(), func(r map[string]any) { delete(r, "tlogs") })
			verifier, err := NewVerifier(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			v, err := verifier.Verify(t.Context(), g.repo, g.subject.Digest)
			if err != nil || len(v.Signatures) != 1 || len(v.Refused) != 1 || !strings.Contains(v.Refused[0].Why, "timestamp") {
				t.Errorf("Verify = %+v, %v", v, err)
			}
			if done := g.mustSign(t, signer); done != (Signed{}) {
				t.Errorf("Sign again = %+v", done)
			}
		})
	}
}

// TestLargeStampOfTag: nor does one under a tag.
func TestLargeStampOfTag(t *testing.T) {
	t.Parallel()
	for size, refused := range map[int]bool{maxStamp: false, maxStamp + 1: true} {
		stamp, err := json.Marshal(map[string][]byte{"SignedRFC3161Timestamp": make([]byte, size)})
		if err != nil {
			t.Fatal(err)
		}
		a := artifact{desc: v1.Descriptor{Annotations: map[string]string{static.SignatureAnnotationKey: "", static.RFC3161TimestampAnnotationKey: string(stamp)}}}
		if e := fromSignature(a); (e.unreadable != nil) != refused {
			t.Errorf("%d bytes: %v", size, e.unreadable)
		}
	}
}
