package flow

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/publish/credentials"
)

func TestPlacesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.app(t, "one", "1"), w.app(t, "two", "2")
	rename(t, two, "Demo", "Other")
	for title, c := range map[string]struct {
		targets Targets
		want    string
	}{
		"one name for two images": {Targets{Layouts: []string{"l:v1"}}, "--oci-layout l"},
		"empty layout":            {Targets{Layouts: []string{""}}, "--oci-layout"},
		"tag alone":               {Targets{Layouts: []string{":v1"}}, "--oci-layout"},
		"empty tarball":           {Targets{Tarballs: []string{""}}, "--tarball"},
	} {
		o := w.options(one, two)
		o.Targets = c.targets
		if _, err := Publish(t.Context(), o, w.Deps); err == nil || stageOf(err) != StageUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a usage error with %q", title, err, c.want)
		}
	}
}

// TestTarballIsCheckedBeforeThePush: nothing is sent when the tarball beside the
// registry cannot be written.
func TestTarballIsCheckedBeforeThePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.app(t, "out", "hi")
	sent := &counting{next: w.Transport, method: http.MethodPatch}
	w.Transport = sent
	o := w.options(app)
	o.Targets = Targets{Repo: w.host + "/demo", Tarballs: []string{filepath.Join(app, "Demo.exe", "demo.tar")}}
	if _, err := Publish(t.Context(), o, w.Deps); err == nil || stageOf(err) != StagePush {
		t.Errorf("error = %v, want one of the tarball", err)
	}
	if n := sent.seen.Load(); n != 0 {
		t.Errorf("%d blobs were sent before", n)
	}
	noTempLeft(t, w.TempRoot)
}

// counting counts requests of one method.
type counting struct {
	next   http.RoundTripper
	method string
	seen   atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == c.method {
		c.seen.Add(1)
	}
	return c.next.RoundTrip(r)
}

func TestDockerHubHasItsNewName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "out", "hi"))
	o.Targets = Targets{Repo: "me/web", NoPush: true, Layouts: []string{"layout"}}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(w.WorkDir, "layout", "index.json"))
	if err != nil || !strings.Contains(string(index), `"docker.io/me/web:latest"`) {
		t.Errorf("index = %s, %v; want docker.io/me/web:latest in it", index, err)
	}
}

func TestHostOfTargets(t *testing.T) {
	t.Parallel()
	for repo, want := range map[string]string{
		"": "", "ghcr.io/me/web": "ghcr.io", "localhost:5000/": "localhost:5000", "ghcr.io/me/": "ghcr.io",
		"me/web": "index.docker.io", "docker.io/me/web": "index.docker.io",
	} {
		if got := (Targets{Repo: repo}).host(); got != want {
			t.Errorf("host of %q = %q, want %q", repo, got, want)
		}
	}
}

func TestFallbackTellsOfNoPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "out", "hi"))
	o.Targets = Targets{Repo: w.host + "/demo", NoPush: true}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Fatal(err)
	}
	if log := w.log.String(); !strings.Contains(log, "--push=false") || strings.Contains(log, "no --repo") {
		t.Errorf("log = %s, want --push=false as the reason", log)
	}
}

// TestDamagedBase: what is wrong with the base's bytes is not the target's fault.
func TestDamagedBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image, err := sample.Image(sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(w.host + "/base:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatal(err)
	}
	w.Transport = tampering{next: w.Transport, digest: digest.String()}
	o := w.options(w.app(t, "out", "hi"))
	o.Bases = []string{tag.Name()}
	o.Targets = Targets{Layouts: []string{"layout"}}
	_, err = Publish(t.Context(), o, w.Deps)
	if err == nil || stageOf(err) != StageBase || !strings.Contains(err.Error(), digest.String()) {
		t.Errorf("error = %v in stage %d, want the base's", err, stageOf(err))
	}
	if _, err := os.Stat(filepath.Join(w.WorkDir, "layout", "index.json")); err == nil {
		t.Error("the layout names an image")
	}
	noTempLeft(t, w.TempRoot)
}

// tampering changes the bytes of one blob on their way.
type tampering struct {
	next   http.RoundTripper
	digest string
}

func (x tampering) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := x.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/blobs/"+x.digest) {
		resp.Body = flipped{resp.Body}
	}
	return resp, err
}

type flipped struct{ io.ReadCloser }

func (f flipped) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	for i := range p[:n] {
		p[i] ^= 1
	}
	return n, err
}

