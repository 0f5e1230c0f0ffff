package flow

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/publish"
)

// mixedIndex holds two Windows images, a Linux one, an attestation and an index.
func mixedIndex(t *testing.T) v1.ImageIndex {
	t.Helper()
	var images []v1.Image
	for _, o := range []sample.Options{
		{OCI: true, OSVersion: "10.0.20348.1"}, {OCI: true, OSVersion: "10.0.26100.1", Layers: 2}, {OCI: true, OS: "linux"},
	} {
		img, err := sample.Image(o)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	idx, err := sample.Index(images...)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := images[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	if idx, err = sample.WithAttestation(idx, digest); err != nil {
		t.Fatal(err)
	}
	inner, err := sample.Index(images[2])
	if err != nil {
		t.Fatal(err)
	}
	return mutate.AppendManifests(idx, mutate.IndexAddendum{Add: inner})
}

// An index goes to the registry whole, byte by byte, with what is not for Windows.
func TestPushIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idx := mixedIndex(t)
	dir := filepath.Join(t.TempDir(), "layout")
	outer := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: idx, Descriptor: v1.Descriptor{Annotations: map[string]string{"org.opencontainers.image.ref.name": "v1"}},
	})
	if err := sample.WriteLayout(dir, outer); err != nil {
		t.Fatal(err)
	}
	digest, err := idx.Digest()
	if err != nil {
		t.Fatal(err)
	}
	repo := w.host + "/pushed/mixed"
	for _, source := range []string{"oci:" + dir, "oci:" + dir + ":v1", "oci:" + dir + "@" + digest.String()} {
		got, err := Push(t.Context(), PushOptions{Source: source, Repo: repo, Tags: []string{"a", "b"}, Jobs: 2}, w.Deps)
		if err != nil || got != repo+"@"+digest.String() {
			t.Fatalf("%s: %s, %v; want %s", source, got, err, digest)
		}
	}
	for _, tag := range []string{"a", "b"} {
		pushed := indexAt(t, repo+":"+tag)
		if got, err := pushed.Digest(); err != nil || got != digest {
			t.Errorf("%s names %s, %v", tag, got, err)
		}
		allThere(t, repo, pushed)
	}
	m, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	one, err := Push(t.Context(), PushOptions{Source: "oci:" + dir, OSVersion: "10.0.26100", Repo: repo, Tags: []string{"one"}, Jobs: 2}, w.Deps)
	if want := repo + "@" + m.Manifests[1].Digest.String(); err != nil || one != want {
		t.Errorf("--os-version: %s, %v; want %s", one, err, want)
	}
}

// allThere reads everything that the index names.
func allThere(t *testing.T, repo string, idx v1.ImageIndex) {
	t.Helper()
	m, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		if d.MediaType.IsIndex() {
			inner, err := idx.ImageIndex(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			allThere(t, repo, inner)
			continue
		}
		img, err := idx.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, blob := range append(manifest.Layers, manifest.Config) {
			ref, err := name.NewDigest(repo + "@" + blob.Digest.String())
			if err != nil {
				t.Fatal(err)
			}
			layer, err := remote.Layer(ref)
			if err != nil {
				t.Fatal(err)
			}
			rc, err := layer.Compressed()
			if err != nil {
				t.Fatalf("%s: %v", blob.MediaType, err)
			}
			if n, err := io.Copy(io.Discard, rc); err != nil || n != blob.Size {
				t.Errorf("%s: %d bytes, %v", blob.MediaType, n, err)
			}
			_ = rc.Close()
		}
	}
}

func indexAt(t *testing.T, ref string) v1.ImageIndex {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	idx, err := remote.Index(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return idx
}

// What publish writes of several Windows versions, push takes from an archive, too.
func TestPushIndexFromArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var children []publish.Child
	var images []v1.Image
	for version, suffix := range map[string]string{"10.0.20348.1": "ltsc2022", "10.0.26100.1": ""} {
		img, err := sample.Image(sample.Options{OCI: true, OSVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		images, children = append(images, img), append(children, publish.Child{Image: img, Suffix: suffix})
	}
	idx, err := sample.Index(images...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := idx.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	content := publish.OfIndex(raw, types.OCIImageIndex, children)
	for _, file := range []string{"app.tar", "app.tar.gz"} {
		archive := filepath.Join(t.TempDir(), file)
		prepared, err := publish.Prepare(t.Context(), content, []publish.Sink{publish.NewTarball(archive, []string{"app"}, publish.TarballOptions{})}, []string{"v1"}, publish.PushOptions{})
		if err != nil {
			t.Fatal(err)
		}
		refs, err := prepared.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		digest := refs[0][strings.LastIndex(refs[0], "@"):]
		repo := w.host + "/pushed/" + strings.ReplaceAll(file, ".", "-")
		// The archive also names one image by itself, so the index has to be chosen.
		if got, err := Push(t.Context(), PushOptions{Source: "tar:" + archive + digest, Repo: repo, Jobs: 2}, w.Deps); err != nil || got != repo+digest {
			t.Errorf("%s: %s, %v; want %s", file, got, err, digest)
		}
		if err := validate.Index(indexAt(t, repo+":latest")); err != nil {
			t.Error(err)
		}
	}
}
