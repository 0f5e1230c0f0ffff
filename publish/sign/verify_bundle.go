//go:build !nosign

package sign

import (
	"errors"
	"fmt"

	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	sgbundle "github.com/sigstore/sigstore-go/pkg/bundle"
)

// fromBundle reads a sigstore bundle with a DSSE envelope in it.
//
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
func fromBundle(b bundle) *evidence {
	e := &evidence{origin: ofBundle, enveloped: true}
	e.unreadable = guarded(func() error { return e.readBundle(b.content) })
	return e
}

func (e *evidence) readBundle(raw []byte) error {
	var b sgbundle.Bundle
	if err := b.UnmarshalJSON(raw); err != nil {
		return fmt.Errorf("it is no bundle: %w", err)
	}
	env := b.GetDsseEnvelope()
	if env == nil {
		return errors.New("it signs bytes and not a statement about an image")
	}
	e.payload = env.GetPayload()
	if env.GetPayloadType() != ctypes.IntotoPayloadType {
		return fmt.Errorf("its envelope holds %s instead of %s", shown(env.GetPayloadType()), ctypes.IntotoPayloadType)
	}
	if n := len(env.GetSignatures()); n != 1 {
		return fmt.Errorf("its envelope has %d signatures instead of one", n)
	}
	e.signature = env.GetSignatures()[0].GetSig()
	return e.readMaterial(&b)
}

// readMaterial reads with what the signature is to be checked.
func (e *evidence) readMaterial(b *sgbundle.Bundle) error {
	how, err := b.VerificationContent()
	if err != nil {
		return fmt.Errorf("it does not say who signed: %w", err)
	}
	e.certificate = how.Certificate()
	if key, ok := b.GetVerificationMaterial().GetContent().(*protobundle.VerificationMaterial_PublicKey); ok {
		e.hint = key.PublicKey.GetHint()
	}
	for _, entry := range b.GetVerificationMaterial().GetTlogEntries() {
		if err := e.addEntry(entry); err != nil {
			return fmt.Errorf("its log entry: %w", err)
		}
	}
	if e.stamps, err = b.Timestamps(); err != nil {
		return err
	}
	for _, stamp := range e.stamps {
		if err := checkStamp(stamp); err != nil {
			return err
		}
	}
	return nil
}
