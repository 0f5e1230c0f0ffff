// Package sign signs images and what is said about them, and verifies both, in the
// formats of cosign. It is the only package that knows sigstore's libraries; nothing
// of theirs is seen outside of it. Built with the tag nosign, it has none of them, and
// each function says so.
package sign

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Format is how signatures lie in a registry. An image has one of them, since
// cosign looks at bundles alone where there is one.
type Format string

// The formats.
const (
	// Tags keeps signatures under the tag sha256-….sig and attestations under
	// sha256-….att.
	// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
	Tags Format = "tags"
	// Bundle keeps each signature and attestation as a sigstore bundle that refers to
	// the image.
	// https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
	Bundle Format = "bundle"
)

// The types of the predicates that nanobuild makes or asks for.
const (
	PredicateSPDX      = "https://spdx.dev/Document"
	PredicateCycloneDX = "https://cyclonedx.org/bom"
	PredicateSLSA      = "https://slsa.dev/provenance/v1"
	// PredicateSign is that of a bundle which says no more than that an image is
	// signed.
	PredicateSign = "https://sigstore.dev/cosign/sign/v1"
)

// Subject is a manifest that is signed.
type Subject struct {
	Digest    v1.Hash
	MediaType types.MediaType
	Size      int64 // of the manifest, in bytes
}

// Statement is something that is said of a subject.
type Statement struct {
	PredicateType string
	Predicate     json.RawMessage
}

// Signer signs with one key or one identity. It is safe for concurrent use; what
// belongs to one subject is written one after the other.
type Signer interface {
	// Format is how it keeps its signatures.
	Format() Format
	// Sign signs the subject, which the repository must hold, and attests the
	// statements about it. What the registry has of it already is not added again; with
	// Tags, a statement takes the place of our own one of the same type before, and with
	// Bundle it lies beside it. It fails with a [MixedError] where the subject has signatures of another format.
	Sign(ctx context.Context, repo *distribution.Repository, s Subject, statements ...Statement) (Signed, error)
}

// Signed says what Sign did.
type Signed struct {
	Signature    bool // it was added, and not there before
	Attestations int  // how many were added
}

// SignerOptions choose the key or the identity.
type SignerOptions struct {
	// Key is a file in cosign's format, env://VARIABLE with the content of one, or the
	// reference of a key in a KMS, such as awskms://…, for which the program
	// sigstore-kms-awskms is run. "" is for keyless signing.
	Key     string
	Keyless *Keyless // nil where there is a Key

	Format      Format            // "" is Tags with a key and Bundle without
	Annotations map[string]string // of each signature

	Environment
}

// Environment is what keys are read with.
type Environment struct {
	Password  func() ([]byte, error) // of the key; asked at most once
	Environ   []string               // name=value; of variables with keys, and of KMS programs
	WorkDir   string                 // what relative names of files start at
	Transport http.RoundTripper      // to Fulcio, Rekor, timestamp authorities and token endpoints
}

// Keyless says who vouches for an identity. All but Token may be empty: then it is the
// public instance of sigstore.
type Keyless struct {
	Token         func(context.Context) (string, error) // an OpenID Connect token for the audience sigstore
	Fulcio        string                                // URL of the certificate authority
	Rekor         string                                // URL of the transparency log; "none" leaves it out
	TSA           string                                // URL of a timestamp authority, the whole path
	SigningConfig []byte                                // JSON; replaces the URLs
	TrustedRoot   []byte                                // JSON; what was made is checked against it
	Now           func() time.Time                      // for tokens and services that end; nil leaves that to the authority
}

// Verifier verifies against one key or one identity. It is safe for concurrent use.
type Verifier interface {
	// Verify reads all signatures and attestations of a manifest. It fails with a
	// [VerifyError] where no signature of the manifest itself is valid.
	Verify(ctx context.Context, repo *distribution.Repository, subject v1.Hash) (*Verified, error)
}

// VerifierOptions say whose signatures count: Key, or an identity with its issuer.
type VerifierOptions struct {
	Key string // a file with a public key, env://VARIABLE, or the reference of a KMS

	Identity, IdentityRegexp string // of the certificate
	Issuer, IssuerRegexp     string // of its identity

	// TrustedRoot is the JSON of those whose certificates, logs and timestamps count.
	// Keyless verification needs it.
	TrustedRoot []byte
	// RequireLog asks a signature by Key for its entry in a transparency log, too.
	// Keyless ones always need it, and where the trusted root has no log, a timestamp.
	RequireLog bool

	Annotations map[string]string // that a signature must have
	Environment
}

// Verified is what holds for a manifest.
type Verified struct {
	Format       Format            `json:"format"`
	Signatures   []Signature       `json:"signatures"`
	Attestations []Attestation     `json:"attestations,omitempty"`
	Refused      []RefusedArtifact `json:"refused,omitempty"`
}

// Signature is a valid signature.
type Signature struct {
	// Key is the SHA-256 of the public key in DER, base64, as bundles name it; "" for a
	// certificate.
	Key         string            `json:"key,omitempty"`
	Identity    string            `json:"identity,omitempty"` // of the certificate
	Issuer      string            `json:"issuer,omitempty"`
	Logged      bool              `json:"logged"`         // proven to be in a transparency log
	Time        int64             `json:"time,omitempty"` // Unix seconds that log or authority vouch for; 0 for none
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Attestation is a valid attestation.
type Attestation struct {
	Signature
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"-"`
}

// RefusedArtifact is a signature or an attestation that does not count.
type RefusedArtifact struct {
	What string `json:"what"` // such as "signature" or the predicate's type
	Why  string `json:"why"`
}

// Reason is why nothing that is valid was found.
type Reason string

// The reasons.
const (
	Unsigned        Reason = "unsigned"         // there is nothing at all
	AttestationOnly Reason = "attestation only" // something is attested, but the image is not signed
	WrongKey        Reason = "wrong key"        // or damaged: a signature does not fit the key
	WrongIdentity   Reason = "wrong identity"
	WrongIssuer     Reason = "wrong issuer"
	Tampered        Reason = "tampered"    // the payload is not what was signed
	OtherImage      Reason = "other image" // the signature is of another digest
	WrongAnnotation Reason = "wrong annotation"
	Expired         Reason = "expired"   // the certificate was not valid when it was used
	NotLogged       Reason = "no proof"  // neither log entry nor timestamp
	Untrusted       Reason = "untrusted" // certificate, log or authority are not of the trusted root
	Mixed           Reason = "mixed formats"
)

// VerifyError says why a manifest is not verified.
type VerifyError struct {
	Subject string // repository@digest
	Reason  Reason
	Why     string // one sentence, without a full stop
	Try     string // what to do, one sentence with a full stop; may be ""
}

func (e *VerifyError) Error() string {
	text := e.Subject + ": " + e.Why
	if e.Try != "" {
		text += "; " + e.Try
	}
	return text
}

// MixedError says that a subject has signatures of the other format, which stock
// verifiers would not see any more, or see alone.
type MixedError struct {
	Subject   string // repository@digest
	Has, Asks Format
}

func (e *MixedError) Error() string {
	return e.Subject + " has signatures in the format " + string(e.Has) + " and verifiers look at one format alone; use --sign-format " + string(e.Has)
}

// ErrLeftOut is what every function fails with in a program that was built without
// signing.
var ErrLeftOut = errors.New("this nanobuild was built without signing (tag nosign); take the complete program to sign and verify")
