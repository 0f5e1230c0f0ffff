package builder_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// TestDependentApplications has applications on bases that look like Microsoft's:
// what the base has stays, and nothing is set twice.
func TestDependentApplications(t *testing.T) {
	t.Parallel()
	for version, has := range map[string]string{"8.0.0": "8.0.30", "9.0.0": "9.0.19", "10.0.0": "10.0.11"} {
		for _, web := range []bool{false, true} {
			app, env := newDependentApp(t, version), []string{"ASPNETCORE_HTTP_PORTS=8080", "DOTNET_RUNNING_IN_CONTAINER=true", "DOTNET_VERSION=" + has}
			if web {
				app, env = newDependentApp(t, version, aspnet), append(env, "ASPNET_VERSION="+has)
			}
			img, warnings := build(t, app, newBase(t, sample.Options{Env: env, Layers: 3}), builder.Overrides{})
			c := configOf(t, img).Config
			if !slices.Equal(c.Env, env) {
				t.Errorf(".NET %s, web %v: variables %q, want the base's: %q", version, web, c.Env, env)
			}
			if !slices.Equal(c.Entrypoint, []string{`C:\app\App.exe`}) || len(c.Cmd) > 0 || c.User != "ContainerUser" {
				t.Errorf(".NET %s, web %v: %q %q as %s", version, web, c.Entrypoint, c.Cmd, c.User)
			}
			if _, open := c.ExposedPorts["8080/tcp"]; open != web {
				t.Errorf(".NET %s, web %v: ports %v", version, web, c.ExposedPorts)
			}
			if len(warnings) > 0 {
				t.Errorf(".NET %s, web %v: warnings %q", version, web, warnings)
			}
		}
	}
}

// TestDependentOnTheWrongBase: each refusal names the base to use.
func TestDependentOnTheWrongBase(t *testing.T) {
	t.Parallel()
	const ms = "mcr.microsoft.com/dotnet/"
	for name, c := range map[string]struct {
		app    *dotnet.Result
		base   sample.Options
		named  string
		remedy []string
	}{
		"bare":              {newDependentApp(t, "10.0.0"), sample.Options{}, "", []string{"has none", ms + "runtime:10.0-nanoserver-ltsc2022"}},
		"bare, web":         {newDependentApp(t, "9.0.0", aspnet), sample.Options{OSVersion: "10.0.26100.1"}, "", []string{ms + "aspnet:9.0-nanoserver-ltsc2025"}},
		"bare, 2019":        {newDependentApp(t, "8.0.0"), sample.Options{OSVersion: "10.0.17763.1"}, "", []string{ms + "runtime:8.0-nanoserver-1809"}},
		"bare, servercore":  {newDependentApp(t, "10.0.0"), sample.Options{}, "mcr.microsoft.com/windows/servercore:ltsc2022", []string{ms + "runtime:10.0-windowsservercore-ltsc2022"}},
		"unpublished":       {newDependentApp(t, "10.0.0"), sample.Options{OSVersion: "10.0.17763.1"}, "", []string{"--base ltsc2022 or --base ltsc2025"}},
		"a build of nobody": {newDependentApp(t, "10.0.0"), sample.Options{OSVersion: "10.0.22000.1"}, "", []string{"--base ltsc2022 or --base ltsc2025"}},
		"no ASP.NET Core":   {newDependentApp(t, "10.0.0", aspnet), sample.Options{Env: []string{"DOTNET_VERSION=10.0.11"}}, "", []string{"needs ASP.NET Core", ms + "aspnet:10.0-nanoserver-ltsc2022"}},
		"an older .NET":     {newDependentApp(t, "10.0.0"), sample.Options{Env: []string{"DOTNET_VERSION=9.0.19"}}, "", []string{"Microsoft.NETCore.App 10.0.0", "has 9.0.19", ms + "runtime:10.0-nanoserver-ltsc2022"}},
		"a newer .NET":      {newDependentApp(t, "8.0.0"), sample.Options{Env: []string{"DOTNET_VERSION=9.0.19"}}, "", []string{"has 9.0.19", ms + "runtime:8.0-nanoserver-ltsc2022"}},
	} {
		b := newBase(t, c.base)
		if c.named != "" {
			b.Name = c.named
		}
		spec, _ := configure(t, c.app, builder.Overrides{})
		_, err := buildOne(t.Context(), spec, b, c.app, builder.Deps{TempDir: t.TempDir()})
		wantInput(t, err, append(c.remedy, "--self-contained", b.Name)...)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q has several lines", name, err)
		}
	}
}

