package builder_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

// commitTime is the clock of most tests.
var commitTime = layers.Clock{Seconds: 1789000000, Known: true}

var source = builder.Source{Commit: "0123456789abcdef0123456789abcdef01234567", Remote: "https://ci:secret@git.example/shop.git"}

// newApp makes a published console application named App.
func newApp(t *testing.T) *dotnet.Result {
	t.Helper()
	app := &dotnet.Result{
		Dir: t.TempDir(), Name: "App", EntryPoint: "App.exe",
		Properties: map[string]string{"AssemblyName": "App", "Version": "1.4.2"},
		Items:      map[string][]dotnet.Item{},
		Origins:    map[string]layers.Origin{"coreclr.dll": layers.Runtime, "Json.dll": layers.Packages},
		Runtime: dotnet.Runtime{
			TFM: "net10.0", SelfContained: true,
			Frameworks: []dotnet.Framework{{Name: "Microsoft.NETCore.App", Version: "10.0.12"}},
		},
	}
	for name, text := range map[string]string{"App.exe": "MZ app", "App.dll": "MZ dll", "coreclr.dll": "MZ clr", "Json.dll": "MZ json"} {
		addFile(t, app, name, text)
	}
	return app
}

// newWebApp makes a published web application named App, of a release of .NET.
func newWebApp(t *testing.T, version string) *dotnet.Result {
	t.Helper()
	app := newApp(t)
	major, _, _ := strings.Cut(version, ".")
	app.Runtime.TFM = "net" + major + ".0"
	app.Runtime.Frameworks = []dotnet.Framework{
		{Name: "Microsoft.NETCore.App", Version: version}, {Name: "Microsoft.AspNetCore.App", Version: version},
	}
	return app
}

func addFile(t *testing.T, app *dotnet.Result, name, text string) {
	t.Helper()
	p := filepath.Join(app.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// item makes an MSBuild item from an identity and pairs of metadata.
func item(identity string, metadata ...string) dotnet.Item {
	i := dotnet.Item{Identity: identity, Metadata: map[string]string{}}
	for n := 0; n < len(metadata); n += 2 {
		i.Metadata[metadata[n]] = metadata[n+1]
	}
	return i
}

// newBase makes a base of a sample.
func newBase(t *testing.T, o sample.Options) *base.Base {
	t.Helper()
	img, err := sample.Image(o)
	if err != nil {
		t.Fatal(err)
	}
	return baseOf(t, img)
}

func baseOf(t *testing.T, img v1.Image) *base.Base {
	t.Helper()
	manifest, err1 := img.RawManifest()
	config, err2 := img.RawConfigFile()
	digest, err3 := img.Digest()
	mediaType, err4 := img.MediaType()
	all, err5 := img.Layers()
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	index := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}
	return &base.Base{
		Name: "mcr.microsoft.com/windows/nanoserver:ltsc2022", Digest: digest, Index: &index,
		MediaType: mediaType, Manifest: manifest, Config: config, Layers: all,
	}
}

// configure runs ReadContainer and Configure, and fails the test on errors.
func configure(t *testing.T, app *dotnet.Result, o builder.Overrides) (*builder.Spec, []string) {
	t.Helper()
	spec, warnings, err := tryConfigure(t, app, o)
	if err != nil {
		t.Fatalf("configure: %v", err)
	}
	return spec, warnings
}

func tryConfigure(t *testing.T, app *dotnet.Result, o builder.Overrides) (*builder.Spec, []string, error) {
	t.Helper()
	c, warnings, err := builder.ReadContainer(app)
	if err != nil {
		return nil, warnings, err
	}
	spec, more, err := builder.Configure(app, c, o, source, commitTime)
	return spec, slices.Concat(warnings, more), err
}

// built is the image on the only base, with what it was made of.
type built struct {
	*builder.Result
	*builder.Image
}

func buildOne(ctx context.Context, spec *builder.Spec, b *base.Base, app *dotnet.Result, d builder.Deps) (built, error) {
	r, err := builder.Build(ctx, spec, []*base.Base{b}, app, d)
	if err != nil {
		return built{}, err
	}
	return built{r, r.Images[0]}, nil
}

// build makes the whole image; warnings of all steps are joined.
func build(t *testing.T, app *dotnet.Result, b *base.Base, o builder.Overrides) (built, []string) {
	t.Helper()
	spec, warnings := configure(t, app, o)
	img, err := buildOne(t.Context(), spec, b, app, builder.Deps{TempDir: t.TempDir()})
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	t.Cleanup(func() {
		if err := img.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return img, slices.Concat(warnings, img.Warnings)
}

// imageConfig is the part of a config that tests look at.
type imageConfig struct {
	Created time.Time `json:"created"`
	Config  struct {
		User, WorkingDir     string
		Env, Entrypoint, Cmd []string
		ExposedPorts         map[string]struct{}
		Labels               map[string]string
		ArgsEscaped          *bool
	} `json:"config"`
}

func configOf(t *testing.T, img built) imageConfig {
	t.Helper()
	raw, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var c imageConfig
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// mentions reports whether one of the warnings holds all the words.
func mentions(warnings []string, words ...string) bool {
	return slices.ContainsFunc(warnings, func(w string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(w, word) })
	})
}

// wantInput checks that an error is an *InputError that holds all the words.
func wantInput(t *testing.T, err error, words ...string) {
	t.Helper()
	var in *builder.InputError
	if !errors.As(err, &in) {
		t.Fatalf("error = %v, want an InputError", err)
	}
	if in.Remedy == "" {
		t.Errorf("%q has no remedy", in.Problem)
	}
	if !mentions([]string{err.Error()}, words...) {
		t.Errorf("error = %q, want it to mention %q", err, words)
	}
}
