//go:build !nosign

package sign

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
