package dotnet

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRefusalsWithoutDotnet has what is seen without running dotnet: the program
// named here does not exist.
func TestRefusalsWithoutDotnet(t *testing.T) {
	t.Parallel()
	const web = `<Project Sdk="Microsoft.NET.Sdk.Web"/>`
	for _, test := range []struct {
		name    string
		files   map[string]string
		project string
		change  func(*Request)
		words   []string
	}{
		{
			name: "solution in XML", project: "Shop.slnx",
			files: map[string]string{
				"Shop.slnx":           `<Solution><Folder Name="/a/"><Project Path="Web\Shop.Web.csproj"/></Folder><Project Path="Lib/Lib.csproj"/><Project Path="My Tool/Tool.vbproj"/></Solution>`,
				"Web/Shop.Web.csproj": web, "Lib/Lib.csproj": `<Project Sdk="Microsoft.NET.Sdk"/>`, "My Tool/Tool.vbproj": console("", ""),
			},
			words: []string{"Shop.slnx is a solution", `nanobuild publish Web/Shop.Web.csproj "My Tool/Tool.vbproj"`},
		},
		{
			name: "solution in the old format", project: "Shop.sln",
			files: map[string]string{
				"Shop.sln": "\uFEFF\r\nMicrosoft Visual Studio Solution File, Format Version 12.00\r\n" +
					"Project(\"{2150E333-8FDC-42A3-9474-1A3956D46DE8}\") = \"src\", \"src\", \"{1}\"\r\nEndProject\r\n" +
					"Project(\"{9A19103F-16F7-4668-BE54-9A1E7A4F7556}\") = \"Web\", \"src\\Web\\Web.csproj\", \"{2}\"\r\nEndProject\r\n" +
					"Project(\"{9A19103F-16F7-4668-BE54-9A1E7A4F7556}\") = \"Tests\", \"src\\Tests\\Tests.csproj\", \"{3}\"\r\nEndProject\r\n",
				"src/Web/Web.csproj":     web,
				"src/Tests/Tests.csproj": console("", `<ItemGroup><PackageReference Include="Microsoft.NET.Test.Sdk" Version="1.0.0"/></ItemGroup>`),
			},
			words: []string{"Shop.sln is a solution", "\n  nanobuild publish src/Web/Web.csproj"},
		},
		{
			name: "solution filter", project: "f/Web.slnf",
			files: map[string]string{
				"f/Web.slnf":         `{"solution":{"path":"..\\Shop.sln","projects":["src\\Web\\Web.csproj"]}}`,
				"src/Web/Web.csproj": web,
			},
			words: []string{"Web.slnf is a solution", "\n  nanobuild publish src/Web/Web.csproj"},
		},
		{
			name: "folder with a solution only", files: map[string]string{"Shop.slnx": `<Solution><Project Path="Web/Web.csproj"/></Solution>`, "Web/Web.csproj": web},
			words: []string{"Shop.slnx is a solution", "nanobuild publish Web/Web.csproj"},
		},
		{
			name: "folder with two projects", files: map[string]string{"A.csproj": web, "B.fsproj": web},
			words: []string{"2 projects (A.csproj, B.fsproj)", "nanobuild publish A.csproj B.fsproj"},
		},
		{
			name: "folder with projects below it", files: map[string]string{"src/A/A.csproj": web, "src/obj/X.csproj": web, "readme.md": ""},
			words: []string{"holds no project", "nanobuild publish src/A/A.csproj"},
		},
		{name: "folder without anything", words: []string{"neither a project nor a Windows program", "--entrypoint"}},
		{
			name: "folder with a source file", files: map[string]string{"app.cs": consoleSource},
			words: []string{"no project", "nanobuild publish app.cs"},
		},
		{
			name: "folder published for Linux", files: map[string]string{"app": "\x7fELF", "app.dll": "MZ", "app.runtimeconfig.json": "{}"},
			words: []string{"app.runtimeconfig.json", "no Windows program", "-r win-x64"},
		},
		{
			name: "folder with two programs",
			files: map[string]string{
				"A.exe": "MZ", "A.runtimeconfig.json": "{}", "B.exe": "MZ", "B.runtimeconfig.json": "{}", "createdump.exe": "MZ",
			},
			words: []string{"2 programs (A.exe, B.exe)", "--entrypoint C:/app/A.exe"},
		},
		{
			name: "folder with two programs that say nothing", files: map[string]string{"A.exe": "MZ", "B.exe": "MZ"},
			words: []string{"2 programs (A.exe, B.exe)", "--entrypoint C:/app/A.exe"},
		},
		{name: "nothing there", project: "gone.csproj", words: []string{"there is no gone.csproj"}},
		{name: "another file", project: "x.txt", files: map[string]string{"x.txt": ""}, words: []string{"x.txt is no project"}},
		{name: "a C++ project", project: "x.vcxproj", files: map[string]string{"x.vcxproj": ""}, words: []string{"x.vcxproj is no C#, VB or F# project"}},
		{
			name: "runtime identifier", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.RuntimeIdentifier = "linux-x64" },
			words:  []string{"linux-x64 is not supported", "win-x64"},
		},
		{
			name: "runtime identifier as a property", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Properties = []string{"runtimeidentifier=win-arm64"} },
			words:  []string{"win-arm64 is not supported", "win-x64"},
		},
		{
			name: "self-contained or not", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Properties, r.SelfContained = []string{"SelfContained=false"}, new(true) },
			words:  []string{"SelfContained=false", "--self-contained=true", "contradict"},
		},
		{
			name: "neither self-contained nor not", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Properties = []string{"selfcontained=no"} },
			words:  []string{"SelfContained=no", "true or false"},
		},
		{
			name: "self-contained behind the dashes", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Extra = []string{"--no-self-contained"} },
			words:  []string{"--no-self-contained", "--self-contained before the --"},
		},
		{
			name: "no property", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Properties = []string{"Version"} },
			words:  []string{`-p "Version"`, "-p NAME=VALUE"},
		},
		{
			name: "two frameworks", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Framework, r.Properties = "net8.0", []string{"TargetFramework=net10.0"} },
			words:  []string{"-f net8.0", "TargetFramework=net10.0", "contradict"},
		},
		{
			name: "two configurations", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Configuration, r.Properties = "Debug", []string{"Configuration=Release"} },
			words:  []string{"-c Debug", "Configuration=Release", "contradict"},
		},
		{
			name: "another output folder", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Extra = []string{"-bl", "--output=out"} },
			words:  []string{"--output=out", "--oci-layout"},
		},
		{
			name: "another target", files: map[string]string{"A.csproj": web},
			change: func(r *Request) { r.Extra = []string{"-T:PublishContainer"} },
			words:  []string{"-T:PublishContainer"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, test.files)
			req := Request{
				Project: filepath.Join(dir, filepath.FromSlash(test.project)), WorkDir: dir,
				Dotnet: filepath.Join(dir, "no-such-dotnet"), TempDir: t.TempDir(),
			}
			if test.change != nil {
				test.change(&req)
			}
			start := time.Now()
			refused(t, req, test.words...)
			if took := time.Since(start); took > 1500*time.Millisecond {
				t.Errorf("the refusal took %v", took)
			}
		})
	}
}

