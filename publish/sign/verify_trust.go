//go:build !nosign

package sign

import (
	"context"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// trust is whose signatures count, and by which proofs.
type trust struct {
	key      *publicKey // nil where an identity counts
	identity verify.CertificateIdentity
	sought   sought
	root     root.TrustedMaterial
	log      bool // each signature needs a proof of a log
}

// sought is the identity and issuer that were asked for, in words.
type sought struct{ identity, issuer string }

func newTrust(ctx context.Context, o VerifierOptions) (*trust, error) {
	t := &trust{root: root.TrustedMaterialCollection{}, log: o.RequireLog}
	if err := t.readRoot(o.TrustedRoot); err != nil {
		return nil, err
	}
	keyless := o.Identity+o.IdentityRegexp+o.Issuer+o.IssuerRegexp != ""
	switch {
	case o.Key != "" && keyless:
		return nil, errors.New("a key and an identity are two ways to verify; leave --key or the --certificate flags out")
	case o.Key == "" && !keyless:
		return nil, errors.New("nobody is named whose signatures count; add --key cosign.pub, or --certificate-identity and --certificate-oidc-issuer")
	case keyless:
		return t, t.nameIdentity(o)
	case o.RequireLog && len(t.root.RekorLogs()) == 0:
		return nil, errors.New("a log entry is required (--require-log), but no log is trusted; name a trusted root with a transparency log in it (--trusted-root FILE)")
	}
	var err error
	t.key, err = readPublicKey(ctx, o.Key, o.Environment)
	return t, err
}

func (t *trust) readRoot(raw []byte) error {
	if raw == nil {
		return nil
	}
	return guarded(func() error {
		r, err := root.NewTrustedRootFromJSON(raw)
		if err != nil {
			return fmt.Errorf("the trusted root (--trusted-root) is not one that can be read: %w", err)
		}
		t.root = r
		return nil
	})
}

// nameIdentity reads whose certificates count. The proofs that are needed follow from
// the root: where it knows a log, a signature that avoids the log is not what its
// readers watch, so a timestamp alone does not do.
func (t *trust) nameIdentity(o VerifierOptions) error {
	switch {
	case o.Identity+o.IdentityRegexp == "":
		return errors.New("an issuer alone would let in everybody whom it knows; add --certificate-identity or --certificate-identity-regexp")
	case o.Issuer+o.IssuerRegexp == "":
		return errors.New("an identity is only as good as who vouches for it; add --certificate-oidc-issuer or --certificate-oidc-issuer-regexp")
	case len(t.root.FulcioCertificateAuthorities()) == 0:
		return errors.New("a keyless verification needs to know whose certificates count; add --trusted-root FILE with a certificate authority in it")
	case len(t.root.RekorLogs()) == 0 && len(t.root.TimestampingAuthorities()) == 0:
		return errors.New("the trusted root (--trusted-root) has neither a transparency log nor a timestamp authority, so no time of a signature can be proven")
	}
	var err error
	t.identity, err = verify.NewShortCertificateIdentity(o.Issuer, o.IssuerRegexp, o.Identity, o.IdentityRegexp)
	if err != nil {
		return fmt.Errorf("read the regular expressions for identity and issuer: %w", err)
	}
	t.sought = sought{identity: inWords(o.Identity, o.IdentityRegexp), issuer: inWords(o.Issuer, o.IssuerRegexp)}
	t.log = len(t.root.RekorLogs()) > 0
	return nil
}

func inWords(exact, pattern string) string {
	switch {
	case exact == "":
		return "something like " + shown(pattern)
	case pattern == "":
		return shown(exact)
	}
	return shown(exact) + " like " + shown(pattern)
}

// material is what the library takes proofs from, for one piece of evidence.
type material struct {
	root.TrustedMaterial
	key     *publicKey
	stamped []byte
}

func (t *trust) material(e *evidence) material { return material{t.root, t.key, e.stamped} }

// PublicKeyVerifier has the key whatever a signature says of it: that hint is not signed.
func (m material) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	if m.key == nil {
		return nil, errors.New("identities count, and no key does")
	}
	return m.key, nil
}

// TimestampingAuthorities are those of the root.
func (m material) TimestampingAuthorities() []root.TimestampingAuthority {
	all := m.TrustedMaterial.TimestampingAuthorities()
	if m.stamped == nil {
		return all
	}
	wide := make([]root.TimestampingAuthority, len(all))
	for i, a := range all {
		wide[i] = enveloping{a, m.stamped}
	}
	return wide
}

// enveloping takes a timestamp of the whole envelope, too: cosign has them made of it
// under the tag .att, and the envelope has the signature in it.
type enveloping struct {
	root.TimestampingAuthority
	envelope []byte
}

func (a enveloping) Verify(stamp, signature []byte) (*root.Timestamp, error) {
	at, err := a.TimestampingAuthority.Verify(stamp, signature)
	if err == nil {
		return at, nil
	}
	if at, werr := a.TimestampingAuthority.Verify(stamp, a.envelope); werr == nil {
		return at, nil
	}
	return nil, err
}

// options are what the library has to ask for.
func (t *trust) options() []verify.VerifierOption {
	var all []verify.VerifierOption
	if t.log {
		all = append(all, verify.WithTransparencyLog(1))
	}
	switch {
	case t.key != nil:
		return append(all, verify.WithNoObserverTimestamps())
	case t.log:
		all = append(all, verify.WithObserverTimestamps(1))
	default:
		all = append(all, verify.WithSignedTimestamps(1))
	}
	// Like cosign: a root that knows logs of certificates asks each certificate for them.
	if len(t.root.CTLogs()) > 0 {
		all = append(all, verify.WithSignedCertificateTimestamps(1))
	}
	return all
}

func (t *trust) policy() verify.PolicyOption {
	if t.key != nil {
		return verify.WithKey()
	}
	return verify.WithCertificateIdentity(t.identity)
}
