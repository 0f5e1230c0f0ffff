package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// host is a machine that nanobuild runs on.
type host struct {
	name string
	run  func(t *testing.T, dir string, args ...string) result
	path func(string) string // how it calls a file of this machine
}

// noCache has every run make every byte itself.
const noCache = "NANOBUILD_CACHE=off"

// thisMachine is this system with that many processors.
func thisMachine(processors string) host {
	return host{
		name: processors + "-processors",
		run: func(t *testing.T, dir string, args ...string) result {
			return run(t, dir, []string{noCache, "GOMAXPROCS=" + processors}, args...)
		},
		path: func(p string) string { return p },
	}
}

// windows is nanobuild for Windows under wine.
func windows(t *testing.T, w *wineHost) host {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "nanobuild.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+testVersion, "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build nanobuild for Windows: %v\n%s", err, out)
	}
	return host{
		name: "windows",
		run: func(t *testing.T, dir string, args ...string) result {
			return w.run(t, dir, []string{noCache}, append([]string{exe}, args...)...)
		},
		path: w.path,
	}
}

// TestSameBytesEverywhere publishes the same folders with nanobuild for this
// system, on different numbers of processors, and for Windows: every byte of the
// images is the same.
func TestSameBytesEverywhere(t *testing.T) {
	t.Parallel()
	w := startWine(t)
	hosts := []host{thisMachine("1"), thisMachine("4"), windows(t, w)}
	t.Run("awkward", func(t *testing.T) {
		root := t.TempDir()
		awkwardFolder(t, filepath.Join(root, "awkward"))
		sameImages(t, hosts, root, "awkward")
		sameImages(t, hosts, root, "awkward", "--compression", "zstd", "--format", "oci")
	})
	t.Run("demo", func(t *testing.T) { sameDemos(t, hosts) })
	t.Run("dotnet", func(t *testing.T) {
		root := t.TempDir()
		for _, name := range dotnetFolders(t, root) {
			sameImages(t, hosts[1:], root, name) // TestReproducible varies the processors
		}
	})
	if left := w.leftovers(t); len(left) > 0 {
		t.Errorf("left behind on Windows: %q", left)
	}
}

// sameImages publishes the folder name of root on every host, with more flags.
func sameImages(t *testing.T, hosts []host, root, name string, more ...string) {
	t.Helper()
	base := relativeBase(t, root)
	var images []image
	for _, h := range hosts {
		out := strings.Join(append([]string{name, h.name}, more...), "-")
		r := h.run(t, root, append([]string{"publish", h.path(filepath.Join(root, name)), "--base", base,
			"--created", "2026-09-01T10:00:00Z", "--oci-layout", out}, more...)...)
		if r.code != 0 || len(r.lines()) != 1 {
			t.Fatalf("publish %s on %s: %s", name, h.name, r)
		}
		img := readImage(t, filepath.Join(root, out))
		_, img.Printed, _ = strings.Cut(r.lines()[0], "@")
		images = append(images, img)
	}
	same(t, hosts, images)
}

// sameDemos runs the demo on every host. The name of its base, a part of the
// config, has the port of a registry that each run starts.
func sameDemos(t *testing.T, hosts []host) {
	t.Helper()
	var images []image
	for _, h := range hosts {
		dir := t.TempDir()
		if r := h.run(t, dir, "demo"); r.code != 0 || strings.Count(r.stdout, "uploaded ") != 3 {
			t.Fatalf("demo on %s: %s", h.name, r)
		}
		img := readImage(t, filepath.Join(dir, "nanobuild-out", "demo"))
		images = append(images, image{Manifest: &v1.Manifest{Layers: img.Manifest.Layers}, Config: &v1.ConfigFile{
			RootFS: img.Config.RootFS, History: img.Config.History,
		}})
	}
	same(t, hosts, images)
}

func same(t *testing.T, hosts []host, images []image) {
	t.Helper()
	for i := range images[1:] {
		if diff := cmp.Diff(images[0], images[i+1]); diff != "" {
			t.Errorf("-%s +%s:\n%s", hosts[0].name, hosts[i+1].name, diff)
		}
	}
}

// image is everything that is in a layout.
type image struct {
	Printed  string // the digest
	Manifest *v1.Manifest
	Config   *v1.ConfigFile
	Blobs    []string // digests of all blobs, of which each is sound
}

func readImage(t *testing.T, dir string) image {
	t.Helper()
	config, manifest := imageIn(t, dir)
	img := image{Manifest: manifest, Config: config, Blobs: tree(t, filepath.Join(dir, "blobs", "sha256"))}
	for _, name := range img.Blobs {
		if got := sha256Of(t, filepath.Join(dir, "blobs", "sha256", name)); got != name {
			t.Errorf("blob %s of %s has the content of %s", name, dir, got)
		}
	}
	return img
}

func sha256Of(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
