package sample_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func options() map[string]sample.Options {
	return map[string]sample.Options{
		"default":      {},
		"oci":          {OCI: true, Layers: 3, Padding: 5000, OSFeatures: []string{"win32k"}},
		"uncompressed": {Uncompressed: true},
		"foreign":      {Foreign: true, Layers: 2, ArgsEscaped: true, Entrypoint: []string{"a.exe"}},
	}
}

func TestImagesAreValidAndTheSameEachTime(t *testing.T) {
	t.Parallel()
	for name, o := range options() {
		img := must[v1.Image](t)(sample.Image(o))
		// validate takes every layer for a gzip'ed one.
		if err := validate.Image(img); err != nil && !o.Uncompressed {
			t.Errorf("%s: %v", name, err)
		}
		again := must[v1.Image](t)(sample.Image(o))
		if a, b := must[v1.Hash](t)(img.Digest()), must[v1.Hash](t)(again.Digest()); a != b {
			t.Errorf("%s: %s, then %s", name, a, b)
		}
	}
}

// TestDiffIDs fixes the bytes of the plain layers: they do not depend on a
// compressor.
func TestDiffIDs(t *testing.T) {
	t.Parallel()
	img := must[v1.Image](t)(sample.Image(sample.Options{Layers: 2, Padding: 1000}))
	got := must[*v1.ConfigFile](t)(img.ConfigFile()).RootFS.DiffIDs
	want := []string{
		"sha256:23ffdfd9b5fb198f7f8879c970fb606bcc4892f34a47127d7d9d624bfdac95a7",
		"sha256:ecc6cf86f9b8d6ec2edaf68ed0c20ab7822604610f4cb4737505bb6327f51250",
	}
	for i, w := range want {
		if got[i].String() != w {
			t.Errorf("layer %d: %s, want %s", i, got[i], w)
		}
	}
}

// TestConfig wants Nano Server's values, nulls included.
func TestConfig(t *testing.T) {
	t.Parallel()
	img := must[v1.Image](t)(sample.Image(sample.Options{ExtraConfig: map[string]any{"config.Healthcheck": "h", "moby.x": 1}}))
	var got struct {
		OS           string          `json:"os"`
		OSVersion    string          `json:"os.version"`
		Architecture string          `json:"architecture"`
		X            json.RawMessage `json:"moby.x"`
		Config       map[string]json.RawMessage
		History      []json.RawMessage
	}
	raw := must[[]byte](t)(img.RawConfigFile())
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.OS != "windows" || got.OSVersion != sample.OSVersion || got.Architecture != "amd64" || string(got.X) != "1" || len(got.History) != 1 {
		t.Errorf("config %s", raw)
	}
	for key, want := range map[string]string{
		"Env": "null", "Entrypoint": "null", "Cmd": `["c:\\windows\\system32\\cmd.exe"]`, "User": `"ContainerUser"`,
		"WorkingDir": `""`, "Labels": "null", "Healthcheck": `"h"`,
	} {
		if string(got.Config[key]) != want {
			t.Errorf("config.%s is %s, want %s", key, got.Config[key], want)
		}
	}
	if _, ok := got.Config["ArgsEscaped"]; ok {
		t.Error("ArgsEscaped is there")
	}
	if strings.Contains(string(raw), "os.features") {
		t.Error("os.features is there")
	}
}

func TestLayerHasTheShapeOfWindows(t *testing.T) {
	t.Parallel()
	img := must[v1.Image](t)(sample.Image(sample.Options{Padding: 12345}))
	rc := must[io.ReadCloser](t)(must[[]v1.Layer](t)(img.Layers())[0].Uncompressed())
	names := map[string]int64{}
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names[h.Name] = h.Size
		if parent := filepath.ToSlash(filepath.Dir(h.Name)); parent != "." {
			if _, ok := names[parent]; !ok {
				t.Errorf("%s comes before its parent", h.Name)
			}
		}
	}
	for _, n := range []string{"Hives", "Files/Users", "Files/Windows/System32/config/SYSTEM", "UtilityVM/Files/EFI/Microsoft/Boot/BCD"} {
		if _, ok := names[n]; !ok {
			t.Errorf("no %s", n)
		}
	}
	if names["Files/Windows/System32/padding.bin"] != 12345 {
		t.Error("the padding has another size")
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for _, oci := range []bool{false, true} {
		a := must[v1.Image](t)(sample.Image(sample.Options{OCI: oci, OSFeatures: []string{"win32k"}}))
		b := must[v1.Image](t)(sample.Image(sample.Options{OCI: oci, OSVersion: "10.0.26100.1"}))
		idx := must[v1.ImageIndex](t)(sample.Index(a, b))
		idx = must[v1.ImageIndex](t)(sample.WithAttestation(idx, must[v1.Hash](t)(a.Digest())))
		want := types.DockerManifestList
		if oci {
			want = types.OCIImageIndex
		}
		m := must[*v1.IndexManifest](t)(idx.IndexManifest())
		if m.MediaType != want {
			t.Errorf("type %s, want %s", m.MediaType, want)
		}
		var versions []string
		for _, d := range m.Manifests {
			versions = append(versions, d.Platform.OS+d.Platform.OSVersion)
		}
		if !slices.Equal(versions, []string{"windows" + sample.OSVersion, "windows10.0.26100.1", "unknown"}) {
			t.Errorf("entries %q", versions)
		}
		if !slices.Equal(m.Manifests[0].Platform.OSFeatures, []string{"win32k"}) {
			t.Errorf("features %q", m.Manifests[0].Platform.OSFeatures)
		}
		dir := t.TempDir()
		if err := sample.WriteLayout(dir, idx); err != nil {
			t.Fatal(err)
		}
		if got, want := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "index.json"))), must[[]byte](t)(idx.RawManifest()); string(got) != string(want) {
			t.Errorf("index.json is %s", got)
		}
	}
}
