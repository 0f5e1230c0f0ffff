//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"crypto"
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
	if err := checkReference("--sign-key", o.Key); err != nil {
		return nil, err
	}
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
	hint, err := hintOf(public)
	if err != nil {
		return nil, err
	}
	return &keyed{signer: signer, verifier: verifier, hint: hint}, nil
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

func (k *keyed) signed(a artifact) bool { return k.mine(fromSignature(a)) }

func (k *keyed) attested(a artifact) ([]byte, bool) {
	e := fromAttestation(a)
	return e.payload, k.mine(e)
}

func (k *keyed) bundled(b bundle) ([]byte, bool) {
	e := fromBundle(b)
	return e.payload, k.mine(e)
}

// mine tells whether a signature is by this key. It must be one that a verifier can
// read, too: a damaged one is no reason not to sign. A certificate beside it counts as
// there.
func (k *keyed) mine(e *evidence) bool {
	if e.unreadable != nil || e.origin == ofBundle && e.certificate != nil {
		return false
	}
	return k.verifier.VerifySignature(bytes.NewReader(e.signature), bytes.NewReader(e.message())) == nil
}
