//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
)

// publicKey verifies with one key in each way in which signatures by it are made.
type publicKey struct {
	public crypto.PublicKey
	ways   []signature.Verifier
	hint   string // how bundles name it
}

// minRSA is the shortest modulus of an RSA key, in bits.
//
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-131Ar2.pdf
const minRSA = 2048

// newPublicKey fails where the key is of a kind that nobody signs images with.
func newPublicKey(public crypto.PublicKey) (*publicKey, error) {
	hint, err := hintOf(public)
	if err != nil {
		return nil, fmt.Errorf("keys of the type %T are not supported: %w", public, err)
	}
	k := &publicKey{public: public, hint: hint}
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		err = k.addECDSA(p)
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSA {
			return nil, fmt.Errorf("an RSA key of %d bits is too short to be trusted; %d are the least", bits, minRSA)
		}
		err = k.add(signature.LoadRSAPKCS1v15Verifier(p, crypto.SHA256))
	case ed25519.PublicKey:
		// cosign 2 signs a hash of the payload, others the payload.
		err = errors.Join(k.add(signature.LoadED25519Verifier(p)), k.add(signature.LoadED25519phVerifier(p)))
	default:
		err = fmt.Errorf("keys of the type %T are not supported", public)
	}
	return k, err
}

// hintOf is how bundles name a key.
//
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_common.proto
func hintOf(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// addECDSA adds the hash that fits the curve, and SHA-256, which some sign with on
// every curve.
func (k *publicKey) addECDSA(p *ecdsa.PublicKey) error {
	hashes := map[int][]crypto.Hash{
		256: {crypto.SHA256},
		384: {crypto.SHA384, crypto.SHA256},
		521: {crypto.SHA512, crypto.SHA256},
	}[p.Curve.Params().BitSize]
	if hashes == nil {
		return fmt.Errorf("the curve %s is not supported; P-256 is usual", p.Curve.Params().Name)
	}
	for _, h := range hashes {
		if err := k.add(signature.LoadECDSAVerifier(p, h)); err != nil {
			return err
		}
	}
	return nil
}

func (k *publicKey) add(way signature.Verifier, err error) error {
	if err == nil {
		k.ways = append(k.ways, way)
	}
	return err
}

// PublicKey returns the key. Part of sigstore's interface for keys.
func (k *publicKey) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return k.public, nil
}

// ValidAtTime is always true, as a key has no end that it tells of.
func (k *publicKey) ValidAtTime(time.Time) bool { return true }

// VerifySignature tries each way.
func (k *publicKey) VerifySignature(sig, message io.Reader, opts ...signature.VerifyOption) error {
	made, err := io.ReadAll(sig)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(message)
	if err != nil {
		return err
	}
	for _, way := range k.ways {
		if err = way.VerifySignature(bytes.NewReader(made), bytes.NewReader(said), opts...); err == nil {
			return nil
		}
	}
	return err
}

// equal says whether a log or a certificate has the same key.
func (k *publicKey) equal(other any) bool {
	p, ok := other.(interface{ Equal(crypto.PublicKey) bool })
	return ok && p.Equal(k.public)
}

// parsePublicKey reads PEM as cosign writes it.
func parsePublicKey(raw []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(raw)
	switch {
	case block == nil:
		return nil, errors.New("it is no PEM; cosign.pub begins with -----BEGIN PUBLIC KEY-----")
	case block.Type == "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("it is a private key; name the public one beside it (--key cosign.pub)")
	case block.Type == "CERTIFICATE":
		return nil, errors.New("it is a certificate; to trust its authority use --trusted-root with --certificate-identity, to trust its key alone extract that (openssl x509 -pubkey -noout)")
	}
	return nil, fmt.Errorf("it is a PEM of the type %s; a public key is of the type PUBLIC KEY", shown(block.Type))
}

// readPublicKey reads a key from a file, a variable or a KMS. Signatures by a KMS are
// verified here, with the public key that its program tells.
func readPublicKey(ctx context.Context, ref string, env Environment) (*publicKey, error) {
	if err := checkReference("--key", ref); err != nil {
		return nil, err
	}
	var public crypto.PublicKey
	if isKMS(ref) {
		k, err := openKMS(ctx, ref, env)
		if err != nil {
			return nil, err
		}
		public = k.public
	} else {
		text, err := readKey(ref, env)
		if err != nil {
			return nil, err
		}
		if public, err = parsePublicKey(text); err != nil {
			return nil, fmt.Errorf("read the key %s: %w", ref, err)
		}
	}
	k, err := newPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("read the key %s: %w", ref, err)
	}
	return k, nil
}
