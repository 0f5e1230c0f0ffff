package builder_test

import (
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// newDependentApp makes an application that needs .NET, and of more frameworks
// the same version.
func newDependentApp(t *testing.T, version string, more ...string) *dotnet.Result {
	t.Helper()
	app := newApp(t)
	major, _, _ := strings.Cut(version, ".")
	app.Runtime = dotnet.Runtime{TFM: "net" + major + ".0"}
	for _, name := range append([]string{"Microsoft.NETCore.App"}, more...) {
		app.Runtime.Frameworks = append(app.Runtime.Frameworks, dotnet.Framework{Name: name, Version: version})
	}
	return app
}

const aspnet = "Microsoft.AspNetCore.App"

// TestBaseFor has the base of each application on each Windows; "" where there is
// none.
func TestBaseFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version         string
		ref, tag        string
		remedy, problem string
	}{
		{version: "8.0.0", ref: "", tag: "8.0-nanoserver-ltsc2022"},
		{version: "8.0.0", ref: "ltsc2019", tag: "8.0-nanoserver-1809"},
		{version: "8.0.0", ref: "1809", tag: "8.0-nanoserver-1809"},
		{version: "8.0.0", ref: "nanoserver", tag: "8.0-nanoserver-ltsc2022"},
		{version: "8.0.0", ref: "nanoserver:1809", tag: "8.0-nanoserver-1809"},
		{version: "8.0.0", ref: "servercore:1809", tag: "8.0-windowsservercore-ltsc2019"},
		{version: "9.0.0", ref: "ltsc2025", tag: "9.0-nanoserver-ltsc2025"},
		{version: "9.0.0", ref: "servercore", tag: "9.0-windowsservercore-ltsc2022"},
		{version: "9.0.0", ref: "servercore:ltsc2019", tag: "9.0-windowsservercore-ltsc2019"},
		{version: "10.0.0", ref: "", tag: "10.0-nanoserver-ltsc2022"},
		{version: "10.0.12", ref: "ltsc2022", tag: "10.0-nanoserver-ltsc2022"},
		{version: "10.0.0-rc.1.25451.107", ref: "nanoserver:ltsc2025-amd64", tag: "10.0-nanoserver-ltsc2025"},
		{version: "10.0.0", ref: "servercore:ltsc2025", tag: "10.0-windowsservercore-ltsc2025"},
		{version: "11.0.0", ref: "ltsc2025", tag: "11.0-nanoserver-ltsc2025"},
		{version: "10.0.0", ref: "ltsc2019", problem: ".NET 10.0 on Nano Server of Windows Server 2019", remedy: "--base ltsc2022 or --base ltsc2025"},
		{version: "10.0.0", ref: "servercore:ltsc2019", problem: ".NET 10.0 on Server Core of Windows Server 2019", remedy: "--base servercore:ltsc2022 or --base servercore:ltsc2025"},
		{version: "11.0.0", ref: "", problem: ".NET 11.0 on Nano Server of Windows Server 2022", remedy: "for --base ltsc2025;"},
		{version: "8.0.0", ref: "nanoserver:ltsc2016", problem: ".NET 8.0 on Nano Server of Windows Server 2016", remedy: "--base ltsc2019, --base ltsc2022 or --base ltsc2025"},
		{version: "7.0.0", ref: "ltsc2022", problem: ".NET 7.0", remedy: "name a base that has it with --base"},
		{version: "12.0.0", ref: "ltsc2025", problem: ".NET 12.0.0", remedy: "name a base that has it with --base"},
	} {
		for repository, app := range map[string]*dotnet.Result{"runtime": newDependentApp(t, c.version), "aspnet": newDependentApp(t, c.version, aspnet)} {
			got, err := builder.BaseFor(app, c.ref)
			if c.tag == "" {
				wantInput(t, err, c.problem, c.remedy, "--self-contained")
				continue
			}
			if want := "mcr.microsoft.com/dotnet/" + repository + ":" + c.tag; err != nil || got != want {
				t.Errorf(".NET %s on %q: %q, %v; want %q", c.version, c.ref, got, err, want)
			}
		}
	}
}

// TestBaseForLeavesReferences: only short names of Windows follow the application,
// and only for those that need .NET.
func TestBaseForLeavesReferences(t *testing.T) {
	t.Parallel()
	dependent, whole, native := newDependentApp(t, "10.0.0"), newApp(t), newApp(t)
	native.Runtime = dotnet.Runtime{}
	for _, ref := range []string{
		"mcr.microsoft.com/windows/nanoserver:ltsc2022", "mcr.microsoft.com/dotnet/framework/runtime:4.8-windowsservercore-ltsc2022",
		"oci:dir", "tar:file.tar", "registry.corp/ltsc2022", "nanoserver:10.0.20348.4171",
		"nanoserver@sha256:" + strings.Repeat("ab", 32), "nanoserver:ltsc2022@sha256:" + strings.Repeat("ab", 32),
	} {
		for _, app := range []*dotnet.Result{dependent, whole, native} {
			if got, err := builder.BaseFor(app, ref); err != nil || got != ref {
				t.Errorf("BaseFor(%q) = %q, %v", ref, got, err)
			}
		}
	}
	for _, app := range []*dotnet.Result{whole, native} {
		for ref, want := range map[string]string{"": base.Default, "ltsc2019": "ltsc2019", "servercore": "servercore"} {
			if got, err := builder.BaseFor(app, ref); err != nil || got != want {
				t.Errorf("BaseFor(%q) = %q, %v; want %q", ref, got, err, want)
			}
		}
	}
}

func TestBaseForDesktop(t *testing.T) {
	t.Parallel()
	app := newDependentApp(t, "10.0.0", "Microsoft.WindowsDesktop.App")
	_, err := builder.BaseFor(app, "servercore")
	wantInput(t, err, "Microsoft.WindowsDesktop.App", "--self-contained", "--base")
	if got, err := builder.BaseFor(app, "registry.corp/desktop:1"); err != nil || got != "registry.corp/desktop:1" {
		t.Errorf("a base that was named: %q, %v", got, err)
	}
}
