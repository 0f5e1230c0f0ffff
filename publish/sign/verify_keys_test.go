//go:build !nosign

package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"strings"
	"testing"
)

func ecdsaPen(t *testing.T, curve elliptic.Curve, hash crypto.Hash) pen {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pen{key, hash}
}

func newPen(t *testing.T) pen { return ecdsaPen(t, elliptic.P256(), crypto.SHA256) }

func edPen(t *testing.T, hash crypto.Hash) pen {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pen{key, hash}
}

func rsaPen(t *testing.T, bits int) pen {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return pen{key, crypto.SHA256}
}

func TestVerifyKindsOfKeys(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) pen{
		"P-256":                    newPen,
		"P-384 with SHA-384":       func(t *testing.T) pen { return ecdsaPen(t, elliptic.P384(), crypto.SHA384) },
		"P-384 with SHA-256":       func(t *testing.T) pen { return ecdsaPen(t, elliptic.P384(), crypto.SHA256) },
		"P-521 with SHA-512":       func(t *testing.T) pen { return ecdsaPen(t, elliptic.P521(), crypto.SHA512) },
		"RSA":                      func(t *testing.T) pen { return rsaPen(t, 2048) },
		"Ed25519":                  func(t *testing.T) pen { return edPen(t, 0) },
		"Ed25519 over a hash (ph)": func(t *testing.T) pen { return edPen(t, crypto.SHA512) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := make(t)
			o := VerifierOptions{Key: p.public(t), Annotations: map[string]string{"builder": "nanobuild"}}
			tags, bundles := newVerifyBed(t), newVerifyBed(t)
			tags.put(t, "sig", p.signature(t, payloadAbout(tags.image, `{"builder":"nanobuild"}`)))
			tags.put(t, "att", p.attestation(t, statementAbout(tags.image, PredicateSPDX, `{"a":1}`)))
			bundles.refer(t, p.bundle(t, statementAbout(bundles.image, PredicateSign, `{}`), p.hint(t)), PredicateSign)
			bundles.refer(t, p.bundle(t, statementAbout(bundles.image, PredicateSPDX, `{"a":1}`), ""), "https://example.com/unproven")
			for format, b := range map[Format]*verifyBed{Tags: tags, Bundle: bundles} {
				v, err := b.verify(t, o)
				if err != nil {
					t.Fatalf("%s: %v", format, err)
				}
				if v.Format != format || len(v.Signatures) != 1 || len(v.Attestations) != 1 || len(v.Refused) != 0 {
					t.Fatalf("%s: found %+v", format, v)
				}
				if a := v.Attestations[0]; a.PredicateType != PredicateSPDX || string(a.Predicate) != `{"a":1}` {
					t.Errorf("%s: the attestation is %s %s", format, a.PredicateType, a.Predicate)
				}
				if s := v.Signatures[0]; s.Logged || s.Time != 0 || s.Identity != "" || s.Annotations["builder"] != "nanobuild" {
					t.Errorf("%s: the signature is %+v", format, s)
				}
			}
		})
	}
}

func TestVerifierOptionsAreRefused(t *testing.T) {
	t.Parallel()
	p := newPen(t)
	private := pemFile(t, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: []byte("x")}))
	certificate := pemFile(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	other := pemFile(t, pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: []byte("x")}))
	for name, c := range map[string]struct {
		o    VerifierOptions
		says string
	}{
		"nobody":             {VerifierOptions{}, "--key cosign.pub"},
		"both":               {VerifierOptions{Key: p.public(t), Identity: "a"}, "two ways"},
		"no issuer":          {VerifierOptions{Identity: "a"}, "--certificate-oidc-issuer"},
		"no identity":        {VerifierOptions{Issuer: "a"}, "--certificate-identity"},
		"no root":            {VerifierOptions{Issuer: "a", Identity: "b"}, "--trusted-root"},
		"a root that is not": {VerifierOptions{Issuer: "a", Identity: "b", TrustedRoot: []byte("{}")}, "--trusted-root"},
		"log without root":   {VerifierOptions{Key: p.public(t), RequireLog: true}, "--trusted-root"},
		"no file":            {VerifierOptions{Key: "missing.pub", Environment: Environment{WorkDir: t.TempDir()}}, "missing.pub"},
		"no variable":        {VerifierOptions{Key: "env://NOWHERE"}, "NOWHERE"},
		"private key":        {VerifierOptions{Key: private}, "private key"},
		"certificate":        {VerifierOptions{Key: certificate}, "is a certificate"},
		"another PEM":        {VerifierOptions{Key: other}, "DH PARAMETERS"},
		"no PEM":             {VerifierOptions{Key: pemFile(t, []byte("ssh-ed25519 AAAA"))}, "no PEM"},
		"short RSA":          {VerifierOptions{Key: rsaPen(t, 1024).public(t)}, "1024 bits"},
		"P-224":              {VerifierOptions{Key: ecdsaPen(t, elliptic.P224(), crypto.SHA256).public(t)}, "P-224"},
		"no program":         {VerifierOptions{Key: "nosuchkms://key"}, "nosuchkms"},
		"a path as program":  {VerifierOptions{Key: "../evil://key"}, "../evil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := NewVerifier(t.Context(), c.o)
			if err == nil || v != nil {
				t.Fatalf("got a verifier and the error %v", err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error %q does not say %q", err, c.says)
			}
		})
	}
}

func TestVerifyByKeyInVariable(t *testing.T) {
	t.Parallel()
	p, b := newPen(t), newVerifyBed(t)
	b.put(t, "sig", p.signature(t, payloadAbout(b.image, "null")))
	v, err := b.verify(t, VerifierOptions{Key: "env://KEY", Environment: Environment{Environ: []string{"KEY=old", "KEY=" + string(p.pem(t))}}})
	if err != nil || len(v.Signatures) != 1 {
		t.Fatalf("found %+v, %v", v, err)
	}
}
