package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// baseRepo is where the tests' registries hold the base image.
const baseRepo = "/windows/nanoserver:ltsc2022"

// baseVariant is a base image that tests build on.
type baseVariant struct {
	name  string
	index func(testing.TB) v1.ImageIndex
}

// baseVariants are a generated list with everything unusual in it, and the one
// that NANOBUILD_TEST_BASE names, if any.
func baseVariants(t testing.TB) []baseVariant {
	t.Helper()
	variants := []baseVariant{{"generated", func(t testing.TB) v1.ImageIndex {
		idx, err := sampleIndex()
		if err != nil {
			t.Fatal(err)
		}
		return idx
	}}}
	if dir := os.Getenv("NANOBUILD_TEST_BASE"); dir != "" {
		variants = append(variants, baseVariant{"given", func(t testing.TB) v1.ImageIndex {
			idx, err := layout.ImageIndexFromPath(dir)
			if err != nil {
				t.Fatal(err)
			}
			m, err := idx.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			return typedIndex{idx, m.MediaType}
		}})
	}
	return variants
}

// typedIndex is a list with the media type that its own bytes name: a layout
// calls every list an OCI index.
type typedIndex struct {
	index
	mediaType types.MediaType
}

type index = v1.ImageIndex // an interface with a method of its own name

func (i typedIndex) MediaType() (types.MediaType, error) { return i.mediaType, nil }

// sampleIndex is a list with one entry, whose config has os.features and keys
// that no library knows.
var sampleIndex = sync.OnceValues(func() (v1.ImageIndex, error) {
	img, err := sample.Image(sample.Options{
		OSFeatures:  []string{"win32k"},
		Env:         []string{`Path=C:\Windows\system32;C:\Windows`, "BASE_SAYS=hi"},
		Layers:      2,
		ExtraConfig: map[string]any{"com.example.kept": map[string]any{"a": 1}, "config.Unknown": []string{"kept", "too"}},
	})
	if err != nil {
		return nil, err
	}
	return sample.Index(img)
})

// pushBase puts the variant into the registry as windows/nanoserver:ltsc2022 and
// returns that reference.
func pushBase(t testing.TB, registry string, v baseVariant) string {
	t.Helper()
	ref, err := name.ParseReference(registry + baseRepo)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, v.index(t)); err != nil {
		t.Fatalf("push the base: %v", err)
	}
	return ref.String()
}

// sampleBase is a layout that holds the sample list, made once: "oci:DIR".
var sampleBase = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "base")
	idx, err := sampleIndex()
	if err != nil {
		return "", err
	}
	return "oci:" + dir, sample.WriteLayout(dir, idx)
})

// ociBase is a base for tests that need no registry.
func ociBase(t testing.TB) string {
	t.Helper()
	ref, err := sampleBase()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// pullLayout pulls an image with skopeo into a layout of its own.
func pullLayout(t testing.TB, ref string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pulled")
	skopeo(t, "copy", "--src-tls-verify=false", "docker://"+ref, "oci:"+dir+":latest")
	return dir
}

// skopeo runs skopeo and returns what it prints.
func skopeo(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need.Skopeo(t), append([]string{"--override-os", "windows", "--override-arch", "amd64"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("skopeo %q: %v\n%s", args, err, stderr.String())
	}
	return out
}