// TestRefusalsByDotnet has what only the evaluated project tells: refused
// quickly, with nothing written into the project.
func TestRefusalsByDotnet(t *testing.T) {
	library := `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>`
	for _, test := range []struct {
		name    string
		project string // text of app.csproj
		source  string // text of app.cs, which is then what is published
		change  func(*Request)
		words   []string
	}{
		{name: "library", project: library, words: []string{"app.csproj is a library (its OutputType is Library)", "<OutputType>Exe</OutputType>"}},
		{name: "not publishable", project: console("<IsPublishable>false</IsPublishable>", ""), words: []string{"IsPublishable is false", "-p IsPublishable=true"}},
		{name: "native", project: console("<PublishAot>True</PublishAot>", ""), words: []string{"PublishAot", "-p PublishAot=false"}},
		{
			name:    "several target frameworks",
			project: strings.Replace(console("", ""), "<TargetFramework>net10.0</TargetFramework>", "<TargetFrameworks>net8.0;net10.0</TargetFrameworks>", 1),
			words:   []string{"net8.0, net10.0", "-f net10.0"},
		},
		{name: ".NET Framework", project: strings.Replace(console("", ""), "net10.0", "net48", 1), words: []string{".NET Framework project", "4.8"}},
		{
			name: ".NET Framework in the old format",
			project: `<Project ToolsVersion="15.0" xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
				<Import Project="$(MSBuildExtensionsPath)\$(MSBuildToolsVersion)\Microsoft.Common.props" Condition="Exists('$(MSBuildExtensionsPath)\$(MSBuildToolsVersion)\Microsoft.Common.props')" />
				<PropertyGroup><OutputType>Exe</OutputType><TargetFrameworkVersion>v4.7.2</TargetFrameworkVersion><OutputPath>bin\</OutputPath></PropertyGroup>
				<Import Project="$(MSBuildToolsPath)\Microsoft.CSharp.targets" /></Project>`,
			words: []string{".NET Framework project", "4.7.2"},
		},
		{name: "file-based app that asks for native code", source: "#:property PublishAot=true\n" + consoleSource, words: []string{"app.cs asks for native compilation"}},
		{
			name: "native by the user's property", project: console("", ""),
			change: func(r *Request) { r.Properties = []string{"PublishAot=true"} },
			words:  []string{"-p PublishAot=false"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, name := map[string]string{"app.csproj": test.project, "p.cs": consoleSource}, "app.csproj"
			if test.source != "" {
				files, name = map[string]string{"app.cs": test.source}, "app.cs"
			}
			dir := write(t, files)
			req := request(t, filepath.Join(dir, name))
			if test.change != nil {
				test.change(&req)
			}
			start := time.Now()
			refused(t, req, test.words...)
			t.Logf("%v", time.Since(start).Round(time.Millisecond))
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != len(files) {
				t.Errorf("the project holds %v; want %v", entries, slices.Sorted(maps.Keys(files)))
			}
		})
	}
}

func TestDotnetIsMissing(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"app.csproj": console("", "")})
	req := Request{Project: dir, WorkDir: dir, TempDir: t.TempDir(), Env: []string{"PATH=" + t.TempDir()}}
	failed(t, req, "dotnet publish app.csproj: dotnet is not on PATH", "install the .NET SDK", "--dotnet PATH")
	req.Dotnet = "./gone/dotnet"
	failed(t, req, "./gone/dotnet")
}
