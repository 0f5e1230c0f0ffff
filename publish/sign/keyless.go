//go:build !nosign

package sign

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	sgbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
)

// keyless signs by an identity: with a key that lives as long as this, and certificates
// for it that live for minutes. One certificate serves all that is signed in the first
// half of its life.
type keyless struct {
	token    func(context.Context) (string, error)
	options  Keyless
	services services
	via      http.RoundTripper
	pauses   []time.Duration
	root     *root.TrustedRoot // nil checks nothing

	turn chan struct{}              // holds one element while nobody changes what is held
	held atomic.Pointer[credential] // nil before the first was issued
}

// newKeyless makes ready for keyless signing. It fails where the options name services
// that cannot be asked, or what they hold cannot be read. Nobody is asked yet.
func newKeyless(_ context.Context, o SignerOptions) (scheme, error) {
	if o.Keyless == nil || o.Keyless.Token == nil {
		return nil, errors.New("keyless signing needs an identity token, and there is none")
	}
	chosen, err := servicesOf(*o.Keyless)
	if err != nil {
		return nil, err
	}
	k := &keyless{token: o.Keyless.Token, options: *o.Keyless, services: chosen, via: o.Transport, pauses: usualPauses(), turn: make(chan struct{}, 1)}
	k.turn <- struct{}{}
	if o.Keyless.TrustedRoot == nil {
		return k, nil
	}
	err = guarded(func() (err error) {
		k.root, err = root.NewTrustedRootFromJSON(o.Keyless.TrustedRoot)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the trusted root (--trusted-root): %w", err)
	}
	return k, nil
}

// service is one of those that are asked.
func (k *keyless) service(what, address, flag string) service {
	return service{what: what, address: address, flag: flag, via: k.via, pauses: k.pauses}
}

// ready asks for the certificate, which has the identity that [keyless.signed] and the
// others look for.
func (k *keyless) ready(ctx context.Context) error {
	_, err := k.certificate(ctx)
	return err
}

func (k *keyless) sign(ctx context.Context, message []byte) (made, error) {
	return inTime(k, func() (made, error) { return k.signOnce(ctx, message) })
}

func (k *keyless) signOnce(ctx context.Context, message []byte) (made, error) {
	p, err := k.produce(ctx, &sgsign.PlainData{Data: message})
	if err != nil {
		return made{}, err
	}
	signature := p.bundle.GetMessageSignature().GetSignature()
	return k.annotated(ctx, p, signature, signature, message)
}

func (k *keyless) envelope(ctx context.Context, statement []byte) (made, error) {
	return inTime(k, func() (made, error) { return k.envelopeOnce(ctx, statement) })
}

func (k *keyless) envelopeOnce(ctx context.Context, statement []byte) (made, error) {
	p, err := k.produce(ctx, &sgsign.DSSEData{Data: statement, PayloadType: ctypes.IntotoPayloadType})
	if err != nil {
		return made{}, err
	}
	content, err := p.envelope()
	if err != nil {
		return made{}, err
	}
	return k.annotated(ctx, p, content, content, nil)
}

func (k *keyless) bundle(ctx context.Context, statement []byte) ([]byte, error) {
	return inTime(k, func() ([]byte, error) { return k.bundleOnce(ctx, statement) })
}

func (k *keyless) bundleOnce(ctx context.Context, statement []byte) ([]byte, error) {
	p, err := k.produce(ctx, &sgsign.DSSEData{Data: statement, PayloadType: ctypes.IntotoPayloadType})
	if err != nil {
		return nil, err
	}
	stamps, err := k.stamp(ctx, k.services.stamps, p.bundle.GetDsseEnvelope().GetSignatures()[0].GetSig())
	if err != nil {
		return nil, err
	}
	for _, stamp := range stamps {
		data := &p.bundle.VerificationMaterial.TimestampVerificationData
		if *data == nil {
			*data = &protobundle.TimestampVerificationData{}
		}
		(*data).Rfc3161Timestamps = append((*data).Rfc3161Timestamps, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: stamp})
	}
	b, err := sgbundle.NewBundle(p.bundle)
	if err != nil {
		return nil, err
	}
	content, err := b.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return content, k.check(fromBundle(bundle{content: content}))
}

// product is a signature with its certificate and what the log says of it.
type product struct {
	bundle      *protobundle.Bundle
	certificate *credential
}

// produce signs and has the logs take it. Timestamps are missing yet.
func (k *keyless) produce(ctx context.Context, content sgsign.Content) (*product, error) {
	c, err := k.certificate(ctx)
	if err != nil {
		return nil, err
	}
	options := sgsign.BundleOptions{Context: ctx, CertificateProvider: c}
	for _, address := range k.services.logs {
		options.TransparencyLogs = append(options.TransparencyLogs, k.log(address))
	}
	var made *protobundle.Bundle
	err = guarded(func() (err error) {
		made, err = sgsign.Bundle(content, c.key, options)
		return err
	})
	return &product{bundle: made, certificate: c}, err
}
