package base_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

func TestWhichImageOfALayout(t *testing.T) {
	t.Parallel()
	a, b := image(t, sample.Options{OSVersion: "10.0.20348.1"}), image(t, sample.Options{OSVersion: "10.0.26100.1"})
	named := namedLayout(t, map[string]v1.ImageIndex{"corp/base:v1": index(t, a), "corp/other:v2": index(t, b), "v1": index(t, b)})
	twice := namedLayout(t, map[string]v1.ImageIndex{"x": index(t, a), "y": index(t, a)})
	unnamed := imageLayout(t, a, b)
	colon := filepath.Join(t.TempDir(), "a:b")
	if err := os.Rename(imageLayout(t, a), colon); err != nil {
		if runtime.GOOS != "windows" {
			t.Fatal(err)
		}
		t.Skip("Windows has no colons in names")
	}
	for ref, want := range map[string]v1.Image{
		named + ":corp/base:v1": a,
		named + ":v2":           b,
		named + ":v1":           b, // the whole name wins over the tag
		named + "@" + digest(t, index(t, a)).String(): a,
		named + "@" + digest(t, b).String():           b,
		twice:                                         a,
		unnamed + "@" + digest(t, b).String():         b,
		colon:                                         a,
	} {
		got, err := base.Resolve(testContext(t), "oci:"+ref, base.Options{})
		if err != nil {
			t.Errorf("%s: %v", ref, err)
		} else if got.Digest != digest(t, want) || got.Name != "oci:"+ref {
			t.Errorf("%s: got %s %s, want %s", ref, got.Name, got.Digest, digest(t, want))
		}
	}
	for ref, parts := range map[string][]string{
		named:                               {"several images", "corp/base:v1, corp/other:v2, v1", "oci:" + named + ":"},
		unnamed:                             {"several images", digest(t, a).String(), digest(t, b).String(), "oci:" + unnamed + "@sha256:"},
		named + ":v3":                       {`no image "v3"`, "corp/base:v1"},
		twice + "@" + digest(t, b).String(): {"no image sha256:"},
		t.TempDir():                         {"no OCI layout"},
		"":                                  {"no OCI layout"},
	} {
		_, err := base.Resolve(testContext(t), "oci:"+ref, base.Options{})
		wantError(t, err, parts...)
	}
	_, err := base.Resolve(testContext(t), "oci:"+named+":v3", base.Options{})
	if !errors.Is(err, base.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
}

// blobFile returns where a layout keeps a blob.
func blobFile(dir string, h v1.Hash) string { return filepath.Join(dir, "blobs", h.Algorithm, h.Hex) }

// damage changes a file.
func damage(t testing.TB, file string, how func([]byte) []byte) {
	t.Helper()
	body := must[[]byte](t)(os.ReadFile(file))
	if err := os.WriteFile(file, how(bytes.Clone(body)), 0o600); err != nil {
		t.Fatal(err)
	}
}

var damages = map[string]func([]byte) []byte{
	"changed":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	"cut":      func(b []byte) []byte { return b[:len(b)-1] },
	"longer":   func(b []byte) []byte { return append(b, ' ') },
	"replaced": func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) },
	// Still valid, and of the same size.
	"edited": func(b []byte) []byte {
		b = bytes.ReplaceAll(b, []byte(`"schemaVersion":2`), []byte(`"schemaVersion":3`))
		return bytes.ReplaceAll(b, []byte("ContainerUser"), []byte("ContainerBoss"))
	},
}

func TestDamagedManifestsAndConfigs(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{})
	for name, how := range damages {
		for what, h := range map[string]v1.Hash{
			"manifest": digest(t, img), "config": must[v1.Hash](t)(img.ConfigName()),
		} {
			dir := listLayout(t, index(t, img))
			damage(t, blobFile(dir, h), how)
			for _, ref := range []string{"oci:" + dir, "tar:" + tarOf(t, dir, false)} {
				if _, err := base.Resolve(testContext(t), ref, base.Options{}); err == nil {
					t.Errorf("%s %s: no error", what, name)
				} else {
					wantError(t, err, h.Hex)
				}
			}
		}
	}
}

func TestDamagedLayers(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sample.Options{"plain": {Uncompressed: true, Padding: 100_000}, "gzip": {Padding: 100_000}} {
		img := image(t, o)
		h := digest(t, must[[]v1.Layer](t)(img.Layers())[0])
		for how, change := range map[string]func([]byte) []byte{
			"changed": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"cut":     func(b []byte) []byte { return b[:len(b)-600] },
			"longer":  func(b []byte) []byte { return append(b, make([]byte, 600)...) },
		} {
			dir := listLayout(t, index(t, img))
			damage(t, blobFile(dir, h), change)
			for _, ref := range []string{"oci:" + dir, "tar:" + tarOf(t, dir, false), "tar:" + tarOf(t, dir, true)} {
				t.Run(name+"/"+how+"/"+ref[:3], func(t *testing.T) { readDamaged(t, ref, h) })
			}
		}
	}
}

// readDamaged expects an error that names the layer: at once where reading it
// for its folders meets the damage, else when its bytes are read.
func readDamaged(t *testing.T, ref string, layer v1.Hash) {
	b, err := base.Resolve(testContext(t), ref, base.Options{})
	if err != nil {
		wantError(t, err, layer.String())
		return
	}
	for _, open := range []func() (io.ReadCloser, error){b.Layers[0].Compressed, b.Layers[0].Uncompressed} {
		if n, err := readAll(open); err == nil {
			t.Errorf("%d damaged bytes were read without an error", n)
		}
	}
}

func readAll(open func() (io.ReadCloser, error)) (int64, error) {
	rc, err := open()
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, rc)
	return n, errors.Join(err, rc.Close())
}

func TestMissingBlobs(t *testing.T) {
	t.Parallel()
	img, linux := image(t, sample.Options{}), image(t, sample.Options{OS: "linux", NoOSVersion: true})
	for what, h := range map[string]v1.Hash{
		"config": must[v1.Hash](t)(img.ConfigName()), "layer": digest(t, must[[]v1.Layer](t)(img.Layers())[0]),
	} {
		dir := listLayout(t, index(t, img))
		if err := os.Remove(blobFile(dir, h)); err != nil {
			t.Fatal(err)
		}
		_, err := base.Resolve(testContext(t), "oci:"+dir, base.Options{})
		if wantError(t, err, h.String(), "not copied along"); !errors.Is(err, base.ErrNotFound) {
			t.Errorf("%s: %v is not ErrNotFound", what, err)
		}
	}
	// Copies of one platform keep the list of all.
	other := image(t, sample.Options{OSVersion: "10.0.26100.1"})
	dir := listLayout(t, index(t, linux, other, img))
	for _, gone := range []v1.Image{linux, other} {
		if err := os.Remove(blobFile(dir, digest(t, gone))); err != nil {
			t.Fatal(err)
		}
	}
	b, err := base.Resolve(testContext(t), "oci:"+dir, base.Options{})
	if err != nil || b.Digest != digest(t, img) {
		t.Errorf("%v, %v", b, err)
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{Layers: 2, Folders: []string{"inetpub", "Program Files"}})
	b, err := base.Resolve(testContext(t), "oci:"+imageLayout(t, img), base.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"inetpub", "program files", "windows"} {
		if !slices.Contains(b.Folders, f) {
			t.Errorf("folders %q lack %q", b.Folders, f)
		}
	}
	if slices.Contains(b.Folders, "license.txt") {
		t.Errorf("a file among the folders %q", b.Folders)
	}
}
