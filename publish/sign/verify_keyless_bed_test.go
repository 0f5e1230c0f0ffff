//go:build !nosign

package sign

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

const (
	me      = "https://github.com/me/web/.github/workflows/release.yml@refs/heads/main"
	myToken = "https://token.actions.githubusercontent.com"
)

// press signs with a sigstore by sigstore's own library, so that what is verified is
// independent of our writer.
type press struct {
	fake       *sigstore.Sigstore
	who, by    string
	noLog      bool
	noStamp    bool
	keypair    *sgsign.EphemeralKeypair // nil for one of its own
	noIdentity bool                     // the key signs without a certificate
	pause      time.Duration            // between the certificate's issue and its use
}

// later is an authority whose certificates are used after a pause.
type later struct {
	sgsign.CertificateProvider
	pause time.Duration
}

func (l later) GetCertificate(ctx context.Context, k sgsign.Keypair, o *sgsign.CertificateProviderOptions) ([]byte, error) {
	cert, err := l.CertificateProvider.GetCertificate(ctx, k, o)
	time.Sleep(l.pause)
	return cert, err
}

func newPress(s *sigstore.Sigstore) press { return press{fake: s, who: me, by: myToken} }

func (p press) make(t *testing.T, content sgsign.Content) *protobundle.Bundle {
	t.Helper()
	keypair := p.keypair
	if keypair == nil {
		keypair = ephemeral(t)
	}
	o := sgsign.BundleOptions{Context: t.Context()}
	if !p.noIdentity {
		o.CertificateProvider = later{sgsign.NewFulcio(&sgsign.FulcioOptions{BaseURL: p.fake.FulcioURL()}), p.pause}
		o.CertificateProviderOptions = &sgsign.CertificateProviderOptions{IDToken: p.fake.Token(p.who, p.by)}
	}
	if !p.noLog {
		o.TransparencyLogs = []sgsign.Transparency{sgsign.NewRekor(&sgsign.RekorOptions{BaseURL: p.fake.RekorURL()})}
	}
	if !p.noStamp {
		o.TimestampAuthorities = []*sgsign.TimestampAuthority{sgsign.NewTimestampAuthority(&sgsign.TimestampAuthorityOptions{URL: p.fake.TSAURL()})}
	}
	b, err := sgsign.Bundle(content, keypair, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ephemeral(t *testing.T) *sgsign.EphemeralKeypair {
	t.Helper()
	k, err := sgsign.NewEphemeralKeypair(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pieceOf is what signs an image in one of the formats.
type pieceOf struct {
	format Format
	pb     *protobundle.Bundle
	said   string // payload or statement
}

// image signs an image, saying what said makes of it.
func (p press) image(t *testing.T, f Format, said string) pieceOf {
	t.Helper()
	if f == Tags {
		return pieceOf{f, p.make(t, &sgsign.PlainData{Data: []byte(said)}), said}
	}
	return pieceOf{f, p.make(t, &sgsign.DSSEData{Data: []byte(said), PayloadType: ctypes.IntotoPayloadType}), said}
}

// signing is what is signed to sign an image.
func signingOf(f Format, b *verifyBed) string {
	if f == Tags {
		return payloadAbout(b.image, `{"builder":"nanobuild"}`)
	}
	return statementAbout(b.image, PredicateSign, "{}")
}

// place puts the pieces into the registry.
func place(t *testing.T, b *verifyBed, all ...pieceOf) {
	t.Helper()
	var layers []oci.Signature
	for _, p := range all {
		if p.format == Bundle {
			p.pb.GetDsseEnvelope().Payload = []byte(p.said)
			raw, err := protojson.Marshal(p.pb)
			if err != nil {
				t.Fatal(err)
			}
			b.refer(t, raw, PredicateSign)
			continue
		}
		layers = append(layers, layer(t, p.said, p.pb.GetMessageSignature().GetSignature(), proofs(p.pb)...))
	}
	if layers != nil {
		b.put(t, "sig", layers...)
	}
}

// proofs are the annotations in which cosign keeps what a bundle has.
func proofs(pb *protobundle.Bundle) []static.Option {
	var all []static.Option
	material := pb.GetVerificationMaterial()
	if c := material.GetCertificate(); c != nil {
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.GetRawBytes()})
		all = append(all, static.WithCertChain(text, text))
	}
	for _, e := range material.GetTlogEntries() {
		all = append(all, static.WithBundle(&cbundle.RekorBundle{
			SignedEntryTimestamp: e.GetInclusionPromise().GetSignedEntryTimestamp(),
			Payload: cbundle.RekorPayload{
				Body: base64.StdEncoding.EncodeToString(e.GetCanonicalizedBody()), IntegratedTime: e.GetIntegratedTime(),
				LogIndex: e.GetLogIndex(), LogID: hex.EncodeToString(e.GetLogId().GetKeyId()),
			},
		}))
	}
	for _, s := range material.GetTimestampVerificationData().GetRfc3161Timestamps() {
		all = append(all, static.WithRFC3161Timestamp(cbundle.TimestampToRFC3161Timestamp(s.GetSignedTimestamp())))
	}
	return all
}

// attestationLayer is a layer of .att; the timestamp is one of the whole envelope, as
// cosign has it made.
func (p press) attestationLayer(t *testing.T, statement string) oci.Signature {
	t.Helper()
	pb := p.make(t, &sgsign.DSSEData{Data: []byte(statement), PayloadType: ctypes.IntotoPayloadType})
	env := dsse.Envelope{
		PayloadType: ctypes.IntotoPayloadType, Payload: base64.StdEncoding.EncodeToString([]byte(statement)),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(pb.GetDsseEnvelope().GetSignatures()[0].GetSig())}},
	}
	if !p.noStamp {
		raw, err := json.Marshal(env)
		if err != nil {
			t.Fatal(err)
		}
		stamp, err := sgsign.NewTimestampAuthority(&sgsign.TimestampAuthorityOptions{URL: p.fake.TSAURL()}).GetTimestamp(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		pb.VerificationMaterial.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: stamp}},
		}
	}
	return attestationOf(t, env, proofs(pb)...)
}

// byMe are options that let in what [me] signs.
func byMe(s *sigstore.Sigstore) VerifierOptions {
	return VerifierOptions{Identity: me, Issuer: myToken, TrustedRoot: s.TrustedRoot(), Annotations: map[string]string{"builder": "nanobuild"}}
}
