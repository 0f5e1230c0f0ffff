package base_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// member is one of a hand-made archive: a file, or a link when link is set.
type member struct {
	name, link string
	flag       byte
	body       []byte
}

func writeArchive(t testing.TB, members ...member) string {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Typeflag: tar.TypeReg, Size: int64(len(m.body)), Mode: 0o644}
		if m.link != "" {
			h.Typeflag, h.Linkname = m.flag, m.link
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "saved.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func bytesOf(t testing.TB, open func() (io.ReadCloser, error)) []byte {
	t.Helper()
	rc := must[io.ReadCloser](t)(open())
	body := must[[]byte](t)(io.ReadAll(rc))
	if err := rc.Close(); err != nil {
		t.Fatal(err)
	}
	return body
}

func jsonOf(t testing.TB, v any) []byte {
	t.Helper()
	return must[[]byte](t)(json.Marshal(v))
}

// TestDockerSave reads what docker save wrote before version 25: a folder per
// layer with its plain tar, and links where layers are shared.
func TestDockerSave(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{Layers: 2, Padding: 100_000})
	layers := must[[]v1.Layer](t)(img.Layers())
	first, second := bytesOf(t, layers[0].Uncompressed), bytesOf(t, layers[1].Uncompressed)
	manifest := member{name: "manifest.json", body: jsonOf(t, []map[string]any{{
		"Config": "abc.json", "RepoTags": []string{"mynano:v1"}, "Layers": []string{"1/layer.tar", "2/layer.tar"},
	}})}
	config := member{name: "abc.json", body: must[[]byte](t)(img.RawConfigFile())}
	for name, file := range map[string]string{
		"files": writeArchive(t, member{name: "1/layer.tar", body: first}, member{name: "2/layer.tar", body: second}, config, manifest),
		"symlink": writeArchive(t, member{name: "1/layer.tar", link: "../3/layer.tar", flag: tar.TypeSymlink},
			member{name: "3/layer.tar", body: first}, member{name: "2/layer.tar", body: second}, config, manifest),
		"hard link": writeArchive(t, member{name: "3/layer.tar", body: first},
			member{name: "1/layer.tar", link: "3/layer.tar", flag: tar.TypeLink}, member{name: "2/layer.tar", body: second}, config, manifest),
	} {
		b, err := base.Resolve(testContext(t), "tar:"+file, base.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, l := range b.Layers {
			want := must[v1.Hash](t)(layers[i].DiffID())
			if mt := must[types.MediaType](t)(l.MediaType()); mt != types.DockerUncompressedLayer || digest(t, l) != want {
				t.Errorf("%s: layer %d is %s %s, want %s", name, i, mt, digest(t, l), want)
			}
			checkBytes(t, l.Compressed, layers[i].Uncompressed)
		}
		hash, _, err := v1.SHA256(bytes.NewReader(b.Manifest))
		if err != nil || hash != b.Digest {
			t.Errorf("%s: digest %s of a manifest %s, %v", name, b.Digest, hash, err)
		}
		if len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], "not compressed") {
			t.Errorf("%s: warnings %q", name, b.Warnings)
		}
	}
}

// Docker on Windows saves foreign layers as plain tars and says in LayerSources
// where their compressed bytes are.
func TestDockerSaveOfForeignLayer(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{Foreign: true})
	l := must[[]v1.Layer](t)(img.Layers())[0]
	desc := must[*v1.Manifest](t)(img.Manifest()).Layers[0]
	file := writeArchive(t,
		member{name: "1/layer.tar", body: bytesOf(t, l.Uncompressed)},
		member{name: "c.json", body: must[[]byte](t)(img.RawConfigFile())},
		member{name: "manifest.json", body: jsonOf(t, []map[string]any{{
			"Config": "c.json", "Layers": []string{"1/layer.tar"},
			"LayerSources": map[string]any{must[v1.Hash](t)(l.DiffID()).String(): desc},
		}})})
	b, err := base.Resolve(testContext(t), "tar:"+file, base.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(desc, must[*v1.Manifest](t)(v1.ParseManifest(bytes.NewReader(b.Manifest))).Layers[0]); d != "" {
		t.Errorf("descriptor (-want +got):\n%s", d)
	}
	_, err = b.Layers[0].Compressed()
	wantError(t, err, desc.URLs[0])
}

