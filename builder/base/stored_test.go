package base_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// mixed is an index of two Windows images, a Linux one, an attestation, and an index.
func mixed(t *testing.T) v1.ImageIndex {
	t.Helper()
	windows := image(t, sample.Options{OCI: true, OSVersion: "10.0.20348.1"})
	idx := must[v1.ImageIndex](t)(sample.Index(windows, image(t, sample.Options{OCI: true, OSVersion: "10.0.26100.1", Layers: 2}), image(t, sample.Options{OCI: true, OS: "linux"})))
	idx = must[v1.ImageIndex](t)(sample.WithAttestation(idx, must[v1.Hash](t)(windows.Digest())))
	inner := must[v1.ImageIndex](t)(sample.Index(image(t, sample.Options{OCI: true, OS: "linux", Architecture: "arm64"})))
	return mutate.AppendManifests(idx, mutate.IndexAddendum{Add: inner})
}

// named writes a layout in which the index has a name.
func named(t *testing.T, idx v1.ImageIndex, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	outer := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: idx, Descriptor: v1.Descriptor{Annotations: map[string]string{"org.opencontainers.image.ref.name": name}},
	})
	if err := sample.WriteLayout(dir, outer); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReadStoredIndex(t *testing.T) {
	t.Parallel()
	idx := mixed(t)
	plain := filepath.Join(t.TempDir(), "layout")
	if err := sample.WriteLayout(plain, idx); err != nil {
		t.Fatal(err)
	}
	want := must[v1.Hash](t)(idx.Digest())
	dir := named(t, idx, "v1")
	for _, ref := range []string{"oci:" + plain, "oci:" + dir, "oci:" + dir + ":v1", "oci:" + dir + "@" + want.String()} {
		image, got, err := base.ReadStored(t.Context(), ref, base.Options{})
		if err != nil || image != nil {
			t.Fatalf("%s: %v, %v", ref, image, err)
		}
		if got.Digest != want || string(got.Raw) != string(must[[]byte](t)(idx.RawManifest())) || got.MediaType != types.OCIImageIndex {
			t.Errorf("%s: %s %s", ref, got.MediaType, got.Raw)
		}
		sameStored(t, got, idx)
	}
}

// sameStored compares what was read with the index that was written.
func sameStored(t *testing.T, got *base.Stored, idx v1.ImageIndex) {
	t.Helper()
	m := must[*v1.IndexManifest](t)(idx.IndexManifest())
	if len(got.Entries) != len(m.Manifests) {
		t.Fatalf("%d entries, want %d", len(got.Entries), len(m.Manifests))
	}
	for i, d := range m.Manifests {
		e := got.Entries[i]
		if e.Digest != d.Digest || e.MediaType != d.MediaType {
			t.Errorf("entry %d is %s %s, want %s %s", i, e.MediaType, e.Digest, d.MediaType, d.Digest)
		}
		if d.MediaType.IsIndex() {
			sameStored(t, e, must[v1.ImageIndex](t)(idx.ImageIndex(d.Digest)))
			continue
		}
		img := must[v1.Image](t)(idx.Image(d.Digest))
		if string(e.Config) != string(must[[]byte](t)(img.RawConfigFile())) || string(e.Raw) != string(must[[]byte](t)(img.RawManifest())) {
			t.Errorf("entry %d: another config or manifest", i)
		}
		for n, l := range must[[]v1.Layer](t)(img.Layers()) {
			checkBytes(t, e.Layers[n].Compressed, l.Compressed)
		}
	}
}

func TestReadStoredImage(t *testing.T) {
	t.Parallel()
	idx := mixed(t)
	one := image(t, sample.Options{OSVersion: "10.0.20348.7"})
	single := filepath.Join(t.TempDir(), "layout")
	if err := sample.WriteLayout(single, must[v1.ImageIndex](t)(sample.Index(one))); err != nil {
		t.Fatal(err)
	}
	dir := named(t, idx, "v1")
	for ref, c := range map[string]struct{ osVersion, want string }{
		"oci:" + single:      {"", "10.0.20348.7"}, // whose only entry is no choice
		"oci:" + dir:         {"10.0.26100", "10.0.26100.1"},
		"oci:" + dir + ":v1": {"10.0.20348.1", "10.0.20348.1"},
		"oci:" + dir + "@" + must[*v1.IndexManifest](t)(idx.IndexManifest()).Manifests[1].Digest.String(): {"", "10.0.26100.1"},
	} {
		got, index, err := base.ReadStored(t.Context(), ref, base.Options{OSVersion: c.osVersion})
		if err != nil || index != nil || got.OSVersion != c.want {
			t.Errorf("%s: %+v, %v, %v", ref, got, index, err)
		}
	}
}

func TestReadStoredRefuses(t *testing.T) {
	t.Parallel()
	dir := named(t, mixed(t), "v1")
	lacking := func(i int) string { // a layout without the i-th entry
		idx := mixed(t)
		dir := named(t, idx, "v1")
		h := must[*v1.IndexManifest](t)(idx.IndexManifest()).Manifests[i].Digest
		if err := os.Remove(filepath.Join(dir, "blobs", h.Algorithm, h.Hex)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	crowded := filepath.Join(t.TempDir(), "layout")
	if err := os.CopyFS(crowded, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	// A list is named so often that what it names would be read without end.
	h := must[*v1.IndexManifest](t)(mixed(t).IndexManifest()).Manifests[4]
	entry := fmt.Sprintf(`{"mediaType":%q,"size":%d,"digest":%q,"platform":{"os":"linux","architecture":"arm64"}}`, h.MediaType, h.Size, h.Digest)
	index := `{"schemaVersion":2,"manifests":[` + strings.Repeat(entry+",", 600) + strings.Replace(entry, "arm64", "arm", 1) + `,{"mediaType":"` + string(types.OCIManifestSchema1) + `","size":2,"digest":"sha256:` + strings.Repeat("0", 64) + `"}]}`
	if err := os.WriteFile(filepath.Join(crowded, "index.json"), []byte(index), 0o600); err != nil {
		t.Fatal(err)
	}
	for ref, c := range map[string]struct {
		osVersion, says string
		is              error
	}{
		"ghcr.io/x/y:v1":         {"", "neither oci:DIR", nil},
		"oci:" + dir + "-no":     {"", "no OCI layout", base.ErrNotFound},
		"oci:" + lacking(2):      {"", "not copied along", base.ErrNotFound},
		"oci:" + lacking(4):      {"", "not copied along", base.ErrNotFound},
		"oci:" + dir:             {"10.0.17763", "no Windows 10.0.17763", nil},
		"oci:" + dir + "#":       {"", "", base.ErrNotFound},
		"oci:" + crowded:         {"", "more than 1000 images", nil},
		"tar:" + dir + "-no.tar": {"", "no such file", base.ErrNotFound},
	} {
		image, stored, err := base.ReadStored(t.Context(), ref, base.Options{OSVersion: c.osVersion})
		if image != nil || stored != nil || err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, %v, %v; want %q", ref, image, stored, err, c.says)
		}
	}
}
