//go:build !nosign

package sign

import (
	"fmt"

	"github.com/sigstore/cosign/v2/pkg/cosign"
)

// GenerateKeyPair returns a private key on the curve P-256, encrypted with the
// password, and its public key, both PEM as cosign reads them. An empty password
// encrypts, too, and protects from nobody.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#keys
func GenerateKeyPair(password []byte) (private, public []byte, err error) {
	keys, err := cosign.GenerateKeyPair(func(bool) ([]byte, error) { return password, nil })
	if err != nil {
		return nil, nil, fmt.Errorf("make a key pair: %w", err)
	}
	return keys.PrivateBytes, keys.PublicBytes, nil
}
