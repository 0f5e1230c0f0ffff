package dotnet

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// emptyFeed is a NuGet.config without any feed that could hold a package.
const emptyFeed = `<configuration><packageSources><clear/><add key="local" value="feed"/></packageSources></configuration>`

func TestFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		files  map[string]string
		change func(t *testing.T, dir string, r *Request)
		code   string // of the first diagnostic
		words  []string
	}{
		{
			name:  "broken code",
			files: map[string]string{"src/app.csproj": console("", ""), "src/p.cs": "\nint x = \"text\";\n"},
			change: func(t *testing.T, dir string, r *Request) {
				r.Project, r.WorkDir = filepath.Join(dir, "src"), dir
			},
			code:  "CS0029",
			words: []string{"dotnet publish src/app.csproj: exit code 1", "src/p.cs(2,9): error CS0029: "},
		},
		{
			name: "unknown package",
			files: map[string]string{"app.csproj": console("", `<ItemGroup><PackageReference Include="No.Such.Package.Anywhere" Version="1.0.0"/></ItemGroup>`),
				"NuGet.config": emptyFeed, "feed/readme.txt": ""},
			code:  "NU1101",
			words: []string{"No.Such.Package.Anywhere", "feeds in NuGet.config"},
		},
		{
			name:  "lock file without win-x64",
			files: map[string]string{"app.csproj": console("", ""), "packages.lock.json": `{"version":1,"dependencies":{"net10.0":{}}}`},
			change: func(t *testing.T, _ string, r *Request) {
				r.Locked = true
			},
			code:  "NU1004",
			words: []string{"<RuntimeIdentifiers>win-x64</RuntimeIdentifiers>"},
		},
		{
			name:  "missing SDK",
			files: map[string]string{"app.csproj": console("", ""), "global.json": `{"sdk":{"version":"9.0.999"}}`},
			words: []string{"the SDK 9.0.999 that global.json asks for is not installed (there is ", "rollForward"},
		},
		{
			name:  "missing program of a build step",
			files: map[string]string{"app.csproj": console("", `<Target Name="Step" BeforeTargets="Build"><Exec Command="no-such-program-anywhere run"/></Target>`), "p.cs": consoleSource},
			code:  "MSB3073",
			words: []string{"no-such-program-anywhere", "install it"},
		},
		{
			name:  "no app host",
			files: map[string]string{"app.csproj": console("<UseAppHost>false</UseAppHost>", ""), "p.cs": consoleSource},
			code:  "NETSDK1067",
			words: []string{"-p UseAppHost=true"},
		},
		{
			name:  "unknown argument",
			files: map[string]string{"app.csproj": console("", ""), "p.cs": consoleSource},
			change: func(_ *testing.T, _ string, r *Request) {
				r.Extra = []string{"--locked-mode"}
			},
			code:  "MSB1001",
			words: []string{"--locked-mode", "arguments behind --"},
		},
		{
			name:  "target framework of the future",
			files: map[string]string{"app.csproj": console("", ""), "p.cs": consoleSource},
			change: func(_ *testing.T, _ string, r *Request) {
				r.Framework = "net42.0"
			},
			code:  "NETSDK1045",
			words: []string{"newer .NET SDK"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, test.files)
			req := request(t, dir)
			req.WorkDir = dir
			if test.change != nil {
				test.change(t, dir, &req)
			}
			var reported []string
			req.Diagnostics = func(d Diagnostic) { reported = append(reported, d.String()) }
			failure := failed(t, req)
			mention(t, fmt.Errorf("%s\n%w", strings.Join(reported, "\n"), failure), test.words...)
			if failure.ExitCode <= 0 {
				t.Errorf("exit code %d", failure.ExitCode)
			}
			if test.code == "" {
				return
			}
			if len(failure.Diagnostics) == 0 || failure.Diagnostics[0].Code != test.code {
				t.Errorf("diagnostics %v; want %s first", failure.Diagnostics, test.code)
			}
			if len(reported) == 0 {
				t.Error("no diagnostic was reported while it ran")
			}
		})
	}
}

func TestDanglingLink(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: leave -short away") // dotnet tries it ten times in ten seconds
	}
	dir := write(t, map[string]string{"app.csproj": console("", `<ItemGroup><Content Include="data.txt" CopyToPublishDirectory="Always"/></ItemGroup>`), "p.cs": consoleSource})
	if err := os.Symlink(filepath.Join(dir, "gone.txt"), filepath.Join(dir, "data.txt")); err != nil {
		if runtime.GOOS != "windows" {
			t.Fatal(err)
		}
		t.Skip("this user may not make symbolic links: ", err)
	}
	failed(t, request(t, dir), "MSB3", "symbolic link")
}
