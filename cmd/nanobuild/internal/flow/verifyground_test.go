//go:build !nosign

package flow

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

// layered is an image of layers on a base, whose history says of each step what by says.
func layered(t *testing.T, on sample.Options, by string, tars ...[]byte) v1.Image {
	t.Helper()
	image, err := sample.Image(on)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range tars {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: by}}); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

// checkOf verifies an image and returns one of the checks.
func (w *world) checkOf(t *testing.T, o VerifyOptions, check string) Check {
	t.Helper()
	found, err := verifyBy(t, &vouching{}, o, w.Deps)
	if found == nil {
		t.Fatal(err)
	}
	return detailOf(t, found, check)
}

// TestVerifyReadsWhatHistoryHides: whose the layers are is proved, and not told by the
// image. Of one without a known base all layers are read, apart from the first.
func TestVerifyReadsWhatHistoryHides(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	const windows = "Apply image 10.0.20348.4171"
	good, bad := tarOf(t, "Hives/", "", "Files/", "", "Files/a.txt", "1"), tarOf(t, "app/Demo.exe", "ELF")
	w.put(t, sample.Options{}, "base:1")
	for _, c := range []struct {
		name    string
		image   v1.Image
		asked   policy.Policy
		verdict Verdict
		words   string
	}{
		{"hidden and bad", layered(t, sample.Options{}, windows, bad), policy.Policy{Lint: true}, Failed, "other layer: "},
		{"hidden and bad on a known base", layered(t, sample.Options{}, windows, bad), policy.Policy{Lint: true, BaseIs: w.host + "/base:1"}, Failed, "other layer: "},
		{"hidden and good", layered(t, sample.Options{}, windows, good), policy.Policy{Lint: true}, Passed, "; which base it is on is not proved (name it with --base-is)"},
		{"on a known base", layered(t, sample.Options{}, windows, good), policy.Policy{Lint: true, BaseIs: w.host + "/base:1"}, Passed, "1 layer read"},
		{"nothing to read", layered(t, sample.Options{}, ""), policy.Policy{Lint: true}, Failed, "no layer is read: which base it is on is not proved"},
		{"nothing on a known base", layered(t, sample.Options{}, ""), policy.Policy{Lint: true, BaseIs: w.host + "/base:1"}, Skipped, "no layer is on the base"},
		{"another base than the wanted", layered(t, sample.Options{Padding: 5}, ""), policy.Policy{Lint: true, BaseIs: w.host + "/base:1"}, Failed, "no layer is read: which base it is on is not proved"},
		{"no .NET", layered(t, sample.Options{}, windows, good), policy.Policy{Supported: true}, Failed, "no .NET found, and 1 layer not read"},
		{"no .NET on a known base", layered(t, sample.Options{}, windows, good), policy.Policy{Supported: true, BaseIs: w.host + "/base:1"}, Passed, "no .NET found"},
	} {
		if err := remote.Write(reference(t, w.host+"/hides:v1"), c.image); err != nil {
			t.Fatal(err)
		}
		w.Now = func() time.Time { return lateNovember }
		check := CheckLint
		if c.asked.Supported {
			check = CheckSupported
		}
		if got := w.checkOf(t, verifying(w.host+"/hides:v1", c.asked), check); got.Verdict != c.verdict || !strings.Contains(got.Detail, c.words) {
			t.Errorf("%s: %+v, want %s with %s", c.name, got, c.verdict, c.words)
		}
	}
	noTempLeft(t, w.TempRoot)
}

// blobs notes which blobs are read.
type blobs struct {
	next http.RoundTripper
	mu   sync.Mutex
	read []string
}

func (b *blobs) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, digest, ok := strings.Cut(req.URL.Path, "/blobs/"); ok && req.Method == http.MethodGet {
		b.mu.Lock()
		b.read = append(b.read, digest)
		b.mu.Unlock()
	}
	return b.next.RoundTrip(req)
}

