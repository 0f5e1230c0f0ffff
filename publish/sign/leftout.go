//go:build nosign

package sign

import "context"

// NewSigner fails with [ErrLeftOut].
func NewSigner(context.Context, SignerOptions) (Signer, error) { return nil, ErrLeftOut }

// NewVerifier fails with [ErrLeftOut].
func NewVerifier(context.Context, VerifierOptions) (Verifier, error) { return nil, ErrLeftOut }

// GenerateKeyPair fails with [ErrLeftOut].
func GenerateKeyPair([]byte) (private, public []byte, err error) { return nil, nil, ErrLeftOut }