// TestOnlyTheBaseThatIsUsedIsTold: the default base is asked for early, in vain
// when the project has another.
func TestOnlyTheBaseThatIsUsedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &bases{log: w.Log}
	b.prefetch(t.Context(), w.base)
	b.wait()
	if log := w.log.String(); log != "" {
		t.Errorf("told before use: %s", log)
	}
	for range 2 {
		if _, err := b.get(t.Context(), w.base); err != nil {
			t.Fatal(err)
		}
	}
	if log := w.log.String(); strings.Count(log, "\n") != 1 {
		t.Errorf("log = %s, want one line", log)
	}
}

func TestDemoNeedsNoCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Keychain = credentials.New(credentials.Options{Environ: []string{"DOCKER_AUTH_CONFIG=broken"}})
	if err := Demo(t.Context(), DemoOptions{Layout: "demo", Out: io.Discard}, w.Deps); err != nil {
		t.Error(err)
	}
}

// TestTheFirstErrorIsTold: steps that end because of it have errors of their own.
func TestTheFirstErrorIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.app(t, "out", "hi")
	w.Transport = hanging{next: w.Transport}
	for range 50 {
		o := w.options(app)
		o.Bases = []string{w.host + "/base:v1"}
		o.Targets = Targets{Layouts: []string{filepath.Join(app, "Demo.exe")}}
		if _, err := Publish(t.Context(), o, w.Deps); err == nil || stageOf(err) != StagePush || !strings.Contains(err.Error(), "Demo.exe") {
			t.Fatalf("error = %v, want that of the layout", err)
		}
	}
}

// hanging lets manifests wait for the end of the run.
type hanging struct{ next http.RoundTripper }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/manifests/") {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return h.next.RoundTrip(r)
}

func TestLikelyBase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files      map[string]string
		properties []string
		extra      []string
		environ    []string
		flag       string
		want       string
	}{
		"nothing said":        {want: base.Default},
		"flag":                {flag: "ltsc2025", files: map[string]string{"src/App/App.csproj": "<ContainerBaseImage>x</ContainerBaseImage>"}, want: "ltsc2025"},
		"project":             {files: map[string]string{"src/App/App.csproj": "<Project><ContainerBaseImage>x</ContainerBaseImage></Project>"}},
		"other case":          {files: map[string]string{"src/App/App.csproj": "<containerfamily>nanoserver</containerfamily>"}},
		"folder above":        {files: map[string]string{"Directory.Build.props": "<ContainerFamily>x</ContainerFamily>"}},
		"profile":             {files: map[string]string{"src/App/Properties/PublishProfiles/win.pubxml": "<ContainerBaseImage>x</ContainerBaseImage>"}},
		"folder beside":       {files: map[string]string{"src/Other/Directory.Build.props": "<ContainerFamily>x</ContainerFamily>"}, want: base.Default},
		"no runtime":          {properties: []string{"SelfContained=false"}},
		"several":             {flag: "ltsc2025 ltsc2022", want: "ltsc2025 ltsc2022"},
		"several, no runtime": {flag: "ltsc2025 ltsc2022", properties: []string{"SelfContained=false"}},
		"named, no runtime":   {flag: "registry.example.com/dotnet:8", properties: []string{"SelfContained=false"}, want: "registry.example.com/dotnet:8"},
		"property":            {properties: []string{"ContainerBaseImage=x"}},
		"after two dashes":    {extra: []string{"-p:ContainerBaseImage=x"}},
		"response file":       {files: map[string]string{"Directory.Build.rsp": "-p:ContainerFamily=x"}},
		"environment":         {environ: []string{"ContainerBaseImage=x"}},
		"another environment": {environ: []string{"ContainerPort=x"}, want: base.Default},
	} {
		root := t.TempDir()
		c.files = mapOr(c.files, "src/App/App.csproj", "<Project/>")
		for file, text := range c.files {
			path := filepath.Join(root, filepath.FromSlash(file))
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		projects, err := locate([]string{"src/App"}, root, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := &run{projects: projects}
		r.Bases, r.Dotnet.Properties, r.Dotnet.Extra, r.Environ = strings.Fields(c.flag), c.properties, c.extra, c.environ
		if got := r.likelyBases(); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// mapOr returns m with key set to value where m lacks it.
func mapOr(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	if _, ok := m[key]; !ok {
		m[key] = value
	}
	return m
}
