//go:build !nosign

package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/cosign/v2/pkg/cosign"
)

// privateKey returns the private key in a PEM text. Asked for is the password only
// where the key is encrypted.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#keys
func privateKey(text []byte, password func() ([]byte, error)) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no key: it has no PEM block; make one by nanobuild generate-key-pair")
	}
	der := block.Bytes
	switch block.Type {
	case cosign.SigstorePrivateKeyPemType, cosign.CosignPrivateKeyPemType:
		var err error
		if der, err = decrypt(der, password); err != nil {
			return nil, err
		}
	case cosign.PrivateKeyPemType:
	case cosign.RSAPrivateKeyPemType, cosign.ECPrivateKeyPemType, "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("it has a key of the type %q, which is not read; turn it into one of cosign's by cosign import-key-pair", block.Type)
	case "PUBLIC KEY":
		return nil, errors.New("it is a public key, which verifies; signing takes the private one, such as cosign.key")
	default:
		return nil, fmt.Errorf("it has a PEM block of the type %q, which is no private key; make one by nanobuild generate-key-pair", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, errors.New("what is in it is no private key in the format PKCS #8")
	}
	return signer, checkPublic(signer.Public())
}

// decrypt takes the encryption off a key.
func decrypt(content []byte, password func() ([]byte, error)) ([]byte, error) {
	var secret []byte
	if password != nil {
		var err error
		if secret, err = password(); err != nil {
			return nil, fmt.Errorf("ask for its password: %w", err)
		}
	}
	der, err := encrypted.Decrypt(content, secret)
	switch {
	case err == nil:
		return der, nil
	case err.Error() != wrongPassword:
		return nil, errors.New("its encryption cannot be read: the key is damaged, or was made by a later version of cosign")
	case len(secret) == 0:
		return nil, errors.New("it is encrypted and there is no password; set COSIGN_PASSWORD")
	}
	return nil, errors.New("its password is wrong; check COSIGN_PASSWORD")
}

// wrongPassword is the library's error for one, which it has no type for. A test sees
// to it that it stays so.
const wrongPassword = "encrypted: decryption failed"

// checkPublic refuses keys whose signatures not every version of cosign verifies: it
// makes those of larger curves with one digest and verifies them with another.
func checkPublic(public crypto.PublicKey) error {
	const try = "make one for P-256 by nanobuild generate-key-pair"
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return fmt.Errorf("it is for the curve %s, whose signatures cosign does not verify by default; %s", k.Curve.Params().Name, try)
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); !slices.Contains([]int{2048, 3072, 4096}, bits) {
			return fmt.Errorf("it is for RSA with %d bits, and cosign takes 2048, 3072 and 4096; %s", bits, try)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("it is of a kind that cosign does not verify; %s", try)
	}
	return nil
}
