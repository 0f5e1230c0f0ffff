package builder_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

func TestBuildMakesAValidImage(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sample.Options{
		"docker":           {},
		"oci":              {OCI: true},
		"several layers":   {Layers: 3},
		"no os.version":    {NoOSVersion: true},
		"plain tar layers": {Uncompressed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			img, _ := build(t, newApp(t), newBase(t, o), builder.Overrides{})
			if err := validate.Image(img, validate.Fast); err != nil {
				t.Error(err)
			}
			if len(img.Ours) != 3 {
				t.Errorf("%d layers of ours, want runtime, packages and app", len(img.Ours))
			}
		})
	}
}

func TestConfigGolden(t *testing.T) {
	t.Parallel()
	b := newBase(t, sample.Options{OSFeatures: []string{"win32k"}, ExtraConfig: map[string]any{"x-vendor": map[string]any{"n": 1}}})
	img, _ := build(t, newWebApp(t, "10.0.12"), b, builder.Overrides{Labels: []string{"team=a<b"}})
	raw, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	// Digests of the layers have tests of their own, in package layers.
	for i, id := range c.RootFS.DiffIDs {
		text = strings.ReplaceAll(text, id.String(), "sha256:diff"+string(rune('0'+i)))
	}
	text = strings.ReplaceAll(text, b.Digest.String(), "sha256:base")
	text = strings.ReplaceAll(text, layers.Gzip.Comment(), "COMMENT")
	want := `{"architecture":"amd64",` +
		`"config":{"AttachStderr":false,"AttachStdin":false,"AttachStdout":false,"Domainname":"",` +
		`"Entrypoint":["C:\\app\\App.exe"],` +
		`"Env":["DOTNET_RUNNING_IN_CONTAINER=true","ASPNETCORE_HTTP_PORTS=8080"],"Hostname":"","Image":"",` +
		`"Labels":{"dev.nanobuild.base.index":"sha256:` + strings.Repeat("ab", 32) + `","org.opencontainers.image.base.digest":"sha256:base",` +
		`"org.opencontainers.image.base.name":"mcr.microsoft.com/windows/nanoserver:ltsc2022",` +
		`"org.opencontainers.image.created":"2026-09-10T00:26:40Z","org.opencontainers.image.revision":"0123456789abcdef0123456789abcdef01234567",` +
		`"org.opencontainers.image.source":"https://git.example/shop","org.opencontainers.image.title":"App","org.opencontainers.image.version":"1.4.2","team":"a<b"},` +
		`"OnBuild":null,"OpenStdin":false,"StdinOnce":false,"Tty":false,"User":"ContainerUser","Volumes":null,"WorkingDir":"C:\\app",` +
		`"ExposedPorts":{"8080/tcp":{}}},` +
		`"created":"2026-09-10T00:26:40Z",` +
		`"history":[{"created":"2026-08-11T03:04:05.0000000Z","created_by":"Apply image 10.0.20348.4171"},` +
		`{"created":"2026-09-10T00:26:40Z","created_by":"nanobuild: runtime layer","comment":"COMMENT"},` +
		`{"created":"2026-09-10T00:26:40Z","created_by":"nanobuild: packages layer","comment":"COMMENT"},` +
		`{"created":"2026-09-10T00:26:40Z","created_by":"nanobuild: app layer","comment":"COMMENT"}],` +
		`"os":"windows","os.features":["win32k"],"os.version":"10.0.20348.4171",` +
		`"rootfs":{"diff_ids":["sha256:diff0","sha256:diff1","sha256:diff2","sha256:diff3"],"type":"layers"},"x-vendor":{"n":1}}`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
}

func TestTheSameInputGivesTheSameImage(t *testing.T) {
	t.Parallel()
	o := builder.Overrides{Env: []string{"B=1", "A=2"}, Labels: []string{"z=1", "a=2"}, Ports: []string{"9", "53/udp"}}
	digest := func() v1.Hash {
		img, _ := build(t, newApp(t), newBase(t, sample.Options{}), o)
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := digest()
	for range 3 {
		if again := digest(); again != first {
			t.Errorf("digest %s, then %s", first, again)
		}
	}
}

func TestSingleLayer(t *testing.T) {
	t.Parallel()
	img, _ := build(t, newApp(t), newBase(t, sample.Options{}), builder.Overrides{Single: true})
	if len(img.Ours) != 1 || img.Ours[0].Origin() != layers.App {
		t.Errorf("layers of ours: %d", len(img.Ours))
	}
}

// familyOf returns the prefix that all media types of a manifest must have.
func familyOf(t *testing.T, img built) string {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	prefix := "application/vnd.docker."
	if m.MediaType == types.OCIManifestSchema1 {
		prefix = "application/vnd.oci."
	}
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(m.Config.MediaType), prefix) {
		t.Errorf("config %s in a manifest of %s", m.Config.MediaType, prefix)
	}
	for i, d := range m.Layers {
		if mt, err := all[i].MediaType(); err != nil || mt != d.MediaType || !strings.HasPrefix(string(mt), prefix) {
			t.Errorf("layer %d is %s in the manifest, %s by itself (%v), in a manifest of %s", i, d.MediaType, mt, err, prefix)
		}
	}
	return prefix
}

