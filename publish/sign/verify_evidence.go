//go:build !nosign

package sign

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	sgbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// origin is where a piece of evidence was found, which decides what it may count for.
type origin int

const (
	ofSignature   origin = iota // the tag .sig: it signs the image
	ofAttestation               // the tag .att: it attests, whatever its predicate says
	ofBundle                    // its predicate says which of both
)

// evidence is one signature and what proves it, read from either format. Nothing of it
// is trusted yet. It is what sigstore's verifier takes, so that both formats are
// decided by the same code.
type evidence struct {
	origin     origin
	unreadable error // why nothing below is known

	payload   []byte // what was signed
	enveloped bool   // the payload is a statement in a DSSE envelope
	signature []byte

	certificate *x509.Certificate // nil where a key signed
	hint        string            // which key signed, as the signer says; may be ""

	entries []*tlog.Entry // of transparency logs
	noEntry error         // why the one that is there cannot be read
	stamps  [][]byte      // RFC 3161 timestamps
	stamped []byte        // what else than the signature they may be about
}

// message is what the signature is over.
//
// https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
func (e *evidence) message() []byte {
	if !e.enveloped {
		return e.payload
	}
	return dsse.PAE(ctypes.IntotoPayloadType, e.payload)
}

// The methods below are those of sigstore's interface for what is verified.

func (e *evidence) HasInclusionPromise() bool { return len(e.entries) > 0 }
func (e *evidence) HasInclusionProof() bool   { return len(e.entries) > 0 }

// Version is none that a bundle has, as those allow hashes that do not fit the curve.
func (e *evidence) Version() (string, error) { return "", nil }

func (e *evidence) Timestamps() ([][]byte, error) { return e.stamps, nil }

func (e *evidence) TlogEntries() ([]*tlog.Entry, error) { return e.entries, nil }

func (e *evidence) VerificationContent() (verify.VerificationContent, error) { return e.by(), nil }

func (e *evidence) SignatureContent() (verify.SignatureContent, error) { return content{e}, nil }

// by is whom the signature is compared with.
func (e *evidence) by() verify.VerificationContent {
	if e.certificate != nil {
		return sgbundle.NewCertificate(e.certificate)
	}
	return &sgbundle.PublicKey{}
}

// content is how sigstore's verifier sees the signature of a piece of evidence.
type content struct{ *evidence }

func (c content) Signature() []byte { return c.signature }

func (c content) EnvelopeContent() verify.EnvelopeContent {
	if !c.enveloped {
		return nil
	}
	return c
}

func (c content) MessageSignatureContent() verify.MessageSignatureContent {
	if c.enveloped {
		return nil
	}
	return c
}

// RawEnvelope leaves the hint out which key signed: it is not signed itself, and the
// library would rather believe it than try our key.
func (c content) RawEnvelope() *dsse.Envelope {
	return &dsse.Envelope{
		PayloadType: ctypes.IntotoPayloadType,
		Payload:     base64.StdEncoding.EncodeToString(c.payload),
		Signatures:  []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(c.signature)}},
	}
}

// Statement gives the library our own reading, so that it decides about what we report.
func (c content) Statement() (*intoto.Statement, error) {
	s, err := readStatement(c.payload)
	if err != nil {
		return nil, err
	}
	out := &intoto.Statement{Type: s.Type, PredicateType: s.PredicateType}
	for _, subject := range s.Subject {
		out.Subject = append(out.Subject, &intoto.ResourceDescriptor{Name: subject.Name, Digest: subject.Digest})
	}
	return out, nil
}

// Digest and DigestAlgorithm are not asked for, as the payload itself is at hand.
func (c content) Digest() []byte          { return nil }
func (c content) DigestAlgorithm() string { return "" }

// guarded runs code of sigstore's libraries over foreign bytes. Some of it takes
// fields for granted that an entry of a log need not have; one hostile piece must not
// end the program.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sigstore's library cannot read it: %v", r)
		}
	}()
	return f()
}
