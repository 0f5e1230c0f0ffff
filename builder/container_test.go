package builder_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// read runs ReadContainer on a console application with properties and items.
func read(t *testing.T, properties map[string]string, items map[string][]dotnet.Item) (builder.Container, []string, error) {
	t.Helper()
	app := newApp(t)
	for k, v := range properties {
		app.Properties[k] = v
	}
	app.Items = items
	c, warnings, err := builder.ReadContainer(app)
	if err != nil {
		return c, warnings, err
	}
	_, more, err := builder.Configure(app, c, builder.Overrides{}, source, commitTime)
	return c, slices.Concat(warnings, more), err
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		properties map[string]string
		registry   string
		repository string
		archive    string
		tags       []string
		warning    []string
	}{
		{name: "nothing"},
		{
			name: "all", properties: map[string]string{"ContainerRegistry": "https://ghcr.io/org/", "ContainerRepository": "shop/web", "ContainerArchiveOutputPath": "out/"},
			registry: "https://ghcr.io/org/", repository: "shop/web", archive: "out/",
		},
		{name: "the old name wins", properties: map[string]string{"ContainerRepository": "new", "ContainerImageName": "old"}, repository: "old"},
		{name: "names have no case", properties: map[string]string{"containerrepository": "x"}, repository: "x"},
		{name: "one tag", properties: map[string]string{"ContainerImageTag": "v1"}, tags: []string{"v1"}},
		{name: "tags", properties: map[string]string{"ContainerImageTags": "1.0; latest"}, tags: []string{"1.0", "latest"}},
		{
			name: "empty elements", properties: map[string]string{"ContainerImageTags": ";latest;;"},
			tags: []string{"latest"}, warning: []string{"ContainerImageTags", "-t"},
		},
		{name: "only empty elements", properties: map[string]string{"ContainerImageTags": ";"}, warning: []string{"ContainerImageTags", "-t"}},
		{
			name: "both", properties: map[string]string{"ContainerImageTags": "a;b", "ContainerImageTag": "c"},
			tags: []string{"a", "b"}, warning: []string{"ContainerImageTag", "ignored"},
		},
		{name: "made of the time", properties: map[string]string{"AutoGenerateImageTag": "True"}, warning: []string{"AutoGenerateImageTag", "-t"}},
		{name: "ignored without a word", properties: map[string]string{
			"EnableSdkContainerSupport": "false", "ContainerRuntimeIdentifier": "linux-x64", "ContainerRuntimeIdentifiers": "linux-x64;linux-arm64",
			"ContainerPublishInParallel": "false", "ContainerPublishNoCache": "true",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, warnings, err := read(t, tt.properties, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := []any{c.Registry, c.Repository, c.Archive, c.Tags}
			if diff := cmp.Diff([]any{tt.registry, tt.repository, tt.archive, tt.tags}, got); diff != "" {
				t.Error(diff)
			}
			if tt.warning == nil && len(warnings) > 0 || tt.warning != nil && !mentions(warnings, tt.warning...) {
				t.Errorf("warnings %q, want one with %q", warnings, tt.warning)
			}
		})
	}
}

