package base_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

func image(t testing.TB, o sample.Options) v1.Image {
	t.Helper()
	return must[v1.Image](t)(sample.Image(o))
}

func index(t testing.TB, images ...v1.Image) v1.ImageIndex {
	t.Helper()
	return must[v1.ImageIndex](t)(sample.Index(images...))
}

func digest(t testing.TB, x interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	return must[v1.Hash](t)(x.Digest())
}

// bare returns an index of entries without platforms.
func bare(t testing.TB, images ...mutate.Appendable) v1.ImageIndex {
	t.Helper()
	var adds []mutate.IndexAddendum
	for _, img := range images {
		adds = append(adds, mutate.IndexAddendum{Add: img})
	}
	return mutate.AppendManifests(empty.Index, adds...)
}

func TestListsOfManyKinds(t *testing.T) {
	t.Parallel()
	w2019 := image(t, sample.Options{OSVersion: "10.0.17763.3887"})
	w2022, w2022b := image(t, sample.Options{OSVersion: "10.0.20348.999"}), image(t, sample.Options{OSVersion: "10.0.20348.4171"})
	linux, arm := image(t, sample.Options{OS: "linux", NoOSVersion: true}), image(t, sample.Options{Architecture: "arm64"})
	unversioned := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: w2019, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "windows", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: w2022, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "windows", Architecture: "amd64"}}})
	attested := must[v1.ImageIndex](t)(sample.WithAttestation(index(t, w2022), digest(t, w2022)))
	for name, c := range map[string]struct {
		list      v1.ImageIndex
		osVersion string
		want      v1.Image
		errors    []string
	}{
		"attested":              {list: attested, want: w2022},
		"newest":                {list: index(t, w2022, w2022b, linux, arm), want: w2022b},
		"by build":              {list: index(t, w2019, w2022, w2022b), osVersion: "10.0.20348", want: w2022b},
		"by version":            {list: index(t, w2019, w2022, w2022b), osVersion: "10.0.20348.999", want: w2022},
		"several":               {list: index(t, w2019, w2022), errors: []string{"10.0.17763.3887, 10.0.20348.999", "--os-version"}},
		"no platforms":          {list: bare(t, linux, w2022, w2022b), want: w2022b},
		"nested":                {list: bare(t, index(t, linux), index(t, w2022)), want: w2022},
		"nested too deep":       {list: bare(t, bare(t, index(t, w2022))), errors: []string{"no images"}},
		"os.version dropped":    {list: unversioned, osVersion: "10.0.20348", want: w2022},
		"os.version dropped, 2": {list: unversioned, errors: []string{"10.0.17763.3887, 10.0.20348.999"}},
		"linux only":            {list: index(t, linux), errors: []string{"linux/amd64"}},
		"not an image":          {list: bare(t, artifact(t), w2022), want: w2022},
		"bad request":           {list: index(t, w2022), osVersion: "ltsc2022", errors: []string{`--os-version "ltsc2022"`}},
	} {
		for place, ref := range map[string]string{
			"registry": newRegistry(t) + "/base:v1",
			"layout":   "oci:" + namedLayout(t, map[string]v1.ImageIndex{"x": c.list}),
			"archive":  "tar:" + tarOf(t, namedLayout(t, map[string]v1.ImageIndex{"x": c.list}), true),
		} {
			t.Run(name+"/"+place, func(t *testing.T) {
				t.Parallel()
				if place == "registry" {
					pushIndex(t, ref, c.list)
				}
				b, err := base.Resolve(testContext(t), ref, forVersion(c.osVersion))
				if c.want == nil {
					wantError(t, err, append(c.errors, "read base "+ref)...)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got, want := b.Digest, digest(t, c.want); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if want := digest(t, c.list); b.Index == nil || *b.Index != want {
					t.Errorf("index %v, want %s", b.Index, want)
				}
				if len(b.Warnings) > 0 {
					t.Errorf("warnings %q", b.Warnings)
				}
			})
		}
	}
}

// artifact returns a manifest that is no image.
func artifact(t testing.TB) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	return mutate.ConfigMediaType(img, "application/vnd.cncf.helm.config.v1+json")
}

