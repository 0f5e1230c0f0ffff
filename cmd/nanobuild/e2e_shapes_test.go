package main_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// shape is a project that must become a running image.
type shape struct {
	files  string
	args   []string // PROJECT and flags; "." when empty
	prints string   // what its program prints on stdout under the runner
	says   []string // what stderr must say
	slow   bool     // left out with -short
}

const consoleProject = `
-- app.csproj --
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <InvariantGlobalization>true</InvariantGlobalization>
    PROPERTIES
  </PropertyGroup>
  ITEMS
</Project>
-- Program.cs --
Console.WriteLine("runs on .NET " + Environment.Version.Major);
`

// console is a console project with more properties and items.
func console(properties, items string) string {
	return strings.NewReplacer("PROPERTIES", properties, "ITEMS", items).Replace(consoleProject)
}

var shapes = map[string]shape{
	"net8.0": {
		files: strings.Replace(console("", ""), "net10.0", "net8.0", 1), prints: "runs on .NET 8",
		says: []string{"warning: ", ".NET 8", "support"},
	},
	"net10.0": {files: console("", ""), prints: "runs on .NET 10"},
	"several frameworks with one chosen": {
		files: strings.Replace(console("", ""), "<TargetFramework>net10.0</TargetFramework>", "<TargetFrameworks>net8.0;net10.0</TargetFrameworks>", 1),
		args:  []string{"app.csproj", "-f", "net8.0"}, prints: "runs on .NET 8",
	},
	"Visual Basic": {
		files: `
-- app.vbproj --
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
</Project>
-- Program.vb --
Module Program
    Sub Main()
        System.Console.WriteLine("Basic runs")
    End Sub
End Module
`, prints: "Basic runs",
	},
	"file-based app": {
		files: `
-- tool.cs --
#:property InvariantGlobalization=true
#:package Newtonsoft.Json@13.0.4
Console.WriteLine(Newtonsoft.Json.JsonConvert.SerializeObject(new { file = true }));
`, args: []string{"tool.cs"}, prints: `{"file":true}`, says: []string{"PublishAot"},
	},
	"single file": {files: console("<PublishSingleFile>true</PublishSingleFile>", ""), prints: "runs on .NET 10", says: []string{"PublishSingleFile=false"}},
	"trimmed":     {files: console("<PublishTrimmed>true</PublishTrimmed>", ""), prints: "runs on .NET 10", says: []string{"PublishTrimmed=false"}, slow: true},
	"ReadyToRun":  {files: console("<PublishReadyToRun>true</PublishReadyToRun>", ""), prints: "runs on .NET 10", slow: true},
	"spaces and other alphabets": {
		files: `
-- Mein Dienst/Größe 日本.csproj --
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <InvariantGlobalization>true</InvariantGlobalization>
    <AssemblyName>Mein Dienst</AssemblyName>
  </PropertyGroup>
  <ItemGroup><None Include="daten/**" CopyToPublishDirectory="Always" /></ItemGroup>
</Project>
-- Mein Dienst/daten/größe und %20 日本.txt --
42
-- Mein Dienst/Program.cs --
Console.WriteLine("read " + File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "daten", "größe und %20 日本.txt")).Trim());
`, args: []string{"Mein Dienst"}, prints: "read 42",
	},
	"a file added after publish": {
		files: strings.Replace(console("", `
  <Target Name="Late" AfterTargets="Publish">
    <WriteLinesToFile File="$(PublishDir)late/added.txt" Lines="added" Overwrite="true" />
  </Target>`), `"runs on .NET " + Environment.Version.Major`, `File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "late", "added.txt")).Trim()`, 1),
		prints: "added",
	},
	"container properties": {
		files: strings.Replace(console(`<ContainerWorkingDirectory>C:\svc</ContainerWorkingDirectory>`, `
  <ItemGroup>
    <ContainerEnvironmentVariable Include="SAID" Value="a;b=c" />
    <ContainerDefaultArgs Include="x y" />
  </ItemGroup>`), `"runs on .NET " + Environment.Version.Major`,
			`Environment.CurrentDirectory + " " + Environment.GetEnvironmentVariable("SAID") + " " + args[0]`, 1),
		prints: `C:\svc a;b=c x y`,
	},
}

// TestShapesRun publishes a project of each shape and starts the image.
func TestShapesRun(t *testing.T) {
	t.Parallel()
	need.Dotnet(t)
	needWine(t)
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s.slow && testing.Short() {
				t.Skip("takes long")
			}
			needDotnet(t)
			dir := writeProject(t, s.files)
			args := s.args
			if len(args) == 0 {
				args = []string{"."}
			}
			r := publishLayout(t, dir, args...)
			for _, want := range s.says {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, r.stderr)
				}
			}
			if got := wineRun(t, layoutOf(t, r.lines()[0]), nil); strings.TrimSpace(got) != s.prints {
				t.Errorf("the program printed %q, want %q", got, s.prints)
			}
		})
	}
}

// publishLayout publishes onto the sample base into a layout of the test's own.
// One line comes out, and the program's own check of the image finds no fault.
func publishLayout(t testing.TB, dir string, args ...string) result {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	r := ok(t, dir, nil, append([]string{"publish", "--base", ociBase(t), "--oci-layout", out}, args...)...)
	if len(r.lines()) != 1 || layoutOf(t, r.lines()[0]) != out {
		t.Fatalf("stdout is not the one layout %s: %q", out, r.stdout)
	}
	if left := leftovers(t, r.temp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if seen := ok(t, dir, nil, "inspect", "oci:"+out); !lintOK.MatchString(seen.stdout) {
		t.Errorf("Windows would not take the image: %s", seen)
	}
	return r
}

var lintOK = regexp.MustCompile(`(?m)^lint +ok$`)

// TestPublishFolder publishes what dotnet made before: the same files, without
// the project.
func TestPublishFolder(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	needWine(t)
	dir := writeProject(t, console("", ""))
	out := filepath.Join(t.TempDir(), "published")
	dotnetPublish(t, dir, "-o", out)
	layout := layoutOf(t, publishLayout(t, dir, out).lines()[0])
	if got := wineRun(t, layout, nil); strings.TrimSpace(got) != "runs on .NET 10" {
		t.Errorf("the program printed %q", got)
	}
}

// dotnetPublish runs dotnet itself, for comparison.
func dotnetPublish(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need.Dotnet(t), append([]string{"publish", "-c", "Release", "-r", "win-x64", "--self-contained", "--disable-build-servers"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnvironment(t), "MSBUILDDISABLENODEREUSE=1")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dotnet publish: %v\n%s", err, b)
	}
}