func TestBaseOfTheProject(t *testing.T) {
	t.Parallel()
	const nano = "mcr.microsoft.com/windows/nanoserver:"
	for _, tt := range []struct {
		image, family, want string
		warned              bool
	}{
		{want: ""},
		{image: nano + "ltsc2025", want: nano + "ltsc2025"},
		{image: nano + "ltsc2025", family: "alpine", want: nano + "ltsc2025"},
		{image: "mcr.microsoft.com/windows/nanoserver:1809", want: "mcr.microsoft.com/windows/nanoserver:1809"},
		{image: "mcr.microsoft.com/dotnet/aspnet:10.0-nanoserver-ltsc2022", want: "mcr.microsoft.com/dotnet/aspnet:10.0-nanoserver-ltsc2022"},
		{image: "mcr.microsoft.com/dotnet/framework/runtime:4.8", want: "mcr.microsoft.com/dotnet/framework/runtime:4.8"},
		{image: "registry.corp/bases/own@sha256:0123", want: "registry.corp/bases/own@sha256:0123"},
		{image: "mynanoserver", want: "mynanoserver"},
		{image: "mcr.microsoft.com/dotnet/runtime-deps:8.0", warned: true},
		{image: "mcr.microsoft.com/dotnet/aspnet:10.0", warned: true},
		{image: "mcr.microsoft.com/dotnet/nightly/runtime-deps:9.0-noble-chiseled-extra", warned: true},
		{image: "registry.corp/mirror/runtime-deps:8.0", warned: true},
		{image: "docker.io/library/alpine:3.20", warned: true},
		{image: "debian:bookworm-slim", warned: true},
		{image: "ghcr.io/wolfi-dev/base", warned: true},
		{image: "registry.access.redhat.com/ubi9/dotnet-80", warned: true},
		{family: "nanoserver-ltsc2022", want: "nanoserver:ltsc2022"},
		{family: "NanoServer-LTSC2025", want: "nanoserver:ltsc2025"},
		{family: "nanoserver-1809", want: "nanoserver:ltsc2019"},
		{family: "nanoserver", want: "nanoserver:ltsc2022"},
		{family: "windowsservercore-ltsc2022", want: "servercore:ltsc2022"},
		{family: "alpine", warned: true},
		{family: "noble-chiseled", warned: true},
		{family: "jammy-chiseled-extra", warned: true},
	} {
		t.Run(tt.image+" "+tt.family, func(t *testing.T) {
			t.Parallel()
			c, warnings, err := read(t, map[string]string{"ContainerBaseImage": tt.image, "ContainerFamily": tt.family}, nil)
			if err != nil || c.Base != tt.want {
				t.Errorf("base %q, %v; want %q", c.Base, err, tt.want)
			}
			if tt.warned != mentions(warnings, "ignored", "--base") || !tt.warned && len(warnings) > 0 {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestItemsOfTheProject(t *testing.T) {
	t.Parallel()
	c, warnings, err := read(t, nil, map[string][]dotnet.Item{
		"ContainerPort": {item("80", "Type", "tcp"), item("53", "Type", "UDP"), item("81"), item("82/udp", "Type", "tcp"), item("80")},
		"containerenvironmentvariable": {
			item("A", "Value", "1;2"), item("ProgramFiles(x86)", "Value", "x"), item("a", "value", "2"), item("Empty", "Value", ""), item("B=C", "Value", "x"),
		},
		"ContainerLabel": {item("k", "Value", "v"), item("url", "Value", "https://x:1/y")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"80/tcp", "53/udp", "81/tcp", "82/udp"}, c.Ports); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]builder.Var{{Name: "a", Value: "2"}, {Name: "ProgramFiles(x86)", Value: "x"}}, c.Env); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]builder.Var{{Name: "k", Value: "v"}, {Name: "url", Value: "https://x:1/y"}}, c.Labels); diff != "" {
		t.Error(diff)
	}
	if !mentions(warnings, "Empty", "Windows drops") || !mentions(warnings, "B=C") || len(warnings) != 2 {
		t.Errorf("warnings %q", warnings)
	}
}

func TestProjectsThatCannotBecomeImages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		properties map[string]string
		items      map[string][]dotnet.Item
		words      []string
	}{
		"port":        {items: map[string][]dotnet.Item{"ContainerPort": {item("http")}}, words: []string{"ContainerPort", "http"}},
		"port type":   {items: map[string][]dotnet.Item{"ContainerPort": {item("80", "Type", "sctp")}}, words: []string{"80/sctp"}},
		"format":      {properties: map[string]string{"ContainerImageFormat": "tar"}, words: []string{"ContainerImageFormat", "docker or oci"}},
		"drive":       {properties: map[string]string{"ContainerWorkingDirectory": `D:\a b\c`}, words: []string{"ContainerWorkingDirectory", "C:"}},
		"windows":     {properties: map[string]string{"ContainerWorkingDirectory": `C:\Windows\x`}, words: []string{"ContainerWorkingDirectory", "base image"}},
		"device":      {properties: map[string]string{"ContainerWorkingDirectory": `C:\aux`}, words: []string{"ContainerWorkingDirectory"}},
		"instruction": {properties: map[string]string{"ContainerAppCommandInstruction": "Shell"}, words: []string{"Entrypoint, DefaultArgs or None"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, tt.properties, tt.items)
			wantInput(t, err, tt.words...)
		})
	}
}

func TestWorkingDirectoryOfTheProject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dir, want, entry string
		linux, shared    bool
	}{
		{"", `C:\app`, `C:\app\App.exe`, false, true},
		{"/app", `C:\app`, `C:\app\App.exe`, true, true},
		{"/app/", `C:\app`, `C:\app\App.exe`, true, true},
		{"/srv/web", `C:\srv\web`, `C:\srv\web\App.exe`, true, false},
		{`C:\app\`, `C:\app`, `C:\app\App.exe`, false, true},
		{`C:\svc`, `C:\svc`, `C:\svc\App.exe`, false, false},
		{`c:/a b/c`, `C:\a b\c`, `C:\a b\c\App.exe`, false, false},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			app.Properties["ContainerWorkingDirectory"] = tt.dir
			img, warnings := build(t, app, newBase(t, sample.Options{}), builder.Overrides{})
			c := configOf(t, img)
			if c.Config.WorkingDir != tt.want || c.Config.Entrypoint[0] != tt.entry {
				t.Errorf("%q, %q", c.Config.WorkingDir, c.Config.Entrypoint)
			}
			if tt.linux != mentions(warnings, "path of Linux") || tt.shared == mentions(warnings, "cannot be shared", "--workdir") {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestWhatTheUserGivesSilencesTheProject(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	for k, v := range map[string]string{
		"ContainerImageTags": ";latest", "ContainerBaseImage": "alpine", "ContainerUser": "1654", "ContainerWorkingDirectory": "/srv/x",
	} {
		app.Properties[k] = v
	}
	if _, warnings := configure(t, app, builder.Overrides{}); len(warnings) != 5 {
		t.Errorf("warnings %q, want five", warnings)
	}
	_, warnings := configure(t, app, builder.Overrides{
		Tags: []string{"v1"}, Base: "ltsc2025", User: "ContainerUser", AppDir: `C:\APP`,
	})
	if len(warnings) > 0 {
		t.Errorf("warnings %q", warnings)
	}
}
