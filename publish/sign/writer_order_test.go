//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// TestSignMixed: an image with signatures in one format gets none in the other, not
// even a blob.
func TestSignMixed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ has, asks Format }{{Tags, Bundle}, {Bundle, Tags}} {
		for what, referrers := range map[string]bool{"with referrers": true, "without": false} {
			r := ggcrRegistry(referrers)
			g := newGround(t, r)
			g.mustSign(t, plainSigner(t, p256Key(t), SignerOptions{Format: c.has}))
			before := len(r.put())
			done, err := plainSigner(t, p256Key(t), SignerOptions{Format: c.asks}).Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
			var mixed *MixedError
			if !errors.As(err, &mixed) || mixed.Has != c.has || mixed.Asks != c.asks || done != (Signed{}) || len(r.put()) != before {
				t.Errorf("%s after %s, %s: %+v, %v, %d more puts", c.asks, c.has, what, done, err, len(r.put())-before)
			}
		}
	}
}

// failing is a key that will not sign what has a text in it.
func failing(t *testing.T, text string, format Format) *writer {
	t.Helper()
	w, ok := plainSigner(t, p256Key(t), SignerOptions{Format: format}).(*writer)
	if !ok {
		t.Fatal("the signer is no writer")
	}
	k, ok := w.scheme.(*keyed)
	if !ok {
		t.Fatal("the writer has no key")
	}
	able := k.signer
	k.signer = func(ctx context.Context, message []byte) ([]byte, error) {
		if bytes.Contains(message, []byte(text)) {
			return nil, errors.New("the key is away")
		}
		return able(ctx, message)
	}
	return w
}

// TestSignFailing: a signature that cannot be made leaves nothing, and a statement that
// cannot be signed leaves the signature and the others.
func TestSignFailing(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		r := ggcrRegistry(true)
		g := newGround(t, r)
		pushed := len(r.put())
		signs := map[Format]string{Tags: "docker-manifest-digest", Bundle: PredicateSign}[format]
		done, err := failing(t, signs, format).Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
		if err == nil || !strings.Contains(err.Error(), "the key is away") || done != (Signed{}) || len(r.put()) != pushed {
			t.Errorf("%s without a signature: %+v, %v, %d puts", format, done, err, len(r.put())-pushed)
		}

		w := failing(t, PredicateSPDX, format)
		done, err = w.Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
		if done != (Signed{true, 1}) || err == nil || !strings.Contains(err.Error(), "attest "+PredicateSPDX) || strings.Count(err.Error(), "the key is away") != 1 {
			t.Errorf("%s without an SBOM: %+v, %v", format, done, err)
		}
		// The next run adds what is missing, and no more.
		w.scheme.(*keyed).signer = restored(t)
		if done, err = w.Sign(t.Context(), g.repo, g.subject, writtenPredicates()[1:]...); err != nil || done != (Signed{}) {
			t.Errorf("%s again: %+v, %v", format, done, err)
		}
	}
}

// restored is a signer that must not be asked any more.
func restored(t *testing.T) func(context.Context, []byte) ([]byte, error) {
	t.Helper()
	return func(context.Context, []byte) ([]byte, error) {
		t.Error("something was signed that is there")
		return nil, errors.New("not wanted")
	}
}

// TestSignRefusesStatements: what is no statement is refused before anything is
// written.
func TestSignRefusesStatements(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(true)
	g := newGround(t, r)
	pushed := len(r.put())
	for what, st := range map[string]Statement{
		"no type":    {"", json.RawMessage(`{}`)},
		"no JSON":    {PredicateSPDX, json.RawMessage(`{"a":`)},
		"no object":  {PredicateSPDX, json.RawMessage(`"text"`)},
		"nothing":    {PredicateSPDX, nil},
		"two values": {PredicateSPDX, json.RawMessage(`{}{}`)},
	} {
		done, err := plainSigner(t, p256Key(t), SignerOptions{}).Sign(t.Context(), g.repo, g.subject, st)
		if err == nil || done != (Signed{}) || len(r.put()) != pushed {
			t.Errorf("%s: %+v, %v, %d puts", what, done, err, len(r.put())-pushed)
		}
	}
}

// TestNewSignerRefuses names what contradicts itself.
func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]SignerOptions{
		"--sign-key":                {},
		"exclude each other":        {Key: "cosign.key", Keyless: &Keyless{}},
		"--sign-format takes tags":  {Key: "cosign.key", Format: "oci"},
		"there is no such file":     {Key: "missing.key", Environment: Environment{WorkDir: t.TempDir()}},
		"the variable K is not set": {Key: "env://K"},
	} {
		if s, err := NewSigner(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || s != nil {
			t.Errorf("NewSigner = %v, %v; want %q", s, err, want)
		}
	}
}

