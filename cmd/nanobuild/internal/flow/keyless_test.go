package flow

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

const testIdentity, testIssuer = "https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main", sigstore.ActionsIssuer

// keyless is a run that signs by an identity of that sigstore.
func (w *world) keyless(t *testing.T, s *sigstore.Sigstore) PublishOptions {
	t.Helper()
	w.Environ = append(w.Environ, "SIGSTORE_ID_TOKEN="+s.Token(testIdentity, testIssuer))
	if err := os.WriteFile(filepath.Join(w.WorkDir, "root.json"), s.TrustedRoot(), 0o600); err != nil {
		t.Fatal(err)
	}
	o := w.options(w.app(t, "web", "hello"))
	o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	o.Signing = SigningOptions{Keyless: true, Fulcio: s.FulcioURL(), Rekor: s.RekorURL(), TrustedRoot: "root.json"}
	return o
}

// verifiedKeyless is what an identity signed of a reference by digest.
func (w *world) verifiedKeyless(t *testing.T, s *sigstore.Sigstore, ref name.Digest) (*sign.Verified, error) {
	t.Helper()
	v, err := sign.NewVerifier(t.Context(), sign.VerifierOptions{
		Identity: testIdentity, Issuer: testIssuer, TrustedRoot: s.TrustedRoot(), Environment: sign.Environment{Transport: http.DefaultTransport},
	})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := v1.NewHash(ref.DigestStr())
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify(t.Context(), NetworkOptions{}.open(w.Deps).Repository(ref.Context(), nil, distribution.Pull), digest)
}

// TestKeylessListsPackagesOnly: logs take no large entries, so the files are in the file
// alone.
func TestKeylessListsPackagesOnly(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), sigstore.Start(t, sigstore.Options{})
	o := w.keyless(t, s)
	o.Describe.SBOMFile = "sbom.json"
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(refs[0])
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.verifiedKeyless(t, s, ref)
	if err != nil || len(v.Attestations) != 2 || !v.Signatures[0].Logged {
		t.Fatalf("%+v, %v", v, err)
	}
	whole, err := os.ReadFile(filepath.Join(w.WorkDir, "sbom.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range v.Attestations {
		if a.PredicateType == sign.PredicateSPDX && (filesIn(t, a.Predicate) != 0 || bytes.Equal(a.Predicate, whole)) {
			t.Errorf("the attested SBOM lists %d files", filesIn(t, a.Predicate))
		}
	}
	if filesIn(t, whole) == 0 {
		t.Error("the SBOM in the file lists no files")
	}
}

func filesIn(t *testing.T, spdx []byte) int {
	t.Helper()
	var document struct {
		Files []json.RawMessage `json:"files"`
	}
	if err := json.Unmarshal(spdx, &document); err != nil {
		t.Fatal(err)
	}
	return len(document.Files)
}

// TestLogRefusesLargeEntries: image and signature stay, and the message has the size.
func TestLogRefusesLargeEntries(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), sigstore.Start(t, sigstore.Options{LogLimit: 4000})
	refs, err := Publish(t.Context(), w.keyless(t, s), w.Deps)
	if len(refs) != 1 || stageOf(err) != StageSign || !strings.Contains(err.Error(), "bytes") {
		t.Fatalf("refs %v, stage %d: %v", refs, stageOf(err), err)
	}
	tag, err := name.NewTag(w.host + "/shop/web:v1")
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := remote.Head(tag)
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.verifiedKeyless(t, s, tag.Digest(pushed.Digest.String()))
	if err != nil || len(v.Signatures) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestTokenIsMissedEarly: nothing is built for somebody who cannot sign it.
func TestTokenIsMissedEarly(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), sigstore.Start(t, sigstore.Options{})
	o := w.keyless(t, s)
	w.Environ = nil
	if _, err := Publish(t.Context(), o, w.Deps); stageOf(err) != StageSign || len(w.puts.list) > 0 {
		t.Errorf("stage %d, put %v: %v", stageOf(err), w.puts.list, err)
	}
}
