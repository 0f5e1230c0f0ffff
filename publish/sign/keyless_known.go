//go:build !nosign

package sign

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

func (k *keyless) signed(a artifact) bool { return k.mine(fromSignature(a)) }

func (k *keyless) attested(a artifact) (statement []byte, ok bool) {
	e := fromAttestation(a)
	return e.payload, k.mine(e)
}

func (k *keyless) bundled(b bundle) (statement []byte, ok bool) {
	e := fromBundle(b)
	return e.payload, k.mine(e)
}

// mine tells whether a signature is of the identity that signs now: the same authority
// made the certificate out to it, the signature fits, and what proves its time is
// there and lies within the certificate's. Where a trusted root is known, that is checked
// as well.
func (k *keyless) mine(e *evidence) bool {
	c := k.held.Load()
	if c == nil || e.unreadable != nil || e.certificate == nil {
		return false
	}
	if len(c.chain) < 2 || e.certificate.CheckSignatureFrom(c.chain[1]) != nil {
		return false
	}
	identity, issuer, err := namesIn(e.certificate)
	if err != nil || identity != c.identity || issuer != c.issuer || !e.fits() {
		return false
	}
	if len(k.services.logs) > 0 && len(e.entries) == 0 || len(k.services.stamps) > 0 && len(e.stamps) == 0 {
		return false
	}
	return k.check(e) == nil
}

// fits tells whether the key of the certificate made the signature.
func (e *evidence) fits() bool {
	verifier, err := signature.LoadVerifier(e.certificate.PublicKey, crypto.SHA256)
	if err != nil {
		return false
	}
	return verifier.VerifySignature(bytes.NewReader(e.signature), bytes.NewReader(e.message())) == nil
}

// check compares the certificate with the times that are proven, and verifies against
// the trusted root, where there is one, before anybody else has to. What proves the time
// is what was asked for.
func (k *keyless) check(e *evidence) error {
	if err := errors.Join(e.unreadable, e.noEntry); err != nil {
		return fmt.Errorf("read what was signed: %w", err)
	}
	if err := e.late(); err != nil || k.root == nil {
		return err
	}
	t := &trust{root: k.root, log: len(k.services.logs) > 0}
	err := guarded(func() error {
		about := verify.WithArtifact(bytes.NewReader(e.payload))
		if e.enveloped {
			about = verify.WithoutArtifactUnsafe() // its statement was made here
		}
		verifier, err := verify.NewVerifier(t.material(e), t.options()...)
		if err != nil {
			return err
		}
		_, err = verifier.Verify(e, verify.NewPolicy(about, verify.WithoutIdentitiesUnsafe()))
		return err
	})
	if err != nil {
		return fmt.Errorf("what was signed is not valid for the trusted root (--trusted-root): %w; check that it belongs to the services that were asked", err)
	}
	return nil
}
