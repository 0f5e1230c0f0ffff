package base_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// testTimeout is generous: tests may share slow machines.
const testTimeout = 5 * time.Minute

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

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// newRegistry returns HOST:PORT of an empty registry.
func newRegistry(t testing.TB) string {
	t.Helper()
	host, _ := startRegistry(t)
	return host
}

// startRegistry returns HOST:PORT of an empty registry and what stops it.
func startRegistry(t testing.TB) (host string, stop func()) {
	t.Helper()
	s := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), s.Close
}

func pushIndex(t testing.TB, ref string, idx v1.ImageIndex) {
	t.Helper()
	r := must[name.Reference](t)(name.ParseReference(ref))
	if err := remote.WriteIndex(r, idx, remote.WithNondistributable); err != nil {
		t.Fatal(err)
	}
}

func pushImage(t testing.TB, ref string, img v1.Image) {
	t.Helper()
	r := must[name.Reference](t)(name.ParseReference(ref))
	if err := remote.Write(r, img, remote.WithNondistributable); err != nil {
		t.Fatal(err)
	}
}

// listLayout writes a layout whose index.json is idx.
func listLayout(t testing.TB, idx v1.ImageIndex) string {
	t.Helper()
	dir := t.TempDir()
	if err := sample.WriteLayout(dir, idx); err != nil {
		t.Fatal(err)
	}
	return dir
}

// namedLayout writes a layout with one name per list.
func namedLayout(t testing.TB, lists map[string]v1.ImageIndex) string {
	t.Helper()
	dir := t.TempDir()
	p := must[layout.Path](t)(layout.Write(dir, empty.Index))
	for n, idx := range lists {
		if err := p.AppendIndex(idx, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": n})); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// imageLayout writes a layout of bare manifests without names.
func imageLayout(t testing.TB, images ...v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	p := must[layout.Path](t)(layout.Write(dir, empty.Index))
	for _, img := range images {
		if err := p.AppendImage(img); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tarOf packs a folder as "tar -c" in it does, with ./ in front of each name.
func tarOf(t testing.TB, dir string, zip bool) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "layout.tar")
	f := must[*os.File](t)(os.Create(file))
	var w io.WriteCloser = f
	if zip {
		w = gzip.NewWriter(f)
	}
	tw := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel := must[string](t)(filepath.Rel(dir, p))
		h := &tar.Header{Name: "./" + filepath.ToSlash(rel), Size: int64(len(body)), Mode: 0o644, Typeflag: tar.TypeReg}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		_, err = tw.Write(body)
		return err
	})
	for _, e := range []error{err, tw.Close(), w.Close()} {
		if e != nil {
			t.Fatal(e)
		}
	}
	if zip {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// dockerArchive writes what docker save does, with the layers as they are.
func dockerArchive(t testing.TB, images map[string]v1.Image) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "saved.tar")
	refs := map[name.Reference]v1.Image{}
	for n, img := range images {
		refs[must[name.Reference](t)(name.ParseReference(n))] = img
	}
	if err := tarball.MultiRefWriteToFile(file, refs); err != nil {
		t.Fatal(err)
	}
	return file
}
