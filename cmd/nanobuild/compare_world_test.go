//go:build linux

package main_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// bigBytes is the size of the base's layer: that of Nano Server 2022's.
const bigBytes = 126_000_000

// bigBase is a base with a layer of that size, which is kept in a file so that
// this process stays small: its size counts for the programs it starts.
func bigBase(t testing.TB) v1.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "base.tar.gz")
	if err := writeBigLayer(file); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromFile(file, tarball.WithMediaType(types.DockerLayer))
	if err != nil {
		t.Fatal(err)
	}
	small, err := sample.Image(sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.Append(small, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "padding"}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// writeBigLayer writes a layer that does not compress.
func writeBigLayer(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	zw, err := gzip.NewWriterLevel(buffered, gzip.NoCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	epoch := time.Unix(0, 0)
	records := func(attributes string) map[string]string {
		return map[string]string{"MSWINDOWS.fileattr": attributes, "LIBARCHIVE.creationtime": "0"}
	}
	for _, dir := range []string{"Hives", "Files", "Files/Windows", "Files/Windows/System32"} {
		if err := tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, Format: tar.FormatPAX, ModTime: epoch, PAXRecords: records("16"),
		}); err != nil {
			return err
		}
	}
	if err := tw.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: "Files/Windows/System32/big.bin", Size: bigBytes, Mode: 0o644,
		Format: tar.FormatPAX, ModTime: epoch, PAXRecords: records("32"),
	}); err != nil {
		return err
	}
	if _, err := io.CopyN(tw, rand.NewChaCha8([32]byte{1}), bigBytes); err != nil {
		return err
	}
	return errors.Join(tw.Close(), zw.Close(), buffered.Flush(), f.Close())
}

// world is the registries of a run, each behind a proxy.
type world struct {
	base, target *countingProxy
	from         string // the reference of the base
}

// registryProxy starts a registry behind a proxy.
func registryProxy(t testing.TB) *countingProxy {
	t.Helper()
	return startProxy(t, need.StartRegistry(t))
}

// pushBig puts the base into the registry, as a list of one and as itself under
// the tag "only". It returns the reference of the list.
func pushBig(t testing.TB, p *countingProxy, img v1.Image) string {
	t.Helper()
	idx, err := sample.Index(img)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(p.host + baseRepo)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, idx); err != nil {
		t.Fatalf("push the base: %v", err)
	}
	if err := remote.Write(ref.Tag(bigOnly), img); err != nil {
		t.Fatalf("push the base: %v", err)
	}
	p.reset()
	return ref.String()
}

const bigOnly = "only"

// delay makes both registries slow.
func (w world) delay(d time.Duration) {
	w.base.delay(d)
	w.target.delay(d)
}
