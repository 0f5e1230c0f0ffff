package main_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// flagCase is a run on a small published application, without dotnet.
type flagCase struct {
	files string // more files of the publish folder
	base  func(t *testing.T) string
	env   []string
	args  []string
	code  int
	says  []string // what stderr must say
	check func(t *testing.T, c *v1.ConfigFile, m *v1.Manifest)
}

const (
	kestrel  = "-- appsettings.json --\n{ \"Kestrel\": { \"Endpoints\": { \"Main\": { \"Url\": \"http://*:7070\" } } } }\n"
	urls     = "-- appsettings.json --\n// comments are allowed\n{ \"Urls\": \"http://+:6060;http://+:6061\", }\n"
	pemKey   = "-- server.pem --\n-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"
	nothing  = "-- readme.txt --\nread me\n"
	noAnswer = "localhost:1/windows/nanoserver:ltsc2022" // nobody listens on port 1
)

var flagCases = map[string]flagCase{
	// Where the service listens.
	"the default port":              {check: exposes("8080/tcp")},
	"a port by variable":            {args: []string{"--env", "ASPNETCORE_HTTP_PORTS=9090"}, check: exposes("9090/tcp")},
	"a port by the short variable":  {args: []string{"--env", "HTTP_PORTS=9191"}, check: exposes("9191/tcp")},
	"an address by variable":        {args: []string{"--env", "URLS=http://*:9292"}, check: exposes("9292/tcp")},
	"an address in appsettings":     {files: urls, check: exposes("6060/tcp", "6061/tcp")},
	"an endpoint in appsettings":    {files: kestrel, check: exposes("7070/tcp")},
	"an endpoint beats an address":  {files: kestrel, args: []string{"--env", "URLS=http://*:9292"}, check: exposes("7070/tcp")},
	"an address only for localhost": {args: []string{"--env", "URLS=http://localhost:5000"}, says: []string{"warning: ", "localhost"}},
	"a port by flag":                {args: []string{"--port", "5005/udp", "--env", "URLS=http://*:9292"}, check: exposes("5005/udp", "9292/tcp")},

	// What should not be packed, or cannot be.
	"a private key":             {files: pemKey, says: []string{"warning: ", "server.pem", "private key"}},
	"a certificate with a key":  {files: "-- site.pfx --\n0\n", says: []string{"warning: ", "site.pfx"}},
	"a reserved name":           {files: "-- data/aux.txt --\n1\n", code: 2, says: []string{"data/aux.txt"}},
	"names that are one":        {files: "-- data/a.txt --\n1\n-- data/A.txt --\n2\n", code: 2, says: []string{"data/a.txt", "data/A.txt"}},
	"a character Windows lacks": {files: "-- data/a:b.txt --\n1\n", code: 2, says: []string{"data/a:b.txt"}},

	// The target, before anything runs.
	"capitals in the repository":   {args: []string{"--repo", "localhost:1/My/App", "--push=false"}, code: 2, says: []string{"localhost:1/my/app"}},
	"a scheme in the repository":   {args: []string{"--repo", "https://localhost:1/app", "--push=false"}, code: 2, says: []string{"localhost:1/app"}},
	"a tag in the repository":      {args: []string{"--repo", "localhost:1/app:v1", "--push=false"}, code: 2, says: []string{"-t v1"}},
	"a plus in the tag":            {args: []string{"-t", "1.0+build", "--push=false"}, code: 2, says: []string{"1.0+build", "1.0"}},
	"two tags in one":              {args: []string{"-t", "a, b", "--push=false"}, code: 2, says: []string{"-t a -t b"}},
	"a bad time":                   {env: []string{"SOURCE_DATE_EPOCH=yesterday"}, code: 2, says: []string{"SOURCE_DATE_EPOCH", "yesterday"}},
	"an empty value":               {args: []string{"--env", "A="}, code: 2, says: []string{"A"}},
	"no value":                     {args: []string{"--env", "A"}, code: 2, says: []string{"A"}},
	"an unknown flag":              {args: []string{"--rpo", "x"}, code: 2, says: []string{"--rpo"}},
	"the target cannot be reached": {args: []string{"--repo", "localhost:1/app"}, code: 5, says: []string{"localhost:1"}},

	// The base.
	"a base of the local Docker": {args: []string{"--base", "mynanoserver"}, code: 4, says: []string{"mynanoserver", "docker save", "tar:"}},
	"no base there":              {args: []string{"--base", noAnswer}, code: 4, says: []string{"localhost:1/windows/nanoserver:ltsc2022"}},
	"a Linux base":               {base: sampleOf(sample.Options{OS: "linux"}), code: 4, says: []string{"linux"}},
	"a base without a type":      {base: sampleOf(sample.Options{OCI: true, NoMediaType: true}), check: family(types.OCIManifestSchema1)},
	"a base with attestations":   {base: attested, check: family(types.OCIManifestSchema1)},
	"a HostProcess base": {
		base: sampleOf(sample.Options{NoOSVersion: true, Uncompressed: true}), says: []string{"warning: ", "HostProcess"},
		check: func(t *testing.T, c *v1.ConfigFile, _ *v1.Manifest) {
			if c.OSVersion != "" {
				t.Errorf("os.version = %q", c.OSVersion)
			}
		},
	},
	"several Windows builds": {base: severalBuilds, code: 4, says: []string{"10.0.17763", "10.0.20348", "--os-version"}},
	"one of several builds": {base: severalBuilds, args: []string{"--os-version", "10.0.17763"},
		check: func(t *testing.T, c *v1.ConfigFile, _ *v1.Manifest) {
			if !strings.HasPrefix(c.OSVersion, "10.0.17763.") {
				t.Errorf("os.version = %q", c.OSVersion)
			}
		}},
	"an empty user is kept": {base: sampleOf(sample.Options{NoUser: true}), check: func(t *testing.T, c *v1.ConfigFile, _ *v1.Manifest) {
		if c.Config.User != "" {
			t.Errorf("User = %q", c.Config.User)
		}
	}},

	// Formats and annotations.
	"an annotation without a place": {args: []string{"--annotation", "a=b"}, code: 2, says: []string{"--format oci"}},
	"an annotation": {args: []string{"--annotation", "a=b", "--format", "oci"}, check: func(t *testing.T, _ *v1.ConfigFile, m *v1.Manifest) {
		if m.Annotations["a"] != "b" || m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON {
			t.Errorf("manifest: %+v", m)
		}
	}},
	"Docker format of an OCI base": {base: sampleOf(sample.Options{OCI: true}), args: []string{"--format", "docker"}, check: family(types.DockerManifestSchema2)},

	// Folders of the base, and entry points.
	"an app in Windows":       {args: []string{"--app-dir", `C:\Windows\app`}, code: 2, says: []string{"Windows"}},
	"an app in Program Files": {args: []string{"--app-dir", `C:\Program Files\app`}, code: 2, says: []string{"Program Files"}},
	"an app in a folder of the base": {base: sampleOf(sample.Options{Folders: []string{"inetpub"}}), args: []string{"--app-dir", `C:\inetpub\wwwroot`},
		code: 2, says: []string{"inetpub"}},
	"the base's entry point": {
		base: sampleOf(sample.Options{Entrypoint: []string{`C:\ServiceMonitor.exe`, "w3svc"}}), args: []string{"--entrypoint", "base"},
		check: entrypoint(`C:\ServiceMonitor.exe`, "w3svc"),
	},
	"a relative entry point": {args: []string{"--entrypoint", `app\Demo.exe`}, check: entrypoint(`app\Demo.exe`)},
	"another folder":         {args: []string{"--app-dir", `D:\a b\c`}, code: 2, says: []string{`D:\a b\c`}},
	"one layer": {args: []string{"--layers", "single"}, check: func(t *testing.T, c *v1.ConfigFile, m *v1.Manifest) {
		if len(m.Layers) != 3 { // two of the base
			t.Errorf("%d layers", len(m.Layers))
		}
	}},
}

