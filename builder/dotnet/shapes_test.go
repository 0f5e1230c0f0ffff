package dotnet

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers"
)

func TestPublishShapes(t *testing.T) {
	const vb = "Module Program\n  Sub Main()\n    System.Console.WriteLine(\"hi\")\n  End Sub\nEnd Module\n"
	for _, test := range []struct {
		name    string
		files   map[string]string
		project string // below the folder
		change  func(*Request)
		app     string
		check   func(*testing.T, *Result)
	}{
		{
			name: "net8.0 alone in the list of target frameworks",
			files: map[string]string{"old.csproj": strings.Replace(console("", ""),
				"<TargetFramework>net10.0</TargetFramework>", "<TargetFrameworks>net8.0;</TargetFrameworks>", 1), "p.cs": consoleSource},
			app: "old",
			check: func(t *testing.T, r *Result) {
				if r.Runtime.TFM != "net8.0" || !strings.HasPrefix(r.Runtime.Frameworks[0].Version, "8.") {
					t.Errorf("runtime %+v", r.Runtime)
				}
				if n := count(r); n[layers.Runtime] != 182 {
					t.Errorf("files by origin %v", n)
				}
			},
		},
		{
			name: "several target frameworks with -f",
			files: map[string]string{"multi.csproj": strings.Replace(console("", ""),
				"<TargetFramework>net10.0</TargetFramework>", "<TargetFrameworks>net8.0;net10.0</TargetFrameworks>", 1), "p.cs": consoleSource},
			change: func(r *Request) { r.Framework = "net10.0" },
			app:    "multi",
			check: func(t *testing.T, r *Result) {
				if r.Runtime.TFM != "net10.0" {
					t.Errorf("runtime %+v", r.Runtime)
				}
			},
		},
		{
			name:  "Visual Basic",
			files: map[string]string{"basic.vbproj": console("", ""), "p.vb": vb},
			app:   "basic",
		},
		{
			name:    "file-based app",
			files:   map[string]string{"tool.cs": "#:property Version=2.1.0\n" + consoleSource},
			project: "tool.cs",
			app:     "tool",
			check: func(t *testing.T, r *Result) {
				if !slices.ContainsFunc(r.Notices, func(s string) bool { return strings.Contains(s, "-p PublishAot=false") }) {
					t.Errorf("notices %q", r.Notices)
				}
				if r.Properties["Version"] != "2.1.0" || r.Runtime.TFM != "net10.0" {
					t.Errorf("version %q, runtime %+v", r.Properties["Version"], r.Runtime)
				}
			},
		},
		{
			name: "worker",
			files: map[string]string{
				"worker.csproj": `<Project Sdk="Microsoft.NET.Sdk.Worker"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
					<ItemGroup><PackageReference Include="Microsoft.Extensions.Hosting" Version="10.0.14" /></ItemGroup></Project>`,
				"p.cs": "Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(args).Build();\n",
			},
			app: "worker",
			check: func(t *testing.T, r *Result) {
				if n := count(r); n[layers.Runtime] != 187 || n[layers.Packages] < 20 || n[layers.Aspnet] != 0 {
					t.Errorf("files by origin %v", n)
				}
			},
		},
		{
			name: "names with spaces and letters of other alphabets and files added late",
			files: map[string]string{
				"mein Schöner Kram/日本 #1,b=c/My App.csproj": console("<AssemblyName>Kräuter Tee</AssemblyName>",
					`<ItemGroup><None Include="..\legal\*.txt" Link="legal\%(Filename).txt" CopyToPublishDirectory="Always" /></ItemGroup>
					<Target Name="Extra" AfterTargets="Publish"><WriteLinesToFile File="$(PublishDir)/data/extra file.txt" Lines="x" /></Target>`),
				"mein Schöner Kram/日本 #1,b=c/p.cs":           consoleSource,
				"mein Schöner Kram/legal/licence of ünï.txt": "free\n",
			},
			project: "mein Schöner Kram/日本 #1,b=c",
			change:  func(r *Request) { r.TempDir = filepath.Join(r.TempDir, "tmp ü=%20#") },
			app:     "Kräuter Tee",
			check: func(t *testing.T, r *Result) {
				for _, file := range []string{"data/extra file.txt", "legal/licence of ünï.txt"} {
					if r.Origins[file] != layers.App {
						t.Errorf("%s is of origin %q", file, r.Origins[file])
					}
				}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, test.files)
			req := request(t, filepath.Join(dir, filepath.FromSlash(test.project)))
			if test.change != nil {
				test.change(&req)
				if err := os.MkdirAll(req.TempDir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			result := publish(t, req)
			if result.Name != test.app || result.EntryPoint != test.app+".exe" {
				t.Errorf("name %q, entry point %q", result.Name, result.EntryPoint)
			}
			if !result.Runtime.SelfContained {
				t.Errorf("runtime %+v", result.Runtime)
			}
			if test.check != nil {
				test.check(t, result)
			}
		})
	}
}

// TestPublishSlowShapes has the publishes that take 10 to 30 seconds each.
func TestPublishSlowShapes(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: leave -short away")
	}
	for _, test := range []struct {
		property string
		check    func(*testing.T, *Result)
	}{
		{"PublishSingleFile", func(t *testing.T, r *Result) {
			if !r.Runtime.SingleFile || len(r.Origins) != 2 || r.Runtime.Frameworks[0].Name != "Microsoft.NETCore.App" {
				t.Errorf("runtime %+v, files %v", r.Runtime, r.Origins)
			}
			samePublishFolder(t, &Result{Dir: r.Dir, Name: r.Name, EntryPoint: r.EntryPoint,
				Origins: map[string]layers.Origin{"app.exe": layers.App, "app.pdb": layers.App}, Runtime: r.Runtime})
		}},
		{"PublishTrimmed", func(t *testing.T, r *Result) {
			if n := count(r); n[layers.Runtime] < 10 || n[layers.Runtime] > 100 {
				t.Errorf("files by origin %v", n)
			}
		}},
		{"PublishReadyToRun", func(t *testing.T, r *Result) {
			if n := count(r); n[layers.Runtime] != 187 || n[layers.Packages] != 1 {
				t.Errorf("files by origin %v", n)
			}
		}},
	} {
		t.Run(test.property, func(t *testing.T) {
			packages := ""
			if test.property == "PublishReadyToRun" {
				packages = `<ItemGroup><PackageReference Include="Newtonsoft.Json" Version="13.0.4" /></ItemGroup>`
			}
			dir := write(t, map[string]string{
				"app.csproj": console("<"+test.property+">true</"+test.property+">", packages), "p.cs": consoleSource,
			})
			result := publish(t, request(t, dir))
			test.check(t, result)
			hinted := slices.ContainsFunc(result.Notices, func(s string) bool { return strings.Contains(s, "-p "+test.property+"=false") })
			if want := test.property != "PublishReadyToRun"; hinted != want {
				t.Errorf("notices %q", result.Notices)
			}
		})
	}
}

