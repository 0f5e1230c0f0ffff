//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	sgcertificate "github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
)

// credential is a certificate for an identity, with the key that it is for.
type credential struct {
	key   sgsign.Keypair
	chain []*x509.Certificate // from the identity's upwards

	identity, issuer string
	old              atomic.Bool // more than half of its life is over
}

// GetCertificate implements the library's provider: it has one already.
func (c *credential) GetCertificate(context.Context, sgsign.Keypair, *sgsign.CertificateProviderOptions) ([]byte, error) {
	return c.chain[0].Raw, nil
}

// pemOf is certificates in PEM.
func pemOf(chain []*x509.Certificate) []byte {
	var all bytes.Buffer
	for _, one := range chain {
		all.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.Raw}))
	}
	return all.Bytes()
}

// certificate returns the one that is held, or a new one where there is none or it is
// old. Those who come at the same time wait for it.
func (k *keyless) certificate(ctx context.Context) (*credential, error) {
	select {
	case <-k.turn:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { k.turn <- struct{}{} }()
	if c := k.held.Load(); c != nil && !c.old.Load() {
		return c, nil
	}
	c, err := k.newCertificate(ctx)
	if err != nil {
		return nil, err
	}
	k.held.Store(c)
	life := c.chain[0].NotAfter.Sub(c.chain[0].NotBefore)
	time.AfterFunc(life/2, func() { c.old.Store(true) })
	return c, nil
}

func (k *keyless) newCertificate(ctx context.Context) (*credential, error) {
	token, err := k.token(ctx)
	if err != nil {
		return nil, err
	}
	who, err := readClaims(token)
	if err != nil {
		return nil, fmt.Errorf("the identity token is none for sigstore: %w", err)
	}
	if err := who.current(k.options.now()); err != nil {
		return nil, err
	}
	key, err := sgsign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	request, err := certificateRequest(ctx, key, who.name())
	if err != nil {
		return nil, fmt.Errorf("make the request for a certificate: %w", err)
	}
	chain, err := k.issued(ctx, token, request)
	if err != nil {
		return nil, err
	}
	c := &credential{key: key, chain: chain}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("the certificate from %s is of no use: %w", k.services.fulcio, err)
	}
	return c, nil
}

// certificateRequest asks for a certificate of a key, and proves to have the key by
// signing the owner's name.
//
// https://github.com/sigstore/fulcio/blob/main/fulcio.proto
func certificateRequest(ctx context.Context, key sgsign.Keypair, name string) ([]byte, error) {
	proof, _, err := key.SignData(ctx, []byte(name))
	if err != nil {
		return nil, err
	}
	public, err := key.GetPublicKeyPem()
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"publicKeyRequest": map[string]any{
		"publicKey":         map[string]any{"algorithm": key.GetKeyAlgorithm(), "content": public},
		"proofOfPossession": base64.StdEncoding.EncodeToString(proof),
	}})
}

// issued sends the request, with the token, and reads the chain of certificates.
func (k *keyless) issued(ctx context.Context, token string, request []byte) ([]*x509.Certificate, error) {
	s := k.service("the certificate authority", k.services.fulcio, "--fulcio-url")
	s.secrets = []string{token}
	got, err := s.ask(ctx, http.MethodPost, "/api/v2/signingCert", http.Header{
		"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"},
	}, request)
	if err != nil {
		return nil, err
	}
	if !got.ok() {
		return nil, s.refusal(got, adviseOn(got.status))
	}
	chain, detached, err := readChain(got.body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", s.what, s.address, err)
	}
	if detached && k.root == nil {
		return nil, fmt.Errorf("%s %s proves beside the certificate that a log has it, and signatures have no place for that; give --trusted-root, by which what is signed is checked: a root with such logs needs an authority that puts the proof into the certificate", s.what, s.address)
	}
	return chain, nil
}

// adviseOn is what to do when no certificate is issued.
func adviseOn(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "check that it trusts the issuer of the token, or name another one (--fulcio-url)"
	case http.StatusNotFound:
		return "check the address (--fulcio-url)"
	case http.StatusBadRequest:
		return "check the token (--identity-token, SIGSTORE_ID_TOKEN)"
	}
	return "try again later"
}

// maxChain is the most certificates that are read of one answer.
const maxChain = 10

// readChain reads the certificates in an answer of the authority. Detached is true where
// the proof that a log of certificates has the first lies beside it.
//
// https://github.com/sigstore/fulcio/blob/main/fulcio.proto
func readChain(body []byte) (chain []*x509.Certificate, detached bool, err error) {
	type signed struct {
		Chain struct {
			Certificates []string `json:"certificates"`
		} `json:"chain"`
		Proof string `json:"signedCertificateTimestamp"` // of a detached one
	}
	var answer struct {
		Embedded signed `json:"signedCertificateEmbeddedSct"`
		Detached signed `json:"signedCertificateDetachedSct"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, false, err
	}
	texts := answer.Embedded.Chain.Certificates
	if len(texts) == 0 {
		texts = answer.Detached.Chain.Certificates
	}
	if len(texts) == 0 || len(texts) > maxChain {
		return nil, false, fmt.Errorf("it has %d certificates instead of one and those above it", len(texts))
	}
	for _, text := range texts {
		block, _ := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, false, errors.New("it has something else than certificates")
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, false, err
		}
		chain = append(chain, one)
	}
	return chain, answer.Detached.Proof != "", nil
}

// check fails where a certificate is not for our key, or names nobody.
func (c *credential) check() error {
	ours, ok := c.key.GetPublicKey().(*ecdsa.PublicKey)
	if !ok || !ours.Equal(c.chain[0].PublicKey) {
		return errors.New("it is for another key")
	}
	var err error
	c.identity, c.issuer, err = namesIn(c.chain[0])
	if err == nil && (c.identity == "" || c.issuer == "") {
		err = errors.New("it names no identity with its issuer")
	}
	return err
}

// namesIn returns whom a certificate is for, and who knows them.
func namesIn(leaf *x509.Certificate) (identity, issuer string, err error) {
	err = guarded(func() error {
		who, err := sgcertificate.SummarizeCertificate(leaf)
		identity, issuer = who.SubjectAlternativeName, who.Issuer
		return err
	})
	return identity, issuer, err
}
