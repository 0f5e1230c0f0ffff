package flow

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// keyPair writes a pair of keys to the world's folder. They have no password: opening one
// that has takes longer than all the rest of a test.
func (w *world) keyPair(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".key": {Type: "PRIVATE KEY", Bytes: private}, name + ".pub": {Type: "PUBLIC KEY", Bytes: public}} {
		if err := os.WriteFile(filepath.Join(w.WorkDir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// withKey makes a key in the folder of the world, and returns what signs with it.
func (w *world) withKey(t *testing.T) SigningOptions {
	t.Helper()
	w.keyPair(t, "cosign")
	return SigningOptions{Key: "cosign.key"}
}

// withPassword is withKey for a key with a password, which is not the one that is given.
func (w *world) withPassword(t *testing.T, given string) SigningOptions {
	t.Helper()
	private, _, err := sign.GenerateKeyPair([]byte("another password"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.WorkDir, "locked.key"), private, 0o600); err != nil {
		t.Fatal(err)
	}
	return SigningOptions{Key: "locked.key", Password: func(context.Context) ([]byte, error) { return []byte(given), nil }}
}

// verified is what holds of a reference by digest, or why nothing does.
func (w *world) verified(t *testing.T, ref string) (*sign.Verified, error) {
	t.Helper()
	v, err := sign.NewVerifier(t.Context(), sign.VerifierOptions{Key: "cosign.pub", Environment: sign.Environment{WorkDir: w.WorkDir, Transport: http.DefaultTransport}})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := name.NewDigest(ref)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := v1.NewHash(digest.DigestStr())
	if err != nil {
		t.Fatal(err)
	}
	repo := NetworkOptions{}.open(w.Deps).Repository(digest.Context(), nil, distribution.Pull)
	return v.Verify(t.Context(), repo, hash)
}

// mustVerify checks that a reference is signed once, and returns what is attested.
func (w *world) mustVerify(t *testing.T, ref string) map[string]json.RawMessage {
	t.Helper()
	v, err := w.verified(t, ref)
	if err != nil {
		t.Fatalf("%s: %v", ref, err)
	}
	if len(v.Signatures) != 1 || len(v.Refused) > 0 {
		t.Errorf("%s: signatures %v, refused %v", ref, v.Signatures, v.Refused)
	}
	said := map[string]json.RawMessage{}
	for _, a := range v.Attestations {
		if said[a.PredicateType] != nil {
			t.Errorf("%s: %s is attested twice", ref, a.PredicateType)
		}
		said[a.PredicateType] = a.Predicate
	}
	return said
}

// baseOf is a layout with a base for that version of Windows.
func (w *world) baseOf(t *testing.T, version string) string {
	t.Helper()
	image, err := sample.Image(sample.Options{OSVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	return layoutOf(t, image)
}

// entries are those of the index that a reference names.
func (w *world) entries(t *testing.T, ref string) []v1.Descriptor {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(parsed)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return m.Manifests
}

// children are references to the images of an index, by digest.
func (w *world) children(t *testing.T, ref string) []string {
	t.Helper()
	repo, _, _ := strings.Cut(ref, "@")
	var all []string
	for _, d := range w.entries(t, ref) {
		all = append(all, repo+"@"+d.Digest.String())
	}
	return all
}

// cacheOf is a cache that knows what a run of these options makes.
func (w *world) cacheOf(t *testing.T, o PublishOptions) string {
	t.Helper()
	o.Cache, o.Signing, o.Describe = filepath.Join(t.TempDir(), "cache"), SigningOptions{}, DescribeOptions{}
	for range 2 {
		if _, err := Publish(t.Context(), o, w.Deps); err != nil {
			t.Fatal(err)
		}
	}
	return o.Cache
}
