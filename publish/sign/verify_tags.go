//go:build !nosign

package sign

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/tlog"
)

// annotationKey names the key that made what lies under a tag, as the hint of a bundle
// does. It is not signed, and serves to tell a payload that was changed from one that
// another key signed.
const annotationKey = "dev.nanobuild.key"

// fromSignature reads a layer of the tag .sig: the payload is signed as it is, and the
// signature is an annotation.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
func fromSignature(a artifact) *evidence {
	e := &evidence{origin: ofSignature, payload: a.content}
	text, ok := a.desc.Annotations[static.SignatureAnnotationKey]
	if !ok {
		e.unreadable = fmt.Errorf("it has no annotation %s", static.SignatureAnnotationKey)
		return e
	}
	var err error
	if e.signature, err = base64.StdEncoding.DecodeString(text); err != nil {
		e.unreadable = fmt.Errorf("its annotation %s is no base64: %w", static.SignatureAnnotationKey, err)
		return e
	}
	e.unreadable = e.readProofs(a.desc.Annotations)
	return e
}

// fromAttestation reads a layer of the tag .att: a DSSE envelope.
//
// https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
func fromAttestation(a artifact) *evidence {
	e := &evidence{origin: ofAttestation, enveloped: true, stamped: a.content}
	if e.unreadable = e.readEnvelope(a.content); e.unreadable == nil {
		e.unreadable = e.readProofs(a.desc.Annotations)
	}
	return e
}

func (e *evidence) readEnvelope(raw []byte) error {
	var env struct {
		PayloadType string       `json:"payloadType"`
		Payload     eitherBase64 `json:"payload"`
		Signatures  []struct {
			Sig eitherBase64 `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(raw, &env); err != nil {
		return fmt.Errorf("it is no DSSE envelope: %w", err)
	}
	e.payload = env.Payload
	if env.PayloadType != ctypes.IntotoPayloadType {
		return fmt.Errorf("its envelope holds %s instead of %s", shown(env.PayloadType), ctypes.IntotoPayloadType)
	}
	if len(env.Signatures) != 1 {
		return fmt.Errorf("its envelope has %d signatures instead of one", len(env.Signatures))
	}
	e.signature = env.Signatures[0].Sig
	return nil
}

// eitherBase64 is bytes in one of both alphabets, which envelopes may have.
type eitherBase64 []byte

func (b *eitherBase64) UnmarshalText(text []byte) (err error) {
	if *b, err = base64.StdEncoding.DecodeString(string(text)); err != nil {
		*b, err = base64.URLEncoding.DecodeString(string(text))
	}
	return err
}

// readProofs reads certificate, log entry and timestamp from a layer's annotations.
// The chain is left there: certificates come from the trusted root alone.
func (e *evidence) readProofs(annotations map[string]string) error {
	e.hint = annotations[annotationKey]
	if text := annotations[static.CertificateAnnotationKey]; text != "" {
		block, _ := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" {
			return fmt.Errorf("its annotation %s is no certificate", static.CertificateAnnotationKey)
		}
		var err error
		if e.certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("its certificate: %w", err)
		}
	}
	if text := annotations[static.BundleAnnotationKey]; text != "" {
		e.noEntry = e.readEntry([]byte(text)) // which does not matter where no log is asked for
	}
	if text := annotations[static.RFC3161TimestampAnnotationKey]; text != "" {
		var stamp struct{ SignedRFC3161Timestamp []byte }
		if err := json.Unmarshal([]byte(text), &stamp); err != nil {
			return fmt.Errorf("its timestamp: %w", err)
		}
		if err := checkStamp(stamp.SignedRFC3161Timestamp); err != nil {
			return err
		}
		e.stamps = [][]byte{stamp.SignedRFC3161Timestamp}
	}
	return nil
}

// readEntry reads an entry of a log with the log's promise to keep it.
func (e *evidence) readEntry(raw []byte) error {
	var promised struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           []byte `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := json.Unmarshal(raw, &promised); err != nil {
		return err
	}
	p := promised.Payload
	var kind struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(p.Body, &kind); err != nil {
		return fmt.Errorf("its body is no JSON: %w", err)
	}
	id, err := hex.DecodeString(p.LogID)
	if err != nil || len(id) == 0 {
		return errors.New("it does not say of which log it is")
	}
	return e.addEntry(&protorekor.TransparencyLogEntry{
		LogIndex: p.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: p.IntegratedTime, CanonicalizedBody: p.Body,
		KindVersion:      &protorekor.KindVersion{Kind: kind.Kind, Version: kind.Version},
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: promised.SignedEntryTimestamp},
	})
}

func (e *evidence) addEntry(raw *protorekor.TransparencyLogEntry) error {
	return guarded(func() error {
		entry, err := tlog.ParseTransparencyLogEntry(raw)
		if err != nil {
			return err
		}
		if err := tlog.ValidateEntry(entry); err != nil {
			return err
		}
		if entry.PublicKey() == nil {
			return errors.New("it does not say who signed")
		}
		e.entries = append(e.entries, entry)
		return nil
	})
}
