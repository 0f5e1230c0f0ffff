//go:build !nosign

package sign

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// mustBeOurs verifies what our own signer wrote: the signature, and each predicate byte
// for byte.
func mustBeOurs(t *testing.T, g *ground, format Format, o VerifierOptions) *Verified {
	t.Helper()
	verifier, err := NewVerifier(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.Verify(t.Context(), g.repo, g.subject.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if v.Format != format || len(v.Signatures) != 1 || len(v.Refused) != 0 || len(v.Attestations) != len(writtenPredicates()) {
		t.Fatalf("found %+v", v)
	}
	for _, want := range writtenPredicates() {
		found := false
		for _, a := range v.Attestations {
			found = found || a.PredicateType == want.PredicateType && string(a.Predicate) == string(want.Predicate)
		}
		if !found {
			t.Errorf("%s %s is not among %+v", want.PredicateType, want.Predicate, v.Attestations)
		}
	}
	return v
}

func TestVerifyOursByKey(t *testing.T) {
	t.Parallel()
	team := map[string]string{"team": "a<b"}
	for kind, p := range map[string]pen{"P-256": newPen(t), "Ed25519": edPen(t, 0), "RSA": rsaPen(t, 2048)} {
		for _, format := range []Format{Tags, Bundle} {
			for what, start := range registries() {
				t.Run(kind+" "+string(format)+" "+what, func(t *testing.T) {
					t.Parallel()
					g := start(t)
					g.mustSign(t, plainSigner(t, p.key, SignerOptions{Format: format, Annotations: team}), writtenPredicates()...)
					mustBeOurs(t, g, format, VerifierOptions{Key: p.public(t), Annotations: team})
				})
			}
		}
	}
}

func TestVerifyOursKeyless(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		for name, options := range map[string]sigstore.Options{"log and stamps": {}, "log alone": {NoTSA: true}, "stamps alone": {NoLog: true}} {
			t.Run(string(format)+" "+name, func(t *testing.T) {
				t.Parallel()
				fake, g := sigstore.Start(t, options), newGround(t, ggcrRegistry(true))
				o := keylessOptions(t, fake, format)
				if options.NoLog {
					o.Keyless.Rekor = "none"
				}
				if options.NoTSA {
					o.Keyless.TSA = ""
				}
				g.mustSign(t, keylessSigner(t, o), writtenPredicates()...)
				v := mustBeOurs(t, g, format, VerifierOptions{Identity: someone, Issuer: theIssuer, TrustedRoot: fake.TrustedRoot()})
				for _, a := range v.Attestations {
					if a.Identity != someone || a.Issuer != theIssuer || a.Logged == options.NoLog || a.Time == 0 {
						t.Errorf("attested by %+v", a.Signature)
					}
				}
			})
		}
	}
}

// The program of a KMS tells the key, and what it signed is verified without it.
func TestVerifyByKMS(t *testing.T) {
	t.Parallel()
	key := p256Key(t)
	env := Environment{Environ: []string{"PATH=" + kmsProgram(t), "TEST_KMS_PIN=1234"}, WorkDir: t.TempDir()}
	ref := "test://" + filepath.ToSlash(pkcs8File(t, key))
	g := newGround(t, ggcrRegistry(true))
	g.mustSign(t, plainSigner(t, key, SignerOptions{Format: Tags}), writtenPredicates()...)
	mustBeOurs(t, g, Tags, VerifierOptions{Key: ref, Environment: env})
}

// Our signer names the key, so that a payload or a predicate that was changed is told
// from one that another key signed.
func TestVerifyOursTampered(t *testing.T) {
	t.Parallel()
	p, g := newPen(t), newGround(t, ggcrRegistry(true))
	g.mustSign(t, plainSigner(t, p.key, SignerOptions{Format: Tags}), writtenPredicates()...)
	h, err := readHeld(t.Context(), g.repo, g.subject.Digest)
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewVerifier(t.Context(), VerifierOptions{Key: p.public(t)})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*held){
		"payload":   func(h *held) { h.signatures[0].content = append([]byte(" "), h.signatures[0].content...) },
		"predicate": func(h *held) { h.attestations[0].content = padded(t, h.attestations[0].content) },
	} {
		changed := held{signatures: slices.Clone(h.signatures), attestations: slices.Clone(h.attestations)}
		change(&changed)
		refused := 0
		for _, e := range changed.evidence() {
			if o := v.(*verifier).examine(e, g.subject.Digest); o.refused != nil {
				refused++
				if o.refused.reason != Tampered {
					t.Errorf("%s: refused as %q: %v", name, o.refused.reason, o.refused)
				}
			}
		}
		if refused != 1 {
			t.Errorf("%s: %d pieces were refused", name, refused)
		}
	}
}

// padded is an envelope with a byte more than was signed.
func padded(t *testing.T, raw []byte) []byte {
	t.Helper()
	var env dsse.Envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		t.Fatal(err)
	}
	said, err := base64.StdEncoding.DecodeString(env.Payload)
	if err != nil {
		t.Fatal(err)
	}
	env.Payload = base64.StdEncoding.EncodeToString(append(said, ' '))
	if raw, err = json.Marshal(env); err != nil {
		t.Fatal(err)
	}
	return raw
}