// TestBundleImmutable: where the list of referrers is a tag that may not move, the error
// says what must be exempt.
func TestBundleImmutable(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(false)
	g := newGround(t, r)
	g.mustSign(t, plainSigner(t, p256Key(t), SignerOptions{Format: Bundle}))
	before := g.state(t)
	r.behave(func(w http.ResponseWriter, req *http.Request) bool {
		refused := req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, distribution.ReferrersTag(g.subject.Digest))
		if refused {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return refused
	})
	done, err := plainSigner(t, p256Key(t), SignerOptions{Format: Bundle}).Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
	var immutable *ImmutableError
	if !errors.As(err, &immutable) || done != (Signed{}) || !strings.Contains(err.Error(), "exempt tags that begin with sha256-") {
		t.Errorf("Sign = %+v, %v", done, err)
	}
	if after := g.state(t); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

// TestSignBesideDamaged: a signature of our own that no verifier can read is no reason
// not to sign.
func TestSignBesideDamaged(t *testing.T) {
	t.Parallel()
	twice := func(content string) string {
		return strings.Replace(content, `"signatures":[`, `"signatures":[{"keyid":"","sig":"AAAA"},`, 1)
	}
	for name, c := range map[string]struct {
		format Format
		change func(t *testing.T, g *ground)
		adds   Signed
	}{
		"two signatures in a bundle": {Bundle, func(t *testing.T, g *ground) { g.spoilBundles(t, twice) }, Signed{true, 2}},
		"a bundle that names no key": {Bundle, func(t *testing.T, g *ground) {
			g.spoilBundles(t, func(content string) string { return strings.Replace(content, "publicKey", "nobody", 1) })
		}, Signed{true, 2}},
		"two signatures in an envelope": {Tags, func(t *testing.T, g *ground) {
			g.spoil(t, suffixAttestations, func(a *artifact) { a.content = []byte(twice(string(a.content))) })
		}, Signed{false, 2}},
		"a certificate that is none": {Tags, func(t *testing.T, g *ground) {
			g.spoil(t, suffixSignatures, func(a *artifact) { a.desc.Annotations[static.CertificateAnnotationKey] = "junk" })
		}, Signed{true, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPen(t)
			signer, g := plainSigner(t, p.key, SignerOptions{Format: c.format}), newGround(t, ggcrRegistry(true))
			g.mustSign(t, signer, writtenPredicates()...)
			c.change(t, g)
			if done := g.mustSign(t, signer, writtenPredicates()...); done != c.adds {
				t.Errorf("Sign = %+v; want %+v", done, c.adds)
			}
			verifier, err := NewVerifier(t.Context(), VerifierOptions{Key: p.public(t)})
			if err != nil {
				t.Fatal(err)
			}
			if v, err := verifier.Verify(t.Context(), g.repo, g.subject.Digest); err != nil || len(v.Signatures) != 1 || len(v.Attestations) != 2 {
				t.Errorf("Verify = %+v, %v", v, err)
			}
			if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{}) {
				t.Errorf("Sign again = %+v", done)
			}
		})
	}
}

// spoil changes what lies under a tag.
func (g *ground) spoil(t *testing.T, suffix string, change func(*artifact)) {
	t.Helper()
	all, at, err := readTag(t.Context(), g.repo, g.subject.Digest, suffix)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		change(&all[i])
		if all[i].desc, err = describe(all[i].content, all[i].desc.MediaType, all[i].desc.Annotations); err != nil {
			t.Fatal(err)
		}
		all[i].stored = false
	}
	if err := writeTag(t.Context(), g.repo, g.subject.Digest, suffix, all, at); err != nil {
		t.Fatal(err)
	}
}

// spoilBundles puts changed bundles in the place of the ones that are there.
func (g *ground) spoilBundles(t *testing.T, change func(string) string) {
	t.Helper()
	all, err := readBundles(t.Context(), g.repo, g.subject.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		changed := change(string(b.content))
		if changed == string(b.content) {
			t.Fatal("nothing was changed")
		}
		if err := remote.Delete(g.ref.Context().Digest(b.entry.Digest.String())); err != nil {
			t.Fatal(err)
		}
		if _, err := writeBundle(t.Context(), g.repo, g.subject, []byte(changed), b.entry.Annotations[annotationPredicate]); err != nil {
			t.Fatal(err)
		}
	}
}
