//go:build !nosign

package sign

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	cbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
)

// annotated puts beside a signature or an envelope what proves it, as cosign does. The
// timestamp is of the signature itself, or of the envelope as a whole. A tag has a
// place for one log and one authority; the first are taken.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
func (k *keyless) annotated(ctx context.Context, p *product, content, stamped, message []byte) (made, error) {
	chain := p.certificate.chain
	options := []static.Option{static.WithCertChain(pemOf(chain[:1]), pemOf(chain[1:]))}
	if promise := p.promise(); promise != nil {
		options = append(options, static.WithBundle(promise))
	}
	stamps, err := k.stamp(ctx, k.services.stamps[:min(1, len(k.services.stamps))], stamped)
	if err != nil {
		return made{}, err
	}
	if len(stamps) > 0 {
		options = append(options, static.WithRFC3161Timestamp(cbundle.TimestampToRFC3161Timestamp(stamps[0])))
	}
	layer, err := static.NewSignature(nil, "", options...)
	if err != nil {
		return made{}, err
	}
	annotations, err := layer.Annotations()
	if err != nil {
		return made{}, err
	}
	delete(annotations, static.SignatureAnnotationKey) // the writer's
	m := made{content: content, annotations: annotations}
	return m, k.check(m.evidence(message))
}

// evidence is what was made as a verifier reads it; the message is nil for envelopes.
func (m made) evidence(message []byte) *evidence {
	if message == nil {
		return fromAttestation(artifact{content: m.content, desc: v1.Descriptor{Annotations: m.annotations}})
	}
	annotations := map[string]string{static.SignatureAnnotationKey: base64.StdEncoding.EncodeToString(m.content)}
	for name, value := range m.annotations {
		annotations[name] = value
	}
	return fromSignature(artifact{content: message, desc: v1.Descriptor{Annotations: annotations}})
}

// envelope is the very bytes whose hash the log has.
func (p *product) envelope() ([]byte, error) { return json.Marshal(p.bundle.GetDsseEnvelope()) }

// promise is the log's promise to hold an entry; nil where no log was asked.
func (p *product) promise() *cbundle.RekorBundle {
	logged := p.bundle.GetVerificationMaterial().GetTlogEntries()
	if len(logged) == 0 {
		return nil
	}
	e := logged[0]
	return &cbundle.RekorBundle{
		SignedEntryTimestamp: e.GetInclusionPromise().GetSignedEntryTimestamp(),
		Payload: cbundle.RekorPayload{
			Body:           base64.StdEncoding.EncodeToString(e.GetCanonicalizedBody()),
			IntegratedTime: e.GetIntegratedTime(),
			LogIndex:       e.GetLogIndex(),
			LogID:          hex.EncodeToString(e.GetLogId().GetKeyId()),
		},
	}
}