func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Count(err.Error(), "\n") > 3 {
		t.Errorf("more than four lines: %v", err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func TestRefusedImages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		img       v1.Image
		osVersion string
		errors    []string
	}{
		"linux":         {image(t, sample.Options{OS: "linux", NoOSVersion: true}), "", []string{"an image for linux/amd64", "windows/amd64"}},
		"arm64":         {image(t, sample.Options{Architecture: "arm64"}), "", []string{"windows/arm64 10.0.20348.4171"}},
		"other build":   {image(t, sample.Options{}), "10.0.17763", []string{"Windows 10.0.20348.4171, not 10.0.17763", "--os-version"}},
		"no os.version": {image(t, sample.Options{NoOSVersion: true}), "10.0.17763", []string{"without os.version"}},
		"artifact":      {artifact(t), "", []string{"no container image", "helm"}},
		"no layers":     {image(t, sample.Options{ExtraConfig: map[string]any{"rootfs": nil}}), "", []string{"counts 0 layers, its manifest 1"}},
		"wrong types":   {image(t, sample.Options{ExtraConfig: map[string]any{"os": 1}}), "", []string{"parse config"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := newRegistry(t) + "/base:v1"
			pushImage(t, ref, c.img)
			for _, ref := range []string{ref, "oci:" + imageLayout(t, c.img)} {
				_, err := base.Resolve(testContext(t), ref, forVersion(c.osVersion))
				wantError(t, err, c.errors...)
			}
		})
	}
}

func TestHostProcessBase(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{NoOSVersion: true, Uncompressed: true, Mislabel: true, Layers: 2})
	ref := newRegistry(t) + "/base:v1"
	pushImage(t, ref, img)
	for _, ref := range []string{ref, "oci:" + imageLayout(t, img)} {
		b, err := base.Resolve(testContext(t), ref, options())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(b.Warnings, func(w string) bool { return strings.Contains(w, "HostProcess") }) ||
			!slices.ContainsFunc(b.Warnings, func(w string) bool { return strings.Contains(w, "layer 2 is labelled") }) {
			t.Errorf("warnings %q", b.Warnings)
		}
		for i, l := range b.Layers {
			d := must[*v1.Descriptor](t)(partial.Descriptor(l))
			if mt := must[types.MediaType](t)(l.MediaType()); mt != types.DockerUncompressedLayer || d.MediaType != mt {
				t.Errorf("layer %d of %s has the type %s, its descriptor %s", i, ref, mt, d.MediaType)
			}
			if _, ok := l.(*remote.MountableLayer); ok != (b.Repository != nil) {
				t.Errorf("layer %d of %s is a %T", i, ref, l)
			}
			want := must[[]v1.Layer](t)(img.Layers())[i]
			checkBytes(t, l.Compressed, want.Compressed)
		}
	}
}

func TestForeignLayers(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{Foreign: true, Layers: 2})
	without := imageLayout(t, img)
	layers := must[[]v1.Layer](t)(img.Layers())
	if err := os.Remove(filepath.Join(without, "blobs", "sha256", digest(t, layers[0]).Hex)); err != nil {
		t.Fatal(err)
	}
	ref := newRegistry(t) + "/base:v1"
	pushImage(t, ref, img)
	for _, ref := range []string{
		ref, "oci:" + imageLayout(t, img), "oci:" + without, "tar:" + tarOf(t, without, false),
		"tar:" + dockerArchive(t, map[string]v1.Image{"x:v1": img}),
	} {
		b, err := base.Resolve(testContext(t), ref, options())
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		d := must[*v1.Descriptor](t)(partial.Descriptor(b.Layers[0]))
		want := must[*v1.Descriptor](t)(partial.Descriptor(layers[0]))
		if d.MediaType != types.DockerForeignLayer || !slices.Equal(d.URLs, want.URLs) || len(want.URLs) != 1 {
			t.Errorf("%s: descriptor %+v, want %+v", ref, d, want)
		}
		if strings.HasSuffix(ref, without) {
			_, err := b.Layers[0].Compressed()
			wantError(t, err, want.URLs[0], "foreign")
			if here := must[bool](t)(partial.Exists(b.Layers[0])); here {
				t.Error("a layer that was removed exists")
			}
			if b.Folders != nil {
				t.Errorf("folders %q though a layer is missing", b.Folders)
			}
		}
	}
}

func TestManifestsWithoutContentType(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{OCI: true, NoMediaType: true})
	list := index(t, img)
	ref := newRegistry(t) + "/base:v1"
	pushIndex(t, ref, list)
	for _, sent := range []string{"", "application/json", "text/plain; charset=utf-8"} {
		o := over(roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err == nil {
				resp.Header.Del("Content-Type")
				if sent != "" {
					resp.Header.Set("Content-Type", sent)
				}
			}
			return resp, err
		}))
		b, err := base.Resolve(testContext(t), ref, o)
		if err != nil {
			t.Fatalf("%q: %v", sent, err)
		}
		checkSame(t, b, img, false)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{Padding: 1 << 20})
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(stuck.Close)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ref := range []string{
		strings.TrimPrefix(stuck.URL, "http://") + "/x", "oci:" + imageLayout(t, img),
		"tar:" + tarOf(t, imageLayout(t, img), false), "tar:" + tarOf(t, imageLayout(t, img), true),
	} {
		if _, err := base.Resolve(ctx, ref, options()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a response with a body.
func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: r, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