// TestDependentWithCare has bases that are taken, and what the user is told.
func TestDependentWithCare(t *testing.T) {
	t.Parallel()
	env := func(more ...string) sample.Options { return sample.Options{Env: more} }
	rolling := newDependentApp(t, "8.0.0")
	rolling.Runtime.Frameworks[0].RollForward = "Major"
	asKnown := newDependentApp(t, "8.0.0")
	asKnown.Runtime.Frameworks = nil
	for name, c := range map[string]struct {
		app     *dotnet.Result
		base    sample.Options
		asked   builder.Overrides
		warning string
	}{
		"older patches":            {newDependentApp(t, "10.0.12"), env("DOTNET_VERSION=10.0.11"), builder.Overrides{}, "10.0.12 or a later patch"},
		"a preview":                {newDependentApp(t, "10.0.0"), env("DOTNET_VERSION=10.0.0-rc.1"), builder.Overrides{}, "10.0.0-rc.1"},
		"a preview that is final":  {newDependentApp(t, "10.0.0-rc.1"), env("DOTNET_VERSION=10.0.0"), builder.Overrides{}, ""},
		"rolls forward":            {rolling, env("DOTNET_VERSION=10.0.11"), builder.Overrides{}, ""},
		"made to roll forward":     {newDependentApp(t, "8.0.0"), env("DOTNET_VERSION=10.0.11"), builder.Overrides{Env: []string{"DOTNET_ROLL_FORWARD=latestMajor"}}, ""},
		"by the base":              {newDependentApp(t, "8.0.0"), env("DOTNET_VERSION=10.0.11", "DOTNET_ROLL_FORWARD=Major"), builder.Overrides{}, ""},
		"the user knows better":    {newDependentApp(t, "8.0.0"), env(), builder.Overrides{Env: []string{"DOTNET_VERSION=8.0.1"}}, ""},
		"the base starts it":       {newDependentApp(t, "8.0.0"), sample.Options{Entrypoint: []string{`C:\ServiceMonitor.exe`}}, builder.Overrides{Entrypoint: []string{"base"}}, ""},
		"another framework":        {newDependentApp(t, "8.0.0", "Corp.Base"), env("DOTNET_VERSION=8.0.30"), builder.Overrides{}, "needs Corp.Base"},
		"only the target is known": {asKnown, env("DOTNET_VERSION=8.0.30"), builder.Overrides{}, ""},
		"no version":               {newDependentApp(t, "8.0.0"), env("DOTNET_VERSION=latest"), builder.Overrides{}, ""},
	} {
		_, warnings := build(t, c.app, newBase(t, c.base), c.asked)
		if c.warning == "" && len(warnings) > 0 || c.warning != "" && !mentions(warnings, c.warning) {
			t.Errorf("%s: warnings %q, want %q", name, warnings, c.warning)
		}
	}
}

// TestSelfContainedAnywhere: who brings .NET along runs on .NET Framework's bases
// and on older .NET.
func TestSelfContainedAnywhere(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{nil, {"COMPLUS_NGenProtectedProcess_FeatureEnabled=0"}, {"DOTNET_VERSION=8.0.30"}} {
		b := newBase(t, sample.Options{Env: env, NoUser: true, Layers: 4})
		b.Name = "mcr.microsoft.com/dotnet/framework/runtime:4.8-windowsservercore-ltsc2022"
		if _, warnings := build(t, newApp(t), b, builder.Overrides{}); len(warnings) > 0 {
			t.Errorf("%q: warnings %q", env, warnings)
		}
	}
}