// TestDockerSaveWithLayout reads what Docker writes since version 25: both.
func TestDockerSaveWithLayout(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{})
	dir := listLayout(t, index(t, img))
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`[{"Config":"gone"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := base.Resolve(testContext(t), "tar:"+tarOf(t, dir, false), base.Options{})
	if err != nil || b.Digest != digest(t, img) {
		t.Errorf("%v, %v, want %s", b, err, digest(t, img))
	}
}

func TestWhichImageOfAnArchive(t *testing.T) {
	t.Parallel()
	a, b := image(t, sample.Options{OSVersion: "10.0.20348.1"}), image(t, sample.Options{OSVersion: "10.0.26100.1"})
	two := dockerArchive(t, map[string]v1.Image{"corp/base:v1": a, "corp/base:v2": b})
	_, err := base.Resolve(testContext(t), "tar:"+two, base.Options{})
	wantError(t, err, "several images", "corp/base:v1, corp/base:v2", "tar:"+two+"@sha256:")
	for _, img := range []v1.Image{a, b} {
		got, err := base.Resolve(testContext(t), "tar:"+two+"@"+digest(t, img).String(), base.Options{})
		if err != nil || got.Digest != digest(t, img) {
			t.Errorf("%v, %v", got, err)
		}
	}
	one := dockerArchive(t, map[string]v1.Image{"corp/base:v1": a, "corp/base:latest": a})
	if got, err := base.Resolve(testContext(t), "tar:"+one, base.Options{}); err != nil || got.Digest != digest(t, a) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRefusedArchives(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{})
	config := member{name: "c.json", body: must[[]byte](t)(img.RawConfigFile())}
	manifest := func(layers ...string) member {
		return member{name: "manifest.json", body: jsonOf(t, []map[string]any{{"Config": "c.json", "Layers": layers}})}
	}
	notTar := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(notTar, bytes.Repeat([]byte("no tar "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  string
		parts []string
	}{
		"missing":        {filepath.Join(t.TempDir(), "none.tar"), []string{"not found", "none.tar"}},
		"a folder":       {t.TempDir(), []string{"not a regular file", "oci:"}},
		"no tar":         {notTar, []string{"read the archive"}},
		"other content":  {writeArchive(t, config), []string{"manifest.json", "index.json"}},
		"no config":      {writeArchive(t, manifest("l.tar")), []string{"c.json"}},
		"no layer":       {writeArchive(t, manifest("l.tar"), config), []string{"l.tar"}},
		"too few layers": {writeArchive(t, manifest(), config), []string{"counts 1 layers, its manifest 0"}},
		"link to itself": {writeArchive(t, manifest("l.tar"), config, member{name: "l.tar", link: "l.tar", flag: tar.TypeSymlink}), []string{"too many links"}},
		"no JSON":        {writeArchive(t, member{name: "manifest.json", body: []byte("{")}), []string{"parse manifest.json"}},
		"no images":      {writeArchive(t, member{name: "manifest.json", body: []byte("[]")}), []string{"no image"}},
		"huge JSON":      {writeArchive(t, member{name: "manifest.json", body: bytes.Repeat([]byte(" "), 5<<20)}), []string{"at most 4194304"}},
	} {
		_, err := base.Resolve(testContext(t), "tar:"+c.file, base.Options{})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, c.parts...)
		if got, want := errors.Is(err, base.ErrNotFound), name == "missing" || name == "no images"; got != want {
			t.Errorf("%s: ErrNotFound is %v", name, got)
		}
	}
}
