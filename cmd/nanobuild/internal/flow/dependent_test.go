package flow

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// microsoft fills a mirror of Microsoft's registry with bases of .NET, and returns
// the way to it.
func (w *world) microsoft(t *testing.T) NetworkOptions {
	t.Helper()
	for release, patch := range map[string]string{"8.0": "8.0.30", "9.0": "9.0.19", "10.0": "10.0.11"} {
		for tag, version := range map[string]string{"-nanoserver-ltsc2022": "10.0.20348.4171", "-nanoserver-ltsc2025": "10.0.26100.32995", "-windowsservercore-ltsc2022": "10.0.20348.4171"} {
			env := []string{"ASPNETCORE_HTTP_PORTS=8080", "DOTNET_RUNNING_IN_CONTAINER=true", "DOTNET_VERSION=" + patch}
			w.put(t, sample.Options{OSVersion: version, Env: env, Layers: 2}, "mcr/dotnet/runtime:"+release+tag)
			w.put(t, sample.Options{OSVersion: version, Env: append(env, "ASPNET_VERSION="+patch), Layers: 3}, "mcr/dotnet/aspnet:"+release+tag)
		}
	}
	w.put(t, sample.Options{}, "mcr/windows/nanoserver:ltsc2022")
	return NetworkOptions{RegistryMap: []string{"mcr.microsoft.com=" + w.host + "/mcr"}}
}

// dependent is a publish folder without .NET, of an application for a release; web
// ones have a second framework.
func (w *world) dependent(t *testing.T, release string, web bool) string {
	t.Helper()
	dir := t.TempDir()
	frameworks := `{"name":"Microsoft.NETCore.App","version":"` + release + `.0"}`
	if web {
		frameworks += `,{"name":"Microsoft.AspNetCore.App","version":"` + release + `.0"}`
	}
	for name, text := range map[string]string{
		"Demo.exe": "MZ", "Demo.dll": "MZ",
		"Demo.runtimeconfig.json": `{"runtimeOptions":{"tfm":"net` + release + `","frameworks":[` + frameworks + `]}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBaseFollowsTheApplication publishes applications without .NET: each lands on
// Microsoft's image of its own.
func TestBaseFollowsTheApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	network := w.microsoft(t)
	for _, release := range []string{"8.0", "9.0", "10.0"} {
		for _, web := range []bool{false, true} {
			for base, tag := range map[string]string{"": "nanoserver-ltsc2022", "ltsc2025": "nanoserver-ltsc2025", "servercore": "windowsservercore-ltsc2022"} {
				repository := "runtime"
				if web {
					repository = "aspnet"
				}
				want := "mcr.microsoft.com/dotnet/" + repository + ":" + release + "-" + tag
				o := PublishOptions{Projects: []string{w.dependent(t, release, web)}, Jobs: 2, NetworkOptions: network, Targets: Targets{Repo: w.host + "/demo", Tags: []string{"v1"}}}
				if base != "" {
					o.Bases = []string{base}
				}
				if _, err := Publish(t.Context(), o, w.Deps); err != nil {
					t.Errorf("%s: %v", want, err)
					continue
				}
				found := inspect(t, w, InspectOptions{Image: w.host + "/demo:v1", NetworkOptions: network})
				if found.Base.Name != want || found.DotNet.Source != "DOTNET_VERSION" || !strings.HasPrefix(found.DotNet.Version, release) {
					t.Errorf("base %s with .NET %+v, want %s", found.Base.Name, found.DotNet, want)
				}
				if !slices.Equal(found.Settings.Entrypoint, []string{`C:\app\Demo.exe`}) || strings.Count(strings.Join(found.Settings.Env, " "), "HTTP_PORTS") != 1 {
					t.Errorf("%s: settings %+v", want, found.Settings)
				}
			}
		}
	}
}

// TestNoBaseForTheApplication: both ways to a base without the right .NET end before
// anything is sent, with what to do instead.
func TestNoBaseForTheApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	network := w.microsoft(t)
	w.put(t, sample.Options{OSVersion: "10.0.17763.7314"}, "mcr/windows/nanoserver:ltsc2019")
	for base, words := range map[string][]string{
		"ltsc2019": {".NET 10.0", "--base ltsc2022 or --base ltsc2025", "--self-contained"},
		"mcr.microsoft.com/windows/nanoserver:ltsc2022":           {"has none", "--base mcr.microsoft.com/dotnet/runtime:10.0-nanoserver-ltsc2022"},
		"mcr.microsoft.com/dotnet/aspnet:9.0-nanoserver-ltsc2025": {"has 9.0.19", "--base mcr.microsoft.com/dotnet/runtime:10.0-nanoserver-ltsc2025"},
	} {
		o := PublishOptions{Projects: []string{w.dependent(t, "10.0", false)}, Bases: []string{base}, Jobs: 2, NetworkOptions: network, Targets: Targets{Repo: w.host + "/refused", Tags: []string{"v1"}}}
		_, err := Publish(t.Context(), o, w.Deps)
		if stageOf(err) != StageUsage {
			t.Errorf("%s: %v, want an error of usage", base, err)
			continue
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want %q in it", base, err, word)
			}
		}
	}
	for _, put := range w.puts.list {
		if strings.Contains(put, "/refused/") {
			t.Errorf("written: %s", put)
		}
	}
}

// TestPublishSamplesWithoutTheirRuntime runs the real dotnet: a console program and
// a web service.
func TestPublishSamplesWithoutTheirRuntime(t *testing.T) {
	program := need.Dotnet(t)
	w := newWorld(t)
	network := w.microsoft(t)
	w.Environ = os.Environ()
	for name, repository := range map[string]string{"hello": "runtime", "webapi": "aspnet"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "..", "..", "testdata", name))); err != nil {
			t.Fatal(err)
		}
		o := PublishOptions{Projects: []string{dir}, Jobs: 2, NetworkOptions: network, Targets: Targets{Repo: w.host + "/" + name, Tags: []string{"v1"}}}
		o.Dotnet = DotnetOptions{Program: program, SelfContained: "false", CI: true}
		if _, err := Publish(t.Context(), o, w.Deps); err != nil {
			t.Fatal(err)
		}
		found := inspect(t, w, InspectOptions{Image: w.host + "/" + name + ":v1", NetworkOptions: network})
		if want := "mcr.microsoft.com/dotnet/" + repository + ":10.0-nanoserver-ltsc2022"; found.Base.Name != want || found.Verdict != "ok" {
			t.Errorf("base %s, verdict %s %q; want %s", found.Base.Name, found.Verdict, found.Findings, want)
		}
		for _, l := range found.Layers {
			if l.Origin == "runtime" || l.Origin == "aspnet" || l.Origin != BaseOrigin && (l.Verdict != "ok" || l.Importer != "ok") {
				t.Errorf("%s layer: %s, %s", l.Origin, l.Verdict, l.Importer)
			}
		}
	}
}