// TestVerifyMicrosoftsBase: what a proved base says of its .NET counts, whatever the image
// says, and its layers are not downloaded.
func TestVerifyMicrosoftsBase(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	w.Now = func() time.Time { return lateNovember }
	on := sample.Options{Layers: 3, Env: []string{"DOTNET_VERSION=6.0.36"}}
	w.put(t, on, "mcr/dotnet/runtime:6.0-nanoserver-ltsc2022")
	digest := w.digest(t, w.host+"/mcr/dotnet/runtime:6.0-nanoserver-ltsc2022")
	if err := remote.Write(reference(t, w.host+"/net:v1"), layered(t, on, "COPY", tarOf(t, "Hives/", "", "Files/", "", "Files/a.txt", "1"))); err != nil {
		t.Fatal(err)
	}
	w.put(t, sample.Options{Padding: 9}, "mcr/dotnet/runtime:6.0-nanoserver-ltsc2022") // it has moved on
	log := &blobs{next: w.Transport}
	w.Transport = log
	for name, env := range map[string][]string{"removed": nil, "changed": {"DOTNET_VERSION=10.0.0"}, "kept": {"DOTNET_VERSION=6.0.36"}} {
		image := w.changed(t, w.host+"/net:v1", func(c *v1.ConfigFile) {
			c.Config.Env = env
			c.Config.Labels = map[string]string{
				"org.opencontainers.image.base.name":   "mcr.microsoft.com/dotnet/runtime:6.0-nanoserver-ltsc2022",
				"org.opencontainers.image.base.digest": digest.String(),
			}
		})
		o := w.onMirror(verifying(image, policy.Policy{Supported: true, Lint: true}))
		if c := w.checkOf(t, o, CheckSupported); c.Verdict != Failed || !strings.Contains(c.Detail, ".NET 6.0.36 is out of support") {
			t.Errorf("%s: %+v", name, c)
		}
		if c := w.checkOf(t, o, CheckLint); c.Verdict != Passed || !strings.HasPrefix(c.Detail, "1 layer read") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	made, err := sample.Image(on)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := made.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if d, err := l.Digest(); err != nil || slices.Contains(log.read, d.String()) {
			t.Errorf("the base's layer %s was downloaded, %v", d, err)
		}
	}
}

// TestVerifyWithoutMicrosoft: where nobody answers, the history is believed, which is
// said; and an image of which nothing is read then does not pass.
func TestVerifyWithoutMicrosoft(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	const shown = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
	w.put(t, sample.Options{Layers: 2}, "mcr/windows/nanoserver:ltsc2022")
	image := w.publishedOnMirror(t, shown)
	if c := w.checkOf(t, w.onMirror(verifying(image, policy.Policy{Lint: true})), CheckLint); c.Verdict != Passed || c.Detail != "7 layers read" {
		t.Errorf("%+v", c)
	}
	const doubt = "its history alone tells which layers are the base's, since mcr.microsoft.com does not answer (name it with --base-is)"
	if c := w.checkOf(t, verifying(image, policy.Policy{Lint: true}), CheckLint); c.Verdict != Passed || c.Detail != "7 layers read; "+doubt {
		t.Errorf("%+v", c)
	}
	image = w.changed(t, image, func(c *v1.ConfigFile) {
		for i := range c.History {
			c.History[i].CreatedBy = "Apply image 10.0.20348.4171"
		}
	})
	if c := w.checkOf(t, verifying(image, policy.Policy{Lint: true}), CheckLint); c.Verdict != Failed || c.Detail != "no layer is read: "+doubt {
		t.Errorf("%+v", c)
	}
	image = w.changed(t, image, func(c *v1.ConfigFile) {
		c.Config.Labels["org.opencontainers.image.base.digest"] = "sha256:" + strings.Repeat("0", 64)
		c.RootFS.DiffIDs[0] = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	})
	if c := w.checkOf(t, w.onMirror(verifying(image, policy.Policy{Supported: true})), CheckSupported); !strings.Contains(c.Detail, ".NET 10.0.0") {
		t.Errorf("its layers were not read: %+v", c)
	}
}

func TestGroundOrigins(t *testing.T) {
	t.Parallel()
	layer := func(mediaType types.MediaType) v1.Layer { return static.NewLayer([]byte(mediaType), mediaType) }
	plain, foreign := layer(types.DockerLayer), layer(types.DockerForeignLayer)
	two := &base.Base{Layers: []v1.Layer{plain, plain}}
	for _, c := range []struct {
		name   string
		g      ground
		said   string
		layers []v1.Layer
		want   string
	}{
		{"believed", ground{}, "base base other", []v1.Layer{plain, plain, plain}, "base base other"},
		{"proved, told more", ground{proved: two}, "base base base", []v1.Layer{plain, plain, plain}, "base base other"},
		{"proved, told less", ground{proved: two}, "base app app", []v1.Layer{plain, plain, plain}, "base base app"},
		{"doubted", ground{doubted: true}, "base base base", []v1.Layer{plain, plain, plain}, "base other other"},
		{"doubted, ours alone", ground{doubted: true}, "app app", []v1.Layer{plain, plain}, "app app"},
		{"doubted and foreign", ground{doubted: true}, "base base base app", []v1.Layer{foreign, foreign, plain, plain}, "base base other app"},
		{"foreign above", ground{doubted: true}, "base base", []v1.Layer{plain, foreign}, "base other"},
		{"all foreign", ground{doubted: true}, "base other", []v1.Layer{foreign, foreign}, "base base"},
	} {
		got, err := c.g.origins(strings.Fields(c.said), c.layers)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v; want %s", c.name, got, err, c.want)
		}
	}
}
