package flow

import (
	"context"
	"encoding/json"
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

const testPassword = "the password of a key in tests"

// withKey makes a key in the folder of the world, and returns what signs with it.
func (w *world) withKey(t *testing.T) SigningOptions {
	t.Helper()
	private, public, err := sign.GenerateKeyPair([]byte(testPassword))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{"cosign.key": private, "cosign.pub": public} {
		if err := os.WriteFile(filepath.Join(w.WorkDir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return SigningOptions{Key: "cosign.key", Password: func(context.Context) ([]byte, error) { return []byte(testPassword), nil }}
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
