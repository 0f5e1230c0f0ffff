package distribution

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/testdata/authority"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// The user of the registries below, and the line of htpasswd for it, which was made
// by bcrypt with the least cost.
const (
	testUser     = "me"
	testPassword = "correct horse"
	testHtpasswd = "me:$2a$04$g/dCy/hBlmIwYjltwPun4e1rAHSd3DdUYIFUKRJw2TMnjiMi0cdyO\n"
)

// user is a keychain that knows one user.
func user(name, password string) authn.Keychain {
	return only{authn.AuthConfig{Username: name, Password: password}}
}

// privateRegistry is a registry program with a certificate of an authority that
// nobody knows.
type privateRegistry struct {
	*authority.Authority
	dir  string
	host string
}

func newPrivateRegistry(t *testing.T, auth func(*privateRegistry) string) *privateRegistry {
	t.Helper()
	p := &privateRegistry{Authority: authority.New(t), dir: t.TempDir()}
	cert, key := authority.Text(t, local(t, p.Authority))
	write(t, p.dir, map[string][]byte{"cert.pem": cert, "key.pem": key, "ca.pem": p.PEM, "htpasswd": []byte(testHtpasswd)})
	p.host = need.StartRegistryWith(t, need.RegistryOptions{Certificate: p.file("cert.pem"), Key: p.file("key.pem"), Auth: auth(p)})
	return p
}

func (p *privateRegistry) file(name string) string { return filepath.Join(p.dir, name) }

// repository returns a way to the registry of its own.
func (p *privateRegistry) repository(t *testing.T, o TLSOptions, k authn.Keychain) *Repository {
	t.Helper()
	transport, err := NewTransport(&http.Transport{DialContext: NewDialer(new(net.Dialer)).DialContext}, o)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	t.Cleanup(client.CloseIdleConnections)
	repo, err := name.NewRepository(p.host + "/team/app")
	if err != nil {
		t.Fatal(err)
	}
	return NewNetwork(NetworkOptions{Transport: transport, Policy: Policy{Pause: time.Millisecond, MaxPause: time.Millisecond}}).Repository(repo, k, Push)
}

// basicAuth wants a user and a password with each request.
func basicAuth(p *privateRegistry) string {
	return fmt.Sprintf("{htpasswd: {realm: test, path: %q}}", p.file("htpasswd"))
}

// tokenAuth wants tokens of a server that has the same users.
func tokenAuth(t *testing.T) func(*privateRegistry) string {
	return func(p *privateRegistry) string {
		server := httptest.NewUnstartedServer(&tokenServer{t: t, authority: p.Authority, users: map[string]string{testUser: testPassword}})
		server.TLS = &tls.Config{Certificates: []tls.Certificate{local(t, p.Authority)}}
		server.StartTLS()
		t.Cleanup(server.Close)
		realm := strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/token" // the registry's own host
		return fmt.Sprintf("{token: {realm: %q, service: test-service, issuer: test-issuer, rootcertbundle: %q}}", realm, p.file("ca.pem"))
	}
}

// tokenServer signs tokens for its users.
//
// https://distribution.github.io/distribution/spec/auth/jwt/
type tokenServer struct {
	t         *testing.T
	authority *authority.Authority
	users     map[string]string
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, password, _ := r.BasicAuth()
	if want, ok := s.users[name]; !ok || want != password {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"wrong user or password"}]}`)
		return
	}
	var access []map[string]any
	for _, scope := range r.URL.Query()["scope"] {
		kind, rest, _ := strings.Cut(scope, ":")
		end := strings.LastIndex(rest, ":")
		access = append(access, map[string]any{"type": kind, "name": rest[:end], "actions": strings.Split(rest[end+1:], ",")})
	}
	now := time.Now().Unix()
	token, err := s.sign(map[string]any{
		"iss": "test-issuer", "sub": name, "aud": r.URL.Query().Get("service"), "jti": "1",
		"iat": now, "nbf": now - 10, "exp": now + 300, "access": access,
	})
	if err != nil {
		s.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300})
}

// sign makes a JSON web token whose key is vouched for by the authority, RFC 7515.
func (s *tokenServer) sign(claims map[string]any) (string, error) {
	cert, keyText := authority.Text(s.t, local(s.t, s.authority))
	certBlock, _ := pem.Decode(cert)
	keyBlock, _ := pem.Decode(keyText)
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, part := range []any{
		map[string]any{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(certBlock.Bytes)}}, claims,
	} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, ".")))
	r, z, err := ecdsa.Sign(rand.Reader, parsed.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), z.FillBytes(make([]byte, 32))...)
	return strings.Join(append(parts, base64.RawURLEncoding.EncodeToString(signature)), "."), nil
}

// pushAndPull brings an image of one blob to a registry, and reads it back.
func pushAndPull(t *testing.T, r *Repository) error {
	t.Helper()
	ctx := t.Context()
	content := bytes.Repeat([]byte("blob of a private registry\n"), 100_000)
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	body := NewBody(size, func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	})
	if err := r.CheckPush(ctx); err != nil {
		return err
	}
	if err := r.Upload(ctx, nil, digest, body); err != nil {
		return err
	}
	descriptor := v1.Descriptor{MediaType: types.OCIConfigJSON, Size: size, Digest: digest}
	manifest, err := json.Marshal(v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: descriptor, Layers: []v1.Descriptor{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.PutManifest(ctx, "v1", manifest, types.OCIManifestSchema1); err != nil {
		return err
	}
	doc, err := r.Manifest(ctx, "v1")
	if err != nil {
		return err
	}
	if !bytes.Equal(doc.Content, manifest) {
		t.Errorf("the manifest is %s, want %s", doc.Content, manifest)
	}
	blob, err := r.Blob(ctx, descriptor)
	if err != nil {
		return err
	}
	defer blob.Close()
	got, err := io.ReadAll(blob)
	if !bytes.Equal(got, content) {
		t.Errorf("the blob has %d bytes, want %d", len(got), len(content))
	}
	return err
}

func TestPrivateRegistries(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]func(*privateRegistry) string{"basic": basicAuth, "token": tokenAuth(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPrivateRegistry(t, auth)
			trusted := TLSOptions{CAFiles: []string{p.file("ca.pem")}}
			if err := pushAndPull(t, p.repository(t, trusted, user(testUser, testPassword))); err != nil {
				t.Errorf("with everything: %v", err)
			}
			skip := TLSOptions{SkipVerify: func(string) bool { return true }}
			if err := pushAndPull(t, p.repository(t, skip, user(testUser, testPassword))); err != nil {
				t.Errorf("without verification: %v", err)
			}
			for what, c := range map[string]struct {
				options TLSOptions
				keys    authn.Keychain
				kind    Kind
				want    []string
			}{
				"wrong password": {trusted, user(testUser, "wrong horse"), Unauthorized, []string{"401", "nanobuild login " + p.host}},
				"no credentials": {trusted, nil, Unauthorized, []string{"401", "no credentials", p.host}},
				"no authority":   {TLSOptions{}, user(testUser, testPassword), Unreachable, []string{"unknown authority", "--ca-file", p.host}},
			} {
				err := pushAndPull(t, p.repository(t, c.options, c.keys))
				var failed *Error
				if !errors.As(err, &failed) || failed.Kind != c.kind {
					t.Errorf("%s: %v", what, err)
					continue
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v, want %q in it", what, err, want)
					}
				}
				if strings.Contains(err.Error(), "horse") || strings.Count(err.Error(), "\n") > 3 {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
