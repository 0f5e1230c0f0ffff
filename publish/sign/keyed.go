//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	"github.com/sigstore/sigstore/pkg/signature"
)

// keyed signs by a key.
type keyed struct {
	signer   func(ctx context.Context, message []byte) ([]byte, error)
	verifier signature.Verifier
	hint     string // names the key in bundles
}

// newKeyed opens the key.
func newKeyed(ctx context.Context, o SignerOptions) (*keyed, error) {
	if isKMS(o.Key) {
		k, err := openKMS(ctx, o.Key, o.Environment)
		if err != nil {
			return nil, err
		}
		if err := checkPublic(k.public); err != nil {
			return nil, fmt.Errorf("open the key %s: %w", o.Key, err)
		}
		return keyedBy(k.public, k.sign)
	}
	text, err := readKey(o.Key, o.Environment)
	if err != nil {
		return nil, err
	}
	private, err := privateKey(text, o.Password)
	if err != nil {
		return nil, fmt.Errorf("open the key %s: %w", o.Key, err)
	}
	// Without options, an Ed25519 key signs the message itself: cosign verifies nothing
	// else by default.
	signer, err := signature.LoadDefaultSigner(private)
	if err != nil {
		return nil, fmt.Errorf("open the key %s: %w", o.Key, err)
	}
	return keyedBy(private.Public(), func(_ context.Context, message []byte) ([]byte, error) {
		return signer.SignMessage(bytes.NewReader(message))
	})
}

func keyedBy(public crypto.PublicKey, signer func(context.Context, []byte) ([]byte, error)) (*keyed, error) {
	verifier, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &keyed{signer: signer, verifier: verifier, hint: base64.StdEncoding.EncodeToString(sum[:])}, nil
}

// ready has nothing to ask for: a key is its own name.
func (k *keyed) ready(context.Context) error { return nil }

func (k *keyed) sign(ctx context.Context, message []byte) (made, error) {
	raw, err := k.signer(ctx, message)
	if err == nil && k.verifier.VerifySignature(bytes.NewReader(raw), bytes.NewReader(message)) != nil {
		err = errors.New("what the key made is no signature that its public key verifies")
	}
	return made{content: raw, annotations: map[string]string{annotationKey: k.hint}}, err
}

func (k *keyed) envelope(ctx context.Context, statement []byte) (made, error) {
	signed, err := k.sign(ctx, dsse.PAE(ctypes.IntotoPayloadType, statement))
	if err != nil {
		return made{}, err
	}
	content, err := json.Marshal(dsse.Envelope{
		PayloadType: ctypes.IntotoPayloadType, Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(signed.content)}},
	})
	return made{content: content, annotations: signed.annotations}, err
}

func (k *keyed) bundle(ctx context.Context, statement []byte) ([]byte, error) {
	signed, err := k.sign(ctx, dsse.PAE(ctypes.IntotoPayloadType, statement))
	if err != nil {
		return nil, err
	}
	var b keyBundle
	b.MediaType = string(bundleType)
	b.Material.PublicKey.Hint = k.hint
	b.Envelope = bundleEnvelope{statement, ctypes.IntotoPayloadType, []bundleSignature{{signed.content}}}
	return json.Marshal(b)
}

func (k *keyed) signed(a artifact) bool {
	raw, err := base64.StdEncoding.DecodeString(a.desc.Annotations[annotationSignature])
	return err == nil && k.verifier.VerifySignature(bytes.NewReader(raw), bytes.NewReader(a.content)) == nil
}

func (k *keyed) attested(a artifact) ([]byte, bool) {
	e, ok := envelopeIn(a.content)
	return e.Payload, ok && e.signedBy(k.verifier)
}

func (k *keyed) bundled(b bundle) ([]byte, bool) {
	e, ok := envelopeOf(b)
	return e.Payload, ok && e.signedBy(k.verifier)
}