// TestFlagsAndBases runs each case on the same small application.
func TestFlagsAndBases(t *testing.T) {
	t.Parallel()
	for name, tt := range flagCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := filepath.Join(t.TempDir(), "app")
			if err := sampleapp.Write(app, "hello"); err != nil {
				t.Fatal(err)
			}
			if tt.files != "" {
				writeFiles(t, app, tt.files)
			}
			base := ociBase(t)
			if tt.base != nil {
				base = tt.base(t)
			}
			out := filepath.Join(t.TempDir(), "image")
			r := run(t, app, tt.env, append([]string{"publish", app, "--base", base, "--oci-layout", out}, tt.args...)...)
			if r.code != tt.code {
				t.Fatalf("exit code %d, want %d: %s", r.code, tt.code, r)
			}
			for _, want := range tt.says {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, r.stderr)
				}
			}
			if tt.code != 0 && r.stdout != "" {
				t.Errorf("stdout: %q", r.stdout)
			}
			if left := leftovers(t, r.temp); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if tt.check != nil {
				c, m := imageIn(t, out)
				tt.check(t, c, m)
			}
		})
	}
}

// imageIn reads config and manifest of the only image of a layout.
func imageIn(t *testing.T, dir string) (*v1.ConfigFile, *v1.Manifest) {
	t.Helper()
	idx, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := idx.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("index of %s: %v %v", dir, manifest, err)
	}
	img, err := idx.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return c, m
}

