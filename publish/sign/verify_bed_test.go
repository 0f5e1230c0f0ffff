//go:build !nosign

package sign

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/oci"
	ociempty "github.com/sigstore/cosign/v2/pkg/oci/empty"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// verifyBed is a registry with one image, into which cosign's own library writes, so that
// what is verified is independent of our writer.
type verifyBed struct {
	repo  *distribution.Repository
	name  name.Repository
	image v1.Hash
}

func newVerifyBed(t *testing.T) *verifyBed {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/team/app")
	if err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(repo.Tag("v1"), image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	network := distribution.NewNetwork(distribution.NetworkOptions{Policy: distribution.Policy{Pause: time.Millisecond, MaxPause: 2 * time.Millisecond}})
	return &verifyBed{network.Repository(repo, authn.DefaultKeychain, distribution.Push), repo, digest}
}

// put writes layers under a tag of the image.
func (b *verifyBed) put(t *testing.T, suffix string, layers ...oci.Signature) {
	t.Helper()
	all, err := mutate.AppendSignatures(ociempty.Signatures(), false, layers...)
	if err != nil {
		t.Fatal(err)
	}
	tag := b.name.Tag("sha256-" + b.image.Hex + "." + suffix)
	if err := remote.Write(tag, all); err != nil {
		t.Fatal(err)
	}
}

// refer writes a bundle that refers to the image.
func (b *verifyBed) refer(t *testing.T, content []byte, predicateType string) {
	t.Helper()
	if err := ociremote.WriteAttestationNewBundleFormat(b.name.Digest(b.image.String()), content, predicateType); err != nil {
		t.Fatal(err)
	}
}

// verify verifies the image.
func (b *verifyBed) verify(t *testing.T, o VerifierOptions) (*Verified, error) {
	t.Helper()
	v, err := NewVerifier(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify(t.Context(), b.repo, b.image)
}

// pen signs as somebody with a key does.
type pen struct {
	key  crypto.Signer
	hash crypto.Hash // 0 signs the message itself
}

func (p pen) sign(t *testing.T, message []byte) []byte {
	t.Helper()
	digest := message
	if p.hash != 0 {
		h := p.hash.New()
		h.Write(message)
		digest = h.Sum(nil)
	}
	sig, err := p.key.Sign(rand.Reader, digest, p.hash)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// public writes the public key into a file and returns its name.
func (p pen) public(t *testing.T) string {
	t.Helper()
	return pemFile(t, p.pem(t))
}

func (p pen) pem(t *testing.T) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.der(t)})
}

func (p pen) der(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (p pen) hint(t *testing.T) string {
	sum := sha256.Sum256(p.der(t))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func pemFile(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cosign.pub")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// signature is a layer of .sig by the pen.
func (p pen) signature(t *testing.T, payload string, opts ...static.Option) oci.Signature {
	t.Helper()
	return layer(t, payload, p.sign(t, []byte(payload)), opts...)
}

func layer(t *testing.T, payload string, sig []byte, opts ...static.Option) oci.Signature {
	t.Helper()
	s, err := static.NewSignature([]byte(payload), base64.StdEncoding.EncodeToString(sig), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// attestation is a layer of .att by the pen. The type in the annotations is another
// one, since it must not count.
func (p pen) attestation(t *testing.T, statement string) oci.Signature {
	t.Helper()
	return attestationOf(t, p.envelope(t, statement))
}

func attestationOf(t *testing.T, env dsse.Envelope, opts ...static.Option) oci.Signature {
	t.Helper()
	raw, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]static.Option{static.WithLayerMediaType(ctypes.DssePayloadType), static.WithAnnotations(map[string]string{"predicateType": "https://example.com/unproven"})}, opts...)
	s, err := static.NewAttestation(raw, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p pen) envelope(t *testing.T, statement string) dsse.Envelope {
	t.Helper()
	sig := p.sign(t, dsse.PAE(ctypes.IntotoPayloadType, []byte(statement)))
	return dsse.Envelope{
		PayloadType: ctypes.IntotoPayloadType, Payload: base64.StdEncoding.EncodeToString([]byte(statement)),
		Signatures: []dsse.Signature{{KeyID: "a hint that is not ours", Sig: base64.StdEncoding.EncodeToString(sig)}},
	}
}

// bundle is a bundle by the pen, with this hint of the key.
func (p pen) bundle(t *testing.T, statement, hint string) []byte {
	t.Helper()
	return bundleOf(t, p.envelope(t, statement), map[string]any{"publicKey": map[string]any{"hint": hint}})
}

func bundleOf(t *testing.T, env dsse.Envelope, material map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": material,
		"dsseEnvelope":         env,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// payloadAbout is what cosign signs under tags.
func payloadAbout(image v1.Hash, optional string) string {
	return fmt.Sprintf(`{"critical":{"identity":{"docker-reference":"ghcr.io/elsewhere/app"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":%s}`, image, optional)
}

// statementAbout is an in-toto statement about an image.
func statementAbout(image v1.Hash, predicateType, predicate string) string {
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"%s":"%s"},"annotations":{"builder":"nanobuild"}}],"predicateType":"%s","predicate":%s}`,
		image.Algorithm, image.Hex, predicateType, predicate)
}

// otherImage is one that nobody has.
func strangeImage() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0123456789abcdef", 4)}
}

// withCertificate puts a text where a certificate belongs.
func withCertificate(text []byte) static.Option { return static.WithCertChain(text, nil) }