func TestFormat(t *testing.T) {
	t.Parallel()
	const docker, oci = "application/vnd.docker.", "application/vnd.oci."
	for _, tt := range []struct {
		name    string
		base    sample.Options
		format  string
		project string // ContainerImageFormat
		want    string
	}{
		{"docker base", sample.Options{}, "", "", docker},
		{"oci base", sample.Options{OCI: true}, "", "", oci},
		{"docker to oci", sample.Options{Layers: 2}, "oci", "", oci},
		{"oci to docker", sample.Options{OCI: true}, "docker", "", docker},
		{"foreign docker to oci", sample.Options{Foreign: true}, "oci", "", oci},
		{"foreign oci to docker", sample.Options{Foreign: true, OCI: true}, "docker", "", docker},
		{"plain docker to oci", sample.Options{Uncompressed: true}, "oci", "", oci},
		{"plain oci to docker", sample.Options{Uncompressed: true, OCI: true}, "docker", "", docker},
		{"the project's", sample.Options{}, "", "OCI", oci},
		{"the flag wins", sample.Options{OCI: true}, "docker", "OCI", docker},
		{"no mediaType in the manifest", sample.Options{OCI: true, NoMediaType: true}, "", "", oci},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			app.Properties["ContainerImageFormat"] = tt.project
			b := newBase(t, tt.base)
			img, _ := build(t, app, b, builder.Overrides{Format: tt.format})
			if got := familyOf(t, img); got != tt.want {
				t.Errorf("family %s, want %s", got, tt.want)
			}
			m, _ := img.Manifest()
			was, err := b.Layers[0].Digest()
			if err != nil || m.Layers[0].Digest != was {
				t.Errorf("the base's layer became %s, was %s (%v)", m.Layers[0].Digest, was, err)
			}
			if tt.base.Foreign && len(m.Layers[0].URLs) == 0 {
				t.Error("the foreign layer lost its URLs")
			}
			if tt.base.Foreign && m.Layers[0].MediaType.IsDistributable() {
				t.Errorf("the foreign layer became %s", m.Layers[0].MediaType)
			}
		})
	}
}

func TestMislabelledBaseLayerGetsItsTrueType(t *testing.T) {
	t.Parallel()
	b := newBase(t, sample.Options{})
	b.Layers[0] = asType{b.Layers[0], types.DockerUncompressedLayer}
	img, _ := build(t, newApp(t), b, builder.Overrides{Format: "oci"})
	m, err := img.Manifest()
	if err != nil || m.Layers[0].MediaType != types.OCIUncompressedLayer {
		t.Errorf("type %v, %v", m.Layers[0].MediaType, err)
	}
}

type asType struct {
	v1.Layer
	mediaType types.MediaType
}

func (a asType) MediaType() (types.MediaType, error) { return a.mediaType, nil }

func TestBaseDescriptorsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	b := newBase(t, sample.Options{Foreign: true, Layers: 2})
	// Spaces and unknown keys must survive too.
	b.Manifest = []byte(strings.Replace(string(b.Manifest), `"layers":[{`, `"layers":[{ "x-note": {"a": 1.50}, `, 1))
	img, _ := build(t, newApp(t), b, builder.Overrides{})
	raw, _ := img.RawManifest()
	was, is := layerTexts(t, b.Manifest), layerTexts(t, raw)
	if diff := cmp.Diff(was, is[:len(was)]); diff != "" {
		t.Error(diff)
	}
}

func layerTexts(t *testing.T, manifest []byte) []string {
	t.Helper()
	var m struct{ Layers []json.RawMessage }
	if err := json.Unmarshal(manifest, &m); err != nil {
		t.Fatal(err)
	}
	out := make([]string, 0, len(m.Layers))
	for _, l := range m.Layers {
		out = append(out, string(l))
	}
	return out
}

