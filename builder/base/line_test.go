package base_test

import (
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base"
)

func TestLine(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, c := range []struct{ recorded, osVersion, want string }{
		// Nano Server and Server Core.
		{"mcr.microsoft.com/windows/nanoserver:ltsc2022", "10.0.20348.4171", "mcr.microsoft.com/windows/nanoserver:ltsc2022"},
		{"ltsc2025", "10.0.26100.1", "mcr.microsoft.com/windows/nanoserver:ltsc2025"},
		{"mcr.microsoft.com/windows/nanoserver:10.0.20348.4171", "10.0.20348.4171", "mcr.microsoft.com/windows/nanoserver:ltsc2022"},
		{"mcr.microsoft.com/windows/servercore:10.0.17763.9-amd64", "10.0.17763.9", "mcr.microsoft.com/windows/servercore:ltsc2019"},
		{"mcr.microsoft.com/windows/nanoserver:10.0.20348.4171-amd64", "", "mcr.microsoft.com/windows/nanoserver:ltsc2022"},
		{"mcr.microsoft.com/windows/nanoserver" + digest, "10.0.26100.32522", "mcr.microsoft.com/windows/nanoserver:ltsc2025"},
		{"mcr.microsoft.com/windows/nanoserver:ltsc2022" + digest, "10.0.20348.1", "mcr.microsoft.com/windows/nanoserver:ltsc2022"},
		{"mcr.microsoft.com/windows/nanoserver:ltsc2022-KB5034770-amd64", "10.0.20348.1", "mcr.microsoft.com/windows/nanoserver:ltsc2022-amd64"},
		{"mcr.microsoft.com/windows/nanoserver:1809", "10.0.17763.1", "mcr.microsoft.com/windows/nanoserver:1809"},
		{"mcr.microsoft.com/windows/server:10.0.26100.1", "10.0.26100.1", "mcr.microsoft.com/windows/server:ltsc2025"},
		{"mcr.microsoft.com/windows/nanoserver", "10.0.26100.1", "mcr.microsoft.com/windows/nanoserver:ltsc2025"},
		{"registry.example.com:5000/mcr/windows/servercore", "10.0.17763.1", "registry.example.com:5000/mcr/windows/servercore:ltsc2019"},
		{"", "10.0.20348.4171", "mcr.microsoft.com/windows/nanoserver:ltsc2022"},
		{"", "10.0.17763", "mcr.microsoft.com/windows/nanoserver:ltsc2019"},
		// .NET.
		{"mcr.microsoft.com/dotnet/aspnet:8.0.11-nanoserver-ltsc2022", "10.0.20348.1", "mcr.microsoft.com/dotnet/aspnet:8.0-nanoserver-ltsc2022"},
		{"mcr.microsoft.com/dotnet/runtime:9.0.0-windowsservercore-ltsc2019" + digest, "10.0.17763.1", "mcr.microsoft.com/dotnet/runtime:9.0-windowsservercore-ltsc2019"},
		{"mcr.microsoft.com/dotnet/sdk:8.0.404-nanoserver-1809", "10.0.17763.1", "mcr.microsoft.com/dotnet/sdk:8.0-nanoserver-1809"},
		{"mcr.microsoft.com/dotnet/runtime:8.0", "10.0.20348.1", "mcr.microsoft.com/dotnet/runtime:8.0"},
		{"mcr.microsoft.com/dotnet/runtime:8.0.11", "10.0.20348.1", "mcr.microsoft.com/dotnet/runtime:8.0"},
		{"mcr.microsoft.com/dotnet/runtime:10.0.0-rc.1-nanoserver-ltsc2022", "10.0.20348.1", "mcr.microsoft.com/dotnet/runtime:10.0.0-rc.1-nanoserver-ltsc2022"},
		{"mcr.microsoft.com/dotnet/framework/aspnet:4.8.1-20241112-windowsservercore-ltsc2022", "10.0.20348.1", "mcr.microsoft.com/dotnet/framework/aspnet:4.8.1-windowsservercore-ltsc2022"},
		{"mcr.microsoft.com/dotnet/framework/runtime:4.8.1", "10.0.20348.1", "mcr.microsoft.com/dotnet/framework/runtime:4.8.1"},
		// Other registries.
		{"registry.example.com:5000/mcr/windows/nanoserver:10.0.20348.4171", "10.0.20348.4171", "registry.example.com:5000/mcr/windows/nanoserver:ltsc2022"},
		{"registry.example.com/mcr/dotnet/aspnet:8.0.11-nanoserver-ltsc2022", "10.0.20348.1", "registry.example.com/mcr/dotnet/aspnet:8.0-nanoserver-ltsc2022"},
		{"registry.example.com/mcr/nanoserver" + digest, "10.0.20348.1", "registry.example.com/mcr/nanoserver:ltsc2022"},
		{"registry.example.com/acme/base:1.2.3", "10.0.20348.1", "registry.example.com/acme/base:1.2.3"},
		{"registry.example.com/acme/base:8.0.11-nanoserver-ltsc2022", "10.0.20348.1", "registry.example.com/acme/base:8.0.11-nanoserver-ltsc2022"},
		{"registry.example.com/acme/base:10.0.20348.4171", "10.0.20348.4171", "registry.example.com/acme/base:ltsc2022"},
		{"registry.example.com/acme/base", "10.0.20348.1", "registry.example.com/acme/base:latest"},
		{"acme/base:v1", "10.0.20348.1", "docker.io/acme/base:v1"},
		// A base without os.version.
		{"mcr.microsoft.com/oss/kubernetes/windows-host-process-containers-base-image:v1.0.0", "", "mcr.microsoft.com/oss/kubernetes/windows-host-process-containers-base-image:v1.0.0"},
	} {
		got, err := base.Line(c.recorded, c.osVersion)
		if err != nil || got != c.want {
			t.Errorf("Line(%q, %q) = %q, %v; want %q", c.recorded, c.osVersion, got, err, c.want)
		}
	}
}

