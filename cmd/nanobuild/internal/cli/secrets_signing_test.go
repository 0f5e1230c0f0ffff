package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/publish/sign"
	"github.com/nanobuild/nanobuild/testdata/authority"
)

// signedRuns are runs that know a key and its password, and write down how they were
// started.
func signedRuns(key func(*testing.T, *secretWorld)) map[string]secretRun {
	documents := []string{"--sbom-file", "sbom.json", "--provenance-file", "provenance.json"}
	publish := append([]string{"publish", "app", "--base", baseRef, "--repo", webRepo, "-t", "v1", "--sign-key", "env://SIGNING_KEY", "--provenance-timestamps"}, documents...)
	hidden := []string{"-p", "ApiPassword=" + plantedPassword, "--sign-annotation", "by=tests"}
	return map[string]secretRun{
		"tags":            {args: append(slices.Clone(publish), hidden...), prepare: key, sent: []string{plantedPassword, plantedToken}, pushed: webRepo + ":v1"},
		"bundles":         {args: append(slices.Clone(publish), "--sign-format", "bundle"), prepare: key, pushed: webRepo + ":v1"},
		"signing refused": {args: publish, prepare: key, repeats: `^PUT registry.*\.sig$`, status: 400, code: exitSign, pushed: webRepo + ":v1"},
		"wrong password": {args: publish, prepare: func(t *testing.T, w *secretWorld) {
			key(t, w)
			w.environ = append(w.environ, string(envKeyPassword)+"="+plantedIdentity)
		}, code: exitSign},
		"damaged key": {args: publish, prepare: func(t *testing.T, w *secretWorld) {
			key(t, w)
			w.environ = append(w.environ, "SIGNING_KEY="+plantedIdentity)
		}, code: exitSign},
		"token misplaced": {args: []string{"publish", "app", "--base", baseRef, "--repo", webRepo, "--sign-keyless"}, prepare: func(t *testing.T, w *secretWorld) {
			byEnvironment(t, w)
			w.environ = append(w.environ, string(envIdentityToken)+"="+plantedIdentity)
		}, code: exitSign},
	}
}

// bySigningKey makes a key for all runs: that takes a while.
func bySigningKey(t *testing.T) func(*testing.T, *secretWorld) {
	t.Helper()
	private, _, err := sign.GenerateKeyPair([]byte(plantedPassword))
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, w *secretWorld) {
		byEnvironment(t, w)
		w.environ = append(w.environ, string(envKeyPassword)+"="+plantedPassword, "SIGNING_KEY="+string(private))
	}
}

// TestNothingSecretIsSigned: statements, signatures and documents hold none of it.
func TestNothingSecretIsSigned(t *testing.T) {
	t.Parallel()
	a := authority.New(t)
	for what, r := range signedRuns(bySigningKey(t)) {
		for _, format := range []string{"text", "json"} {
			t.Run(what+" "+format, func(t *testing.T) {
				t.Parallel()
				w := newSecretWorld(t, a, r.args...)
				r.check(t, w, format)
				blobs := 0
				for _, content := range w.signatures(t) {
					blobs++
					if found := leaks(content); len(found) > 0 {
						t.Errorf("%s in %s", found, content)
					}
				}
				if r.code == exitOK && blobs < 3 {
					t.Errorf("only %d signatures and attestations were looked into", blobs)
				}
			})
		}
	}
}

// signatures are the layers of all manifests with tags that are about other manifests.
func (w *secretWorld) signatures(t *testing.T) (all [][]byte) {
	t.Helper()
	repo, err := name.NewRepository(webRepo)
	if err != nil {
		t.Fatal(err)
	}
	through := remote.WithTransport(direct{w.registry})
	tags, err := remote.List(repo, through)
	if err != nil {
		return nil // nothing was pushed
	}
	for _, tag := range tags {
		if !strings.HasPrefix(tag, "sha256-") {
			continue
		}
		all = append(all, w.about(t, repo.Tag(tag), through)...)
	}
	return all
}

// about are the layers of what a tag names, and of what its entries are.
func (w *secretWorld) about(t *testing.T, ref name.Reference, through remote.Option) (all [][]byte) {
	t.Helper()
	if index, err := remote.Index(ref, through); err == nil {
		m, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range m.Manifests {
			all = append(all, w.about(t, ref.Context().Digest(d.Digest.String()), through)...)
		}
		return all
	}
	image, err := remote.Image(ref, through)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		blob, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(blob)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content)
	}
	return all
}