func exposes(ports ...string) func(*testing.T, *v1.ConfigFile, *v1.Manifest) {
	return func(t *testing.T, c *v1.ConfigFile, _ *v1.Manifest) {
		t.Helper()
		got := c.Config.ExposedPorts
		for _, p := range ports {
			if _, there := got[p]; !there || len(got) != len(ports) {
				t.Errorf("exposed are %v, want %v", got, ports)
				return
			}
		}
	}
}

func entrypoint(argv ...string) func(*testing.T, *v1.ConfigFile, *v1.Manifest) {
	return func(t *testing.T, c *v1.ConfigFile, _ *v1.Manifest) {
		t.Helper()
		if got, want := strings.Join(c.Config.Entrypoint, "\n"), strings.Join(argv, "\n"); got != want {
			t.Errorf("Entrypoint = %q, want %q", c.Config.Entrypoint, argv)
		}
	}
}

func family(mt types.MediaType) func(*testing.T, *v1.ConfigFile, *v1.Manifest) {
	return func(t *testing.T, _ *v1.ConfigFile, m *v1.Manifest) {
		t.Helper()
		layer, config := types.DockerLayer, types.DockerConfigJSON
		if mt == types.OCIManifestSchema1 {
			layer, config = types.OCILayer, types.OCIConfigJSON
		}
		if m.MediaType != mt || m.Config.MediaType != config {
			t.Errorf("types %s and %s, want %s and %s", m.MediaType, m.Config.MediaType, mt, config)
		}
		for _, l := range m.Layers {
			if l.MediaType != layer {
				t.Errorf("layer of type %s, want %s", l.MediaType, layer)
			}
		}
	}
}

// sampleOf writes a list with one sample base and returns "oci:DIR".
func sampleOf(options ...sample.Options) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		return writeBase(t, indexOf(t, options...))
	}
}

func severalBuilds(t *testing.T) string {
	t.Helper()
	return sampleOf(sample.Options{OSVersion: "10.0.17763.8000"}, sample.Options{})(t)
}

func attested(t *testing.T) string {
	t.Helper()
	idx := indexOf(t, sample.Options{OCI: true})
	m, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	idx, err = sample.WithAttestation(idx, m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return writeBase(t, idx)
}

func indexOf(t *testing.T, options ...sample.Options) v1.ImageIndex {
	t.Helper()
	var images []v1.Image
	for _, o := range options {
		img, err := sample.Image(o)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	idx, err := sample.Index(images...)
	if err != nil {
		t.Fatal(err)
	}
	return idx
}

func writeBase(t *testing.T, idx v1.ImageIndex) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "base")
	if err := sample.WriteLayout(dir, idx); err != nil {
		t.Fatal(err)
	}
	return "oci:" + dir
}

// TestVersion checks that the linker's version is printed.
func TestVersion(t *testing.T) {
	t.Parallel()
	if r := ok(t, t.TempDir(), nil, "version"); !strings.Contains(r.stdout, testVersion) || r.stderr != "" {
		t.Errorf("version: %s", r)
	}
}

// TestDemo runs the demo, which needs nothing but the program: the second
// publish sends nothing, the third less than the first, and the image runs.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := ok(t, dir, []string{"PATH=" + t.TempDir()}, "demo")
	if strings.Count(r.stdout, "uploaded ") != 3 || strings.Count(r.stdout, "uploaded 0 B in layers and config, 0 B in manifests") != 1 {
		t.Errorf("want three publishes, one of which sends nothing: %s", r)
	}
	if left := leftovers(t, r.temp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	t.Run("runs", func(t *testing.T) {
		if got := wineRun(t, filepath.Join(dir, "nanobuild-out", "demo"), nil); strings.Count(got, "\n") != 1 || len(got) < 5 {
			t.Errorf("the demo's program printed %q, want one line", got)
		}
	})
}

// TestInspectJSON reads what inspect says of an image.
func TestInspectJSON(t *testing.T) {
	t.Parallel()
	app := filepath.Join(t.TempDir(), "app")
	if err := sampleapp.Write(app, "hello"); err != nil {
		t.Fatal(err)
	}
	layout := layoutOf(t, publishLayout(t, app, app).lines()[0])
	r := ok(t, app, nil, "inspect", "oci:"+layout, "-o", "json")
	var report map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, r)
	}
	for _, origin := range []string{"runtime", "aspnet", "desktop", "packages", "project", "assets", "app"} {
		if !strings.Contains(r.stdout, `"`+origin+`"`) {
			t.Errorf("the report names no layer %s:\n%s", origin, r.stdout)
		}
	}
}
