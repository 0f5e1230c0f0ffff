package sigstore

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// certificateRequest is that of Fulcio's second interface.
// https://github.com/sigstore/fulcio/blob/main/fulcio.proto
type certificateRequest struct {
	PublicKeyRequest struct {
		PublicKey struct {
			Algorithm string `json:"algorithm"`
			Content   string `json:"content"` // PEM
		} `json:"publicKey"`
		ProofOfPossession string `json:"proofOfPossession"`
	} `json:"publicKeyRequest"`
}

// signingCert issues a certificate for a key to the one that a token names.
func (s *Sigstore) signingCert(w http.ResponseWriter, r *http.Request) {
	claims, valid := s.claimsOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if !valid {
		s.refuse(w, http.StatusUnauthorized, "There was an error processing the identity token")
		return
	}
	if claims["aud"] != Audience {
		s.refuse(w, http.StatusUnauthorized, "the identity token is for another audience")
		return
	}
	if until, _ := claims["exp"].(float64); time.Now().Unix() > int64(until) {
		s.refuse(w, http.StatusUnauthorized, "the identity token has expired")
		return
	}
	var asked certificateRequest
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		s.refuse(w, http.StatusBadRequest, "the request is not JSON: "+err.Error())
		return
	}
	key, err := possessed(asked, claims)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, "The signature supplied in the request could not be verified: "+err.Error())
		return
	}
	chain, err := s.issue(key, claims)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.reply(w, http.StatusOK, map[string]any{
		"signedCertificateDetachedSct": map[string]any{"chain": map[string]any{"certificates": chain}, "signedCertificateTimestamp": s.options.Detached},
	})
}

// possessed returns the key of a request if its owner has signed what the token calls
// them.
func possessed(asked certificateRequest, claims map[string]any) (crypto.PublicKey, error) {
	key, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(asked.PublicKeyRequest.PublicKey.Content))
	if err != nil {
		return nil, err
	}
	proof, err := base64.StdEncoding.DecodeString(asked.PublicKeyRequest.ProofOfPossession)
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	subject, _ := claims["sub"].(string)
	if email, is := claims["email"].(string); is {
		subject = email
	}
	return key, verifier.VerifySignature(bytes.NewReader(proof), strings.NewReader(subject))
}

// The extensions that name the issuer of an identity, in the old and the new form.
// https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
var (
	issuerV1 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	issuerV2 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
)

// issue returns the certificate and those above it, PEM each.
func (s *Sigstore) issue(key crypto.PublicKey, claims map[string]any) ([]string, error) {
	issuer, _ := claims["iss"].(string)
	inDER, err := asn1.MarshalWithParams(issuer, "utf8")
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	lifetime := s.lifetime()
	until := time.Now().Add(lifetime)
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now(), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: issuerV1, Value: []byte(issuer)}, {Id: issuerV2, Value: inDER}},
	}
	if lifetime < 0 {
		template.NotBefore = until.Add(-time.Second)
	}
	if err := identify(template, claims); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.pki.issuer, key, s.pki.issuerKey)
	if err != nil {
		return nil, err
	}
	var chain []string
	for _, one := range [][]byte{der, s.pki.issuer.Raw, s.pki.root.Raw} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one})))
	}
	return chain, nil
}

// lifetime is that of the next certificate.
func (s *Sigstore) lifetime() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.issued++; s.issued <= s.options.Ended {
		return -time.Minute
	}
	return s.options.Lifetime
}

// identify puts who the token is for into a certificate.
func identify(template *x509.Certificate, claims map[string]any) error {
	if email, is := claims["email"].(string); is {
		template.EmailAddresses = []string{email}
		return nil
	}
	name, _ := claims["sub"].(string)
	if workflow, is := claims["job_workflow_ref"].(string); is {
		name = "https://github.com/" + workflow
	}
	uri, err := url.Parse(name)
	if err != nil || uri.Scheme == "" {
		return errors.New("the token names nobody whom a certificate could name")
	}
	template.URIs = []*url.URL{uri}
	return nil
}
