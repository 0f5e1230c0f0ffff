package main_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// refusal is an input that cannot become an image.
type refusal struct {
	files  string
	args   []string // PROJECT and flags; "." when empty
	code   int
	says   []string // what stderr must say
	builds bool     // dotnet has to work before it is known
}

const quick = 1500 * time.Millisecond // how long a refusal without a build may take

var refusals = map[string]refusal{
	"library": {
		files: strings.Replace(console("", ""), "<OutputType>Exe</OutputType>", "", 1), code: 2, says: []string{"library", "OutputType"},
	},
	"not publishable":    {files: console("<IsPublishable>false</IsPublishable>", ""), code: 2, says: []string{"IsPublishable"}},
	"native code":        {files: console("<PublishAot>true</PublishAot>", ""), code: 2, says: []string{"PublishAot=false"}},
	"several frameworks": {files: strings.Replace(console("", ""), "<TargetFramework>net10.0</TargetFramework>", "<TargetFrameworks>net8.0;net10.0</TargetFrameworks>", 1), code: 2, says: []string{"-f", "net8.0", "net10.0"}},
	".NET Framework":     {files: strings.Replace(console("", ""), "net10.0", "net48", 1), code: 2, says: []string{".NET Framework"}},
	"another system":     {files: console("", ""), args: []string{".", "-r", "linux-x64"}, code: 2, says: []string{"linux-x64", "win-x64"}},
	"solution": {
		files: console("", "") + `
-- All.slnx --
<Solution><Project Path="app.csproj" /><Project Path="lib/lib.csproj" /></Solution>
-- lib/lib.csproj --
<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>
`, args: []string{"All.slnx"}, code: 2, says: []string{"nanobuild publish", "app.csproj"},
	},
	"no project":       {files: "-- readme.txt --\nnothing\n", code: 2, says: []string{"."}},
	"several projects": {files: console("", "") + "-- other.csproj --\n<Project Sdk=\"Microsoft.NET.Sdk\" />\n", code: 2, says: []string{"app.csproj", "other.csproj"}},
	"not there":        {files: console("", ""), args: []string{"src/missing.csproj"}, code: 2, says: []string{"missing.csproj"}},
	"two programs": {
		files: "-- A.exe --\nMZ\n-- A.runtimeconfig.json --\n{}\n-- B.exe --\nMZ\n-- B.runtimeconfig.json --\n{}\n",
		code:  2, says: []string{"A.exe", "B.exe", "--entrypoint"},
	},
	"missing SDK": {
		files: console("", "") + "-- global.json --\n{ \"sdk\": { \"version\": \"9.0.999\", \"rollForward\": \"disable\" } }\n",
		code:  3, says: []string{"9.0.999", "global.json"},
	},
	"no dotnet": {files: console("", ""), args: []string{".", "--dotnet", "/nowhere/dotnet"}, code: 3, says: []string{"/nowhere/dotnet"}},
	"broken code": {
		files: strings.Replace(console("", ""), `"runs on .NET "`, `nothing`, 1), code: 3,
		says: []string{"Program.cs", "CS0103"}, builds: true,
	},
	"unknown package": {
		files: console("", `<ItemGroup><PackageReference Include="Newtonsoft.Json" Version="99.0.0" /></ItemGroup>`) + `
-- NuGet.config --
<configuration><packageSources><clear /><add key="empty" value="empty" /></packageSources></configuration>
-- empty/readme.txt --
no packages
`, code: 3,
		says: []string{"NU1101", "Newtonsoft.Json"}, builds: true,
	},
	"a tool that is missing": {
		files: console("", `<Target Name="Tool" BeforeTargets="CoreCompile"><Exec Command="no-such-tool-here" /></Target>`), code: 3,
		says: []string{"MSB3073", "no-such-tool-here"}, builds: true,
	},
	"a desktop project": {
		files: strings.Replace(console("<UseWindowsForms>true</UseWindowsForms>", ""), "net10.0", "net10.0-windows", 1), code: 3,
		says: []string{"EnableWindowsTargeting=true"}, builds: true,
	},
	"the same file twice": {
		files: console("", `
  <ItemGroup>
    <None Include="a/data.txt" Link="data.txt" CopyToPublishDirectory="Always" />
    <None Include="b/data.txt" Link="data.txt" CopyToPublishDirectory="Always" />
  </ItemGroup>`) + "-- a/data.txt --\na\n-- b/data.txt --\nb\n", code: 3,
		says: []string{"NETSDK1152", "ErrorOnDuplicatePublishOutputFiles"}, builds: true,
	},
}

// TestRefusals gives each of them to the program: the exit code, the words, and
// nothing written into the project when nothing had to be built.
func TestRefusals(t *testing.T) {
	t.Parallel()
	need.Dotnet(t)
	for name, tt := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needDotnet(t)
			dir := writeProject(t, tt.files)
			args := tt.args
			if len(args) == 0 {
				args = []string{"."}
			}
			out := filepath.Join(t.TempDir(), "image")
			before := tree(t, dir)
			r := run(t, dir, nil, append([]string{"publish", "--base", ociBase(t), "--oci-layout", out}, args...)...)
			if r.code != tt.code {
				t.Fatalf("exit code %d, want %d: %s", r.code, tt.code, r)
			}
			for _, want := range tt.says {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, r.stderr)
				}
			}
			if r.stdout != "" {
				t.Errorf("stdout: %q", r.stdout)
			}
			if left := leftovers(t, r.temp); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if tt.builds {
				return
			}
			if after := tree(t, dir); !slices.Equal(before, after) {
				t.Errorf("the project's folder had %q, has %q", before, after)
			}
			if r.took > quick {
				t.Logf("slow: refused after %.1f s", r.took.Seconds())
			}
		})
	}
}