func TestLineRefuses(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, c := range []struct{ recorded, osVersion, says string }{
		{"oci:out", "10.0.20348.1", "has no successor"},
		{"tar:base.tar", "10.0.20348.1", "has no successor"},
		{"registry.example.com/acme/base" + digest, "10.0.20348.1", "tells no line of bases"},
		{"mcr.microsoft.com/dotnet/runtime" + digest, "10.0.20348.1", "tells no line of bases"},
		{"mcr.microsoft.com/windows/nanoserver" + digest, "", "cannot be told from os.version"},
		{"mcr.microsoft.com/windows/nanoserver" + digest, "10.0.22621.1", "no base images of Windows 10.0.22621.1"},
		{"mcr.microsoft.com/windows/nanoserver" + digest, "10.0.25398.1", "no base images of Windows 10.0.25398.1"},
		{"", "eleven", "cannot be told from os.version"},
		{"a b", "10.0.20348.1", `recorded as "a b"`},
		{strings.Repeat("x", 5000), "10.0.20348.1", "recorded as"},
	} {
		got, err := base.Line(c.recorded, c.osVersion)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Line(%q, %q) = %q, %v; want an error with %q", c.recorded, c.osVersion, got, err, c.says)
			continue
		}
		if !strings.HasSuffix(err.Error(), "--base") || len(err.Error()) > 600 {
			t.Errorf("Line(%q): %v is long, or names nothing to try", c.recorded, err)
		}
	}
}

// FuzzLine: what a stranger's image says of its base leads to an error or to a
// reference that stays what it is, since it has nothing left that pins it.
func FuzzLine(f *testing.F) {
	f.Add("mcr.microsoft.com/windows/nanoserver:10.0.20348.4171", "10.0.20348.4171")
	f.Add("mcr.microsoft.com/dotnet/aspnet:8.0.11-nanoserver-ltsc2022", "10.0.20348.1")
	f.Add("x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "")
	f.Fuzz(func(t *testing.T, recorded, osVersion string) {
		line, err := base.Line(recorded, osVersion)
		if err != nil {
			return
		}
		if again, err := base.Line(line, osVersion); err != nil || again != line {
			t.Errorf("Line(%q) = %q, and of that %q, %v", recorded, line, again, err)
		}
	})
}