func TestZstdBase(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	b := newBase(t, sample.Options{OCI: true})
	b.Layers[0] = asType{b.Layers[0], types.OCILayerZStd}
	spec, _ := configure(t, app, builder.Overrides{Format: "docker"})
	_, err := buildOne(t.Context(), spec, b, app, builder.Deps{TempDir: t.TempDir()})
	wantInput(t, err, "zstd", "--format oci")

	docker := newBase(t, sample.Options{})
	docker.Layers[0] = asType{docker.Layers[0], "application/vnd.docker.image.rootfs.diff.tar.zstd"}
	img, _ := build(t, app, docker, builder.Overrides{Format: "oci"})
	if m, _ := img.Manifest(); m.Layers[0].MediaType != types.OCILayerZStd {
		t.Errorf("type %s", m.Layers[0].MediaType)
	}
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	o := builder.Overrides{Annotations: []string{"team=a"}}
	spec, _ := configure(t, app, o)
	_, err := buildOne(t.Context(), spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: t.TempDir()})
	wantInput(t, err, "--format oci")

	o.Format = "docker"
	_, _, err = tryConfigure(t, app, o)
	wantInput(t, err, "--format oci")

	b := newBase(t, sample.Options{OCI: true})
	o.Format = ""
	img, _ := build(t, app, b, o)
	m, _ := img.Manifest()
	want := map[string]string{
		"team":                                 "a",
		"org.opencontainers.image.base.name":   b.Name,
		"org.opencontainers.image.base.digest": b.Digest.String(),
	}
	if diff := cmp.Diff(want, m.Annotations); diff != "" {
		t.Error(diff)
	}
	docker, _ := build(t, app, newBase(t, sample.Options{}), builder.Overrides{})
	if raw, _ := docker.RawManifest(); strings.Contains(string(raw), "annotations") {
		t.Errorf("a Docker manifest has annotations: %s", raw)
	}
}

func TestFolderOfTheBase(t *testing.T) {
	t.Parallel()
	for _, o := range []builder.Overrides{{}, {AppDir: `C:\App\x`}, {Workdir: `C:\APP\y`, AppDir: `C:\svc`}, {Writable: []string{`C:\app\z`}, AppDir: `C:\svc`}} {
		app := newApp(t)
		b := newBase(t, sample.Options{})
		b.Folders = []string{"windows", "app"}
		spec, _ := configure(t, app, o)
		_, err := buildOne(t.Context(), spec, b, app, builder.Deps{TempDir: t.TempDir()})
		wantInput(t, err, "base image has already", "permissions", `--app-dir, such as C:\service`)
	}
}

func TestFrameworkDependent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		web  bool
		env  []string
		ok   bool
	}{
		{"bare base", false, nil, false},
		{"runtime base", false, []string{"DOTNET_VERSION=10.0.11"}, true},
		{"web on the runtime base", true, []string{"DOTNET_VERSION=10.0.11"}, false},
		{"web on the aspnet base", true, []string{"DOTNET_VERSION=10.0.11", "ASPNET_VERSION=10.0.11"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			if tt.web {
				app = newWebApp(t, "10.0.12")
			}
			app.Runtime.SelfContained = false
			spec, _ := configure(t, app, builder.Overrides{})
			img, err := buildOne(t.Context(), spec, newBase(t, sample.Options{Env: tt.env}), app, builder.Deps{TempDir: t.TempDir()})
			if tt.ok != (err == nil) {
				t.Fatalf("error = %v", err)
			}
			if err != nil {
				wantInput(t, err, "--self-contained")
				return
			}
			if err := img.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestANativeProgramNeedsNoRuntime(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	app.Runtime = dotnet.Runtime{}
	img, _ := build(t, app, newBase(t, sample.Options{}), builder.Overrides{})
	if len(img.Ours) == 0 {
		t.Error("no layers")
	}
}

func TestLinuxBaseIsRefused(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	spec, _ := configure(t, app, builder.Overrides{})
	_, err := buildOne(t.Context(), spec, newBase(t, sample.Options{OS: "linux"}), app, builder.Deps{TempDir: t.TempDir()})
	wantInput(t, err, "linux", "--base")
}

func TestLayersAreFound(t *testing.T) {
	t.Parallel()
	img, _ := build(t, newApp(t), newBase(t, sample.Options{Layers: 2}), builder.Overrides{})
	c, _ := img.ConfigFile()
	m, _ := img.Manifest()
	for i, d := range m.Layers {
		byDigest, err := img.LayerByDigest(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		byID, err := img.LayerByDiffID(c.RootFS.DiffIDs[i])
		if err != nil || byID != byDigest {
			t.Errorf("layer %d: %v", i, err)
		}
	}
	if _, err := img.LayerByDigest(m.Config.Digest); err != nil {
		t.Error(err)
	}
	if _, err := img.LayerByDigest(v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}); err == nil {
		t.Error("found a layer that is not there")
	}
	if !slices.ContainsFunc(img.Plan.Groups, func(g layers.Group) bool { return g.Origin == layers.App }) {
		t.Error("the plan has no app layer")
	}
}
