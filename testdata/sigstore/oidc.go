package sigstore

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// Audience is what tokens for a certificate are made out to.
const Audience = "sigstore"

// The identity and the issuer of the tokens that the endpoint of GitHub Actions gives.
const (
	ActionsIssuer   = "https://token.actions.githubusercontent.com"
	ActionsWorkflow = "nanobuild-test/app/.github/workflows/publish.yml@refs/heads/main"
	ActionsIdentity = "https://github.com/" + ActionsWorkflow
)

// Token returns a token for an identity that an issuer knows. An identity with "://"
// is a workload's, any other an e-mail address.
func (s *Sigstore) Token(identity, issuer string) string {
	return s.TokenOf(Claims(identity, issuer))
}

// Claims are what a token says; they may be changed before it is signed.
func Claims(identity, issuer string) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": issuer, "aud": Audience, "sub": identity,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	}
	if !strings.Contains(identity, "://") {
		claims["sub"], claims["email"], claims["email_verified"] = "user-1234", identity, true
	}
	return claims
}

// TokenOf signs claims.
func (s *Sigstore) TokenOf(claims map[string]any) string {
	head := s.jsonPart(map[string]any{"alg": "ES256", "typ": "JWT", "kid": "1"})
	signed := head + "." + s.jsonPart(claims)
	digest := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.pki.tokenKey, digest[:])
	s.must(err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	token := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
	s.keepSecret(token)
	return token
}

func (s *Sigstore) jsonPart(value map[string]any) string {
	text, err := json.Marshal(value)
	s.must(err)
	return base64.RawURLEncoding.EncodeToString(text)
}

func (s *Sigstore) keepSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, secret)
}

// claimsOf verifies the signature of a token and reads its claims.
func (s *Sigstore) claimsOf(token string) (map[string]any, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, v := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(&s.pki.tokenKey.PublicKey, digest[:], r, v) {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	var claims map[string]any
	return claims, json.Unmarshal(text, &claims) == nil
}

// ActionsEnviron returns the variables that a job of GitHub Actions has with the
// permission id-token: write.
// https://docs.github.com/en/actions/reference/security/oidc
func (s *Sigstore) ActionsEnviron() []string {
	bearer := s.TokenOf(map[string]any{"iss": s.URL(), "aud": "actions", "sub": "runner", "jti": rand.Text()})
	return []string{
		"GITHUB_ACTIONS=true",
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + s.URL() + "/actions/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + bearer,
	}
}

// actionsToken issues a workflow's token to the one who has the bearer's.
func (s *Sigstore) actionsToken(w http.ResponseWriter, r *http.Request) {
	bearer, is := strings.CutPrefix(r.Header.Get("Authorization"), "bearer ")
	if !is {
		bearer = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	if claims, valid := s.claimsOf(bearer); !valid || claims["aud"] != "actions" || r.URL.Query().Get("api-version") == "" {
		http.Error(w, `{"message":"the request has no valid token"}`, http.StatusUnauthorized)
		return
	}
	claims := Claims(ActionsIdentity, ActionsIssuer)
	claims["aud"] = r.URL.Query().Get("audience")
	claims["sub"] = "repo:nanobuild-test/app:ref:refs/heads/main"
	claims["job_workflow_ref"] = ActionsWorkflow
	claims["repository"], claims["ref"] = "nanobuild-test/app", "refs/heads/main"
	s.reply(w, http.StatusOK, map[string]any{"value": s.TokenOf(claims), "count": 1})
}

// discovery is what an issuer says of itself.
// https://openid.net/specs/openid-connect-discovery-1_0.html
func (s *Sigstore) discovery(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, http.StatusOK, map[string]any{
		"issuer": s.URL(), "jwks_uri": s.URL() + "/keys", "response_types_supported": []string{"id_token"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (s *Sigstore) keySet(w http.ResponseWriter, _ *http.Request) {
	point, err := s.pki.tokenKey.PublicKey.Bytes() // 4, x, y
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	encode := base64.RawURLEncoding.EncodeToString
	s.reply(w, http.StatusOK, map[string]any{"keys": []map[string]any{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
		"x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
}

func (s *Sigstore) reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // who has gone away reads nothing
}

// refuse answers as the services do: {"code":…,"message":…}.
func (s *Sigstore) refuse(w http.ResponseWriter, status int, message string) {
	s.reply(w, status, map[string]any{"code": status, "message": message})
}
