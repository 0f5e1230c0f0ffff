//go:build linux

package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// app is a project that the comparison publishes.
type app struct {
	name    string // of its repository, and of the folder of its copy
	files   string // its text; "" for a folder of testdata
	project string // the project file
	source  string // the file in which a line changes
	program string // the assembly's name
}

var (
	helloApp  = app{name: "hello", project: "hello.csproj", source: "Program.cs", program: "hello"}
	webapiApp = app{name: "webapi", project: "webapi.csproj", source: "Program.cs", program: "webapi"}
	shopApp   = app{name: "shop", project: "Shop.Web/Shop.Web.csproj", program: "Shop.Web"}
	secondApp = app{name: "second", files: secondProject, project: "second.csproj", program: "second"}
	thirdApp  = app{name: "third", files: strings.ReplaceAll(secondProject, "second", "third"), project: "third.csproj", program: "third"}
)

// secondProject is a web application without packages, with an asset.
const secondProject = `
-- second.csproj --
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
</Project>
-- wwwroot/index.html --
<p>The second application.</p>
-- Program.cs --
var app = WebApplication.CreateBuilder(args).Build();
app.UseStaticFiles();
app.MapGet("/health", () => "ok");
app.Run();
`

// site is where one tool works: a home, a cache and copies of the projects that
// no other tool touches.
type site struct {
	dir string
}

func (s site) home() string  { return filepath.Join(s.dir, "home") }
func (s site) cache() string { return filepath.Join(s.dir, "cache") }
func (s site) temp() string  { return filepath.Join(s.dir, "temp") }
func (s site) project(a app) string {
	return filepath.Join(s.dir, a.name, filepath.FromSlash(a.project))
}

// published is the folder of a plain publish.
func (s site) published(a app) string {
	return filepath.Join(filepath.Dir(s.project(a)), "bin", "Release", "net10.0", "win-x64", "publish")
}

// env is what makes a run a run of this site.
func (s site) env() []string {
	return append([]string{
		"HOME=" + s.home(), "DOTNET_CLI_HOME=" + s.home(), "NANOBUILD_CACHE=" + s.cache(),
		"TMPDIR=" + s.temp(), "TMP=" + s.temp(), "TEMP=" + s.temp(), "GOMAXPROCS=2",
	}, sdkEnvironment...)
}

// newSite copies the projects into a place of their own.
func newSite(t testing.TB, root, tool string, apps ...app) site {
	t.Helper()
	s := site{filepath.Join(root, tool)}
	for _, dir := range []string{s.home(), s.temp()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range apps {
		if a.files != "" {
			writeFiles(t, filepath.Join(s.dir, a.name), a.files)
		} else {
			copyTree(t, filepath.Join(moduleRoot(t), "testdata", a.name), filepath.Join(s.dir, a.name))
		}
		if a.source != "" {
			s.changeLine(t, a, 0)
		}
	}
	return s
}

const changedLine = "// This line is not the same in any two builds.\nConsole.WriteLine("

// changeLine changes one line of the application's source, its last.
func (s site) changeLine(t testing.TB, a app, n int64) {
	t.Helper()
	file := filepath.Join(filepath.Dir(s.project(a)), a.source)
	source, _, _ := strings.Cut(readFile(t, file), changedLine)
	writeFile(t, file, fmt.Sprintf("%s%s\"build %d\");\n", source, changedLine, n))
}

// forget makes the site's machine a fresh one: no records of nanobuild's, no
// blobs that the SDK stored.
func (s site) forget(t testing.TB) {
	t.Helper()
	for _, dir := range []string{
		s.cache(), filepath.Join(s.home(), ".cache", "nanobuild"),
		filepath.Join(s.home(), ".cache", "dotnet", "Containers"),
	} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// folderSize is the size of the files below dir; there is whether dir exists.
func folderSize(t testing.TB, dir string) (bytes int64, there bool) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		return 0, false
	}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes, true
}
