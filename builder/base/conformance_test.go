package base_test

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// place puts an image somewhere and returns a reference to it. bare means that
// no list leads to it there.
type place struct {
	name string
	bare bool
	put  func(t *testing.T, img v1.Image) string
}

func places() []place {
	index := func(t *testing.T, img v1.Image) v1.ImageIndex {
		return must[v1.ImageIndex](t)(sample.Index(img))
	}
	return []place{
		{"registry list", false, func(t *testing.T, img v1.Image) string {
			ref := newRegistry(t) + "/windows/nanoserver:ltsc2022"
			pushIndex(t, ref, index(t, img))
			return ref
		}},
		{"registry manifest", true, func(t *testing.T, img v1.Image) string {
			ref := newRegistry(t) + "/windows/nanoserver:ltsc2022-amd64"
			pushImage(t, ref, img)
			return ref
		}},
		{"registry digest", true, func(t *testing.T, img v1.Image) string {
			repo := newRegistry(t) + "/base"
			pushImage(t, repo+":x", img)
			return repo + "@" + must[v1.Hash](t)(img.Digest()).String()
		}},
		{"layout that is a list", false, func(t *testing.T, img v1.Image) string {
			return "oci:" + listLayout(t, index(t, img))
		}},
		{"layout with a name", false, func(t *testing.T, img v1.Image) string {
			return "oci:" + namedLayout(t, map[string]v1.ImageIndex{"v1": index(t, img)}) + ":v1"
		}},
		{"layout manifest", true, func(t *testing.T, img v1.Image) string {
			return "oci:" + imageLayout(t, img)
		}},
		{"OCI archive", false, func(t *testing.T, img v1.Image) string {
			return "tar:" + tarOf(t, listLayout(t, index(t, img)), false)
		}},
		{"gzip'ed OCI archive", false, func(t *testing.T, img v1.Image) string {
			return "tar:" + tarOf(t, listLayout(t, index(t, img)), true)
		}},
		{dockerArchivePlace, true, func(t *testing.T, img v1.Image) string {
			return "tar:" + dockerArchive(t, map[string]v1.Image{"base:v1": img})
		}},
	}
}

const dockerArchivePlace = "docker archive"

func TestEveryPlaceGivesTheSameBase(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sample.Options{
		"nanoserver":    {},
		"several":       {Layers: 3, NoUser: true, Padding: 200_000},
		"oci":           {OCI: true, OSFeatures: []string{"win32k"}, Env: []string{"A=b"}},
		"unknown keys":  {ExtraConfig: map[string]any{"config.Healthcheck": map[string]any{"Test": []string{"NONE"}}, "moby.x": 1}},
		"no media type": {OCI: true, NoMediaType: true},
		"plain tars":    {Uncompressed: true},
	} {
		for _, p := range places() {
			if p.name == dockerArchivePlace && o.OCI {
				continue // it keeps no media types: the manifest made for it is Docker's
			}
			t.Run(name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				img := must[v1.Image](t)(sample.Image(o))
				b, err := base.Resolve(testContext(t), p.put(t, img), options())
				if err != nil {
					t.Fatal(err)
				}
				checkSame(t, b, img, p.bare)
			})
		}
	}
}

// checkSame compares a resolved base with the image it was made of.
func checkSame(t *testing.T, b *base.Base, img v1.Image, bare bool) {
	t.Helper()
	if got, want := string(b.Manifest), string(must[[]byte](t)(img.RawManifest())); got != want {
		t.Errorf("manifest:\n%s\nwant:\n%s", got, want)
	}
	if got, want := string(b.Config), string(must[[]byte](t)(img.RawConfigFile())); got != want {
		t.Errorf("config:\n%s\nwant:\n%s", got, want)
	}
	if got, want := b.Digest, must[v1.Hash](t)(img.Digest()); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if got, want := b.MediaType, must[types.MediaType](t)(img.MediaType()); got != want {
		t.Errorf("media type %s, want %s", got, want)
	}
	if bare {
		if b.Index != nil {
			t.Errorf("index %s of a bare manifest", b.Index)
		}
	} else {
		idx := must[v1.ImageIndex](t)(sample.Index(img))
		if want := must[v1.Hash](t)(idx.Digest()); b.Index == nil || *b.Index != want {
			t.Errorf("index %v, want %s", b.Index, want)
		}
	}
	checkLayers(t, b, must[[]v1.Layer](t)(img.Layers()))
	if b.Repository == nil {
		if want := []string{"programdata", "users", "windows"}; !slices.Equal(b.Folders, want) {
			t.Errorf("folders %q, want %q", b.Folders, want)
		}
	} else if b.Folders != nil {
		t.Errorf("folders %q of a base in a registry", b.Folders)
	}
}

func checkLayers(t *testing.T, b *base.Base, want []v1.Layer) {
	t.Helper()
	if len(b.Layers) != len(want) {
		t.Fatalf("%d layers, want %d", len(b.Layers), len(want))
	}
	for i, l := range b.Layers {
		if _, ok := l.(*remote.MountableLayer); ok != (b.Repository != nil) {
			t.Errorf("layer %d is a %T", i, l)
		}
		got, exp := must[*v1.Descriptor](t)(partial.Descriptor(l)), must[*v1.Descriptor](t)(partial.Descriptor(want[i]))
		if d := cmp.Diff(exp, got); d != "" {
			t.Errorf("descriptor of layer %d (-want +got):\n%s", i, d)
		}
		if got, want := must[v1.Hash](t)(l.DiffID()), must[v1.Hash](t)(want[i].DiffID()); got != want {
			t.Errorf("diffID %s, want %s", got, want)
		}
		checkBytes(t, l.Compressed, want[i].Compressed)
		checkBytes(t, l.Uncompressed, want[i].Uncompressed)
	}
}

func checkBytes(t *testing.T, got, want func() (io.ReadCloser, error)) {
	t.Helper()
	var all [2][]byte
	for i, open := range []func() (io.ReadCloser, error){got, want} {
		rc := must[io.ReadCloser](t)(open())
		all[i] = must[[]byte](t)(io.ReadAll(rc))
		if err := rc.Close(); err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Errorf("%d bytes that differ from the %d wanted", len(all[0]), len(all[1]))
	}
}

// TestGivenLayout reads a real layout where the environment names one.
func TestGivenLayout(t *testing.T) {
	t.Parallel()
	dir := need.Base(t)
	b, err := base.Resolve(testContext(t), "oci:"+dir, options())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Layers) == 0 || b.Index == nil {
		t.Errorf("%d layers, index %v", len(b.Layers), b.Index)
	}
	for _, l := range b.Layers {
		rc := must[io.ReadCloser](t)(l.Compressed())
		if _, err := io.Copy(io.Discard, rc); err != nil {
			t.Error(err)
		}
		if err := rc.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%s: folders %q, warnings %q", b.Digest, b.Folders, b.Warnings)
}
