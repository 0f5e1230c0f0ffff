package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
)

func TestTarballContent(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.tar")
	base, layer := foreignLayer("at home"), testLayer(t, 1, 1000)
	img := testImage(t, base, layer)
	mustPut(t, NewTarball(file, []string{"team/app", "registry.corp/app"}, TarballOptions{}), img, "v1", "latest")
	content, order := archiveFiles(t, file)
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	blob := func(h v1.Hash) string { return "blobs/sha256/" + h.Hex }
	want := []string{"blobs/", "blobs/sha256/", blob(m.Config.Digest), blob(digestOf(t, img)), blob(digestOf(t, layer)), "manifest.json", "index.json", "oci-layout"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var docker []dockerImage
	if err := json.Unmarshal(content["manifest.json"], &docker); err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	wantDocker := []dockerImage{{
		Config:       blob(m.Config.Digest),
		RepoTags:     []string{"team/app:v1", "team/app:latest", "registry.corp/app:v1", "registry.corp/app:latest"},
		Layers:       []string{blob(digestOf(t, base)), blob(digestOf(t, layer))},
		LayerSources: map[string]v1.Descriptor{config.RootFS.DiffIDs[0].String(): m.Layers[0]},
	}}
	if diff := cmp.Diff(wantDocker, docker); diff != "" {
		t.Errorf("manifest.json (-want +got):\n%s", diff)
	}
	if len(docker[0].LayerSources[config.RootFS.DiffIDs[0].String()].URLs) == 0 {
		t.Error("the foreign layer has lost its URLs")
	}
}

// The docker archive knows no index: there the images have names of their own, or none.
func TestTarballOfAnIndex(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.tar")
	shared := testLayer(t, 1, 1000)
	children := threeBuilds(t, shared)
	children[2].Suffix = ""
	content := indexOf(t, children)
	if _, err := PushContent(t.Context(), content, []Sink{NewTarball(file, []string{"team/app"}, TarballOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	files, order := archiveFiles(t, file)
	if n := len(slices.Compact(slices.Sorted(slices.Values(order)))); n != len(order) || n != 2+3+3+1+4+3 {
		t.Errorf("%d files, some twice: %v", n, order) // folders, configs, manifests, the index, layers, names
	}
	var docker []dockerImage
	if err := json.Unmarshal(files["manifest.json"], &docker); err != nil {
		t.Fatal(err)
	}
	var names [][]string
	for i, d := range docker {
		names = append(names, d.RepoTags)
		config, err := children[i].Image.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		if d.Config != blobName(config) || len(d.Layers) != 2 || d.Layers[1] != blobName(digestOf(t, shared)) {
			t.Errorf("image %d of manifest.json = %+v", i, d)
		}
	}
	if diff := cmp.Diff([][]string{{"team/app:v1-ltsc2025"}, {"team/app:v1-ltsc2022"}, nil}, names); diff != "" {
		t.Errorf("RepoTags (-want +got):\n%s", diff)
	}
	if string(files[blobName(digestOf(t, content))]) != string(content.raw) {
		t.Error("the index is not in the archive, or another")
	}
}

func TestTarballIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"app.tar", "app.tar.gz", "app.TGZ"} {
		var all [][]byte
		for range 2 {
			file := filepath.Join(t.TempDir(), base)
			mustPut(t, NewTarball(file, []string{"app"}, TarballOptions{}), testImage(t, testLayer(t, 1, 50_000)), "v1")
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		if !bytes.Equal(all[0], all[1]) {
			t.Errorf("%s: two runs, two files", base)
		}
		if zipped := bytes.HasPrefix(all[0], []byte{0x1f, 0x8b}); zipped == strings.HasSuffix(base, ".tar") {
			t.Errorf("%s: gzip = %v", base, zipped)
		}
	}
}

func TestTarballGzipHoldsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	img := testImage(t, testLayer(t, 1, 50_000))
	for _, f := range []string{"a.tar", "a.tar.gz"} {
		mustPut(t, NewTarball(filepath.Join(dir, f), []string{"app"}, TarballOptions{}), img, "v1")
	}
	plain, err := os.ReadFile(filepath.Join(dir, "a.tar"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "a.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if unzipped, err := io.ReadAll(gz); err != nil || !bytes.Equal(unzipped, plain) {
		t.Errorf("the gzip holds something else (%v)", err)
	}
}

func TestTarballReplacesFileAtTheEndOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.tar")
	if err := os.WriteFile(file, []byte("of yesterday"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := NewTarball(file, []string{"app"}, TarballOptions{})
	img := testImage(t, testLayer(t, 1, 1000))
	if _, err := s.Stage(t.Context(), OfImage(img)); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(file); string(b) != "of yesterday" {
		t.Error("Stage replaced the file")
	}
	other := testImage(t, testLayer(t, 2, 1000)) // not the staged one: it counts
	mustPut(t, s, other, "v1")
	if got := archiveDigest(t, file); got != digestOf(t, other).String() {
		t.Errorf("the archive holds %s", got)
	}
}

func TestTarballNeedsNames(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.tar")
	img := testImage(t, testLayer(t, 1, 1000))
	for what, c := range map[string]struct{ repositories, tags []string }{
		"no tag":        {[]string{"app"}, nil},
		"no repository": {nil, []string{"v1"}},
	} {
		var usage *UsageError
		if _, err := NewTarball(file, c.repositories, TarballOptions{}).Commit(t.Context(), OfImage(img), c.tags); !errors.As(err, &usage) {
			t.Errorf("%s: Commit = %v, want a UsageError", what, err)
		}
	}
}

func TestTarballCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var usage *UsageError
	if err := NewTarball(dir, []string{"app"}, TarballOptions{}).Check(t.Context()); !errors.As(err, &usage) {
		t.Errorf("a folder: Check = %v, want a UsageError", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := NewTarball(filepath.Join(file, "app.tar"), []string{"app"}, TarballOptions{}).Check(t.Context()); err == nil {
		t.Error("a path below a file: Check passed")
	}
	if os.Getuid() > 0 {
		locked := filepath.Join(dir, "locked")
		if err := os.Mkdir(locked, 0o555); err != nil {
			t.Fatal(err)
		}
		if err := NewTarball(filepath.Join(locked, "app.tar"), []string{"app"}, TarballOptions{}).Check(t.Context()); err == nil {
			t.Error("a folder without write permission: Check passed")
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "file" }) || len(entries) > 2 {
		t.Errorf("Check left %v, %v", entries, err)
	}
}

func TestTarballForeignLayersOnRequest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.tar")
	base := foreignLayer("comes along")
	mustPut(t, NewTarball(file, []string{"app"}, TarballOptions{Nondistributable: true}), testImage(t, base), "v1")
	content, _ := archiveFiles(t, file)
	if got := string(content[blobName(digestOf(t, base))]); got != "comes along" {
		t.Errorf("the archive has %q", got)
	}
}