// TestPublishIsReproducible has the same source in folders of different depth,
// outside of git.
func TestPublishIsReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: leave -short away")
	}
	const source = `System.Console.WriteLine(Where());
static string Where([System.Runtime.CompilerServices.CallerFilePath] string file = "") => file;
`
	for _, test := range []struct {
		name, project string
		files         map[string]string
	}{
		{"project", "app/app.csproj", map[string]string{
			"app/app.csproj": console("", `<ItemGroup><ProjectReference Include="../lib/lib.csproj"/></ItemGroup>`), "app/p.cs": source,
			"lib/lib.csproj": `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>`,
			"lib/l.cs":       "public class Lib {}\n",
		}},
		{"file-based app", "app/app.cs", map[string]string{"app/app.cs": source}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var hashes []map[string][sha256.Size]byte
			for _, below := range []string{"a", "b/c d"} {
				files := map[string]string{}
				for name, text := range test.files {
					files[below+"/"+name] = text
				}
				result := publish(t, request(t, filepath.Join(write(t, files), below, test.project)))
				hashes = append(hashes, hashFiles(t, result))
			}
			if diff := cmp.Diff(hashes[0], hashes[1]); diff != "" {
				t.Errorf("the files differ:\n%s", diff)
			}
		})
	}
}

// hashFiles hashes the app's own files and those of its references.
func hashFiles(t *testing.T, r *Result) map[string][sha256.Size]byte {
	t.Helper()
	hashes := map[string][sha256.Size]byte{}
	for name, origin := range r.Origins {
		if origin != layers.App && origin != layers.Project {
			continue
		}
		content, err := os.ReadFile(filepath.Join(r.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		hashes[name] = sha256.Sum256(content)
	}
	return hashes
}
