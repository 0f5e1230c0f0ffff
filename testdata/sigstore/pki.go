package sigstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"time"

	"github.com/sigstore/sigstore-go/pkg/testing/ca"
)

// pki is the keys and certificates of all services.
type pki struct {
	root, issuer, stampIssuer, stamp *x509.Certificate

	issuerKey, stampKey *ecdsa.PrivateKey
	logKey, otherLogKey *ecdsa.PrivateKey // the second is not of the trusted root
	tokenKey            *ecdsa.PrivateKey
}

func newPKI() (*pki, error) {
	root, rootKey, err := ca.GenerateRootCa()
	if err != nil {
		return nil, err
	}
	p := &pki{root: root}
	if p.issuer, p.issuerKey, err = ca.GenerateFulcioIntermediate(root, rootKey); err != nil {
		return nil, err
	}
	var stampIssuerKey *ecdsa.PrivateKey
	if p.stampIssuer, stampIssuerKey, err = ca.GenerateTSAIntermediate(root, rootKey); err != nil {
		return nil, err
	}
	for _, key := range []**ecdsa.PrivateKey{&p.stampKey, &p.logKey, &p.otherLogKey, &p.tokenKey} {
		if *key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	// It is valid for ten minutes from the given time on; some of them are left to
	// clocks that are read in whole seconds.
	p.stamp, err = ca.GenerateTSALeafCert(time.Now().Add(-time.Minute), p.stampKey, p.stampIssuer, stampIssuerKey)
	return p, err
}

// keyID is how logs are named: the SHA-256 of their public key.
// https://www.rfc-editor.org/rfc/rfc6962#section-3.2
func keyID(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}
