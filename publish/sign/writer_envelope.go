//go:build !nosign

package sign

import (
	"bytes"
	"encoding/json"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	"github.com/sigstore/sigstore/pkg/signature"
)

// keyBundle is a bundle of a signature by a key, without log entry or timestamp.
//
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
type keyBundle struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		PublicKey struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
	} `json:"verificationMaterial"`
	Envelope bundleEnvelope `json:"dsseEnvelope"`
}

// bundleEnvelope is a DSSE envelope; that of a tag is written in the same way. JSON
// has its bytes in base64.
//
// https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md
type bundleEnvelope struct {
	Payload     []byte            `json:"payload"`
	PayloadType string            `json:"payloadType"`
	Signatures  []bundleSignature `json:"signatures"`
}

type bundleSignature struct {
	Sig []byte `json:"sig"`
}

// envelopeIn reads an envelope with a statement.
func envelopeIn(content []byte) (e bundleEnvelope, ok bool) {
	ok = json.Unmarshal(content, &e) == nil && e.PayloadType == ctypes.IntotoPayloadType
	return e, ok
}

// envelopeOf reads the envelope with a statement in a bundle.
func envelopeOf(b bundle) (e bundleEnvelope, ok bool) {
	var read struct {
		Envelope bundleEnvelope `json:"dsseEnvelope"`
	}
	ok = json.Unmarshal(b.content, &read) == nil && read.Envelope.PayloadType == ctypes.IntotoPayloadType
	return read.Envelope, ok
}

// signedBy tells whether one of the signatures is the verifier's.
func (e bundleEnvelope) signedBy(v signature.Verifier) bool {
	message := dsse.PAE(e.PayloadType, e.Payload)
	for _, s := range e.Signatures {
		if v.VerifySignature(bytes.NewReader(s.Sig), bytes.NewReader(message)) == nil {
			return true
		}
	}
	return false
}
