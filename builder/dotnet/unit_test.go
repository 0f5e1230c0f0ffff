package dotnet

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers"
)

// TestParseDiagnostic has lines as SDK 10.0.4 writes them.
func TestParseDiagnostic(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]*Diagnostic{
		"/src/app/Program.cs(5,9): error CS0029: Cannot convert 'string' to 'int' [/src/app/app.csproj]": {
			File: "/src/app/Program.cs", Line: 5, Column: 9, Severity: "error", Code: "CS0029", Message: "Cannot convert 'string' to 'int'", Project: "/src/app/app.csproj"},
		"/src/app/P.cs(5,9,5,12): warning CS0168: unused [/src/app/app.csproj::TargetFramework=net8.0]": {
			File: "/src/app/P.cs", Line: 5, Column: 9, Severity: "warning", Code: "CS0168", Message: "unused", Project: "/src/app/app.csproj"},
		"/src/app.csproj : error NU1102: Unable to find package X with version (>= 99.0.0)": {
			File: "/src/app.csproj", Severity: "error", Code: "NU1102", Message: "Unable to find package X with version (>= 99.0.0)"},
		"/src/app.csproj : error NU1102:   - Found 9 version(s) in local [ Nearest version: 13.0.4 ]": {
			File: "/src/app.csproj", Severity: "error", Code: "NU1102", Message: "- Found 9 version(s) in local [ Nearest version: 13.0.4 ]"},
		"/sdk/Publish.targets(63,5): error : Cross-OS native compilation is not supported. [/src/app.csproj]": {
			File: "/sdk/Publish.targets", Line: 63, Column: 5, Severity: "error", Message: "Cross-OS native compilation is not supported.", Project: "/src/app.csproj"},
		": warning MSB5021: Terminating the task executable \"csc\"": {
			Severity: "warning", Code: "MSB5021", Message: "Terminating the task executable \"csc\""},
		"MSBUILD : error MSB1006: Property is not valid.": {
			File: "MSBUILD", Severity: "error", Code: "MSB1006", Message: "Property is not valid."},
		"CSC : error CS5001: no Main [/src/app.csproj]": {
			File: "CSC", Severity: "error", Code: "CS5001", Message: "no Main", Project: "/src/app.csproj"},
		"/src/P.cs(7): Trim analysis warning IL2026: Main uses reflection [/src/app.csproj]": {
			File: "/src/P.cs", Line: 7, Severity: "warning", Code: "IL2026", Message: "Trim analysis: Main uses reflection", Project: "/src/app.csproj"},
		`C:\src\P.cs(1,2): error CS1002: ; expected [C:\src\app.csproj]`: {
			File: `C:\src\P.cs`, Line: 1, Column: 2, Severity: "error", Code: "CS1002", Message: "; expected", Project: `C:\src\app.csproj`},
		"/src/app.cs(2,1): error CS0103: The name 'x' does not exist": {
			File: "/src/app.cs", Line: 2, Column: 1, Severity: "error", Code: "CS0103", Message: "The name 'x' does not exist"},
		"  Determining projects to restore...": nil,
		"app -> /src/bin/app.dll":              nil,
		"added 12 packages in 3s":              nil,
		"":                                     nil,
	} {
		got, ok := parseDiagnostic(line)
		if ok != (want != nil) {
			t.Errorf("parseDiagnostic(%q) = %+v, %v", line, got, ok)
			continue
		}
		if ok {
			if diff := cmp.Diff(*want, got); diff != "" {
				t.Errorf("parseDiagnostic(%q) (-want +got):\n%s", line, diff)
			}
		}
	}
}

func TestDiagnosticWords(t *testing.T) {
	t.Parallel()
	project := filepath.Join(string(filepath.Separator), "src", "app", "app.csproj")
	for _, test := range []struct {
		d            Diagnostic
		text, github string
	}{
		{
			Diagnostic{File: filepath.Join(filepath.Dir(project), "P.cs"), Line: 5, Column: 9, Severity: "error", Code: "CS0029", Message: "50% off\r\nnext", Project: project},
			filepath.Join("app", "P.cs") + "(5,9): error CS0029: 50% off\r\nnext", "::error file=app/P.cs,line=5,col=9,title=CS0029::50%25 off%0D%0Anext",
		},
		{
			Diagnostic{File: "a,b:c.cs", Line: 3, Severity: "warning", Message: "m", Project: "other.csproj"},
			"a,b:c.cs(3): warning: m [other.csproj]", "::warning file=a%2Cb%3Ac.cs,line=3::m",
		},
		{Diagnostic{File: "MSBUILD", Severity: "error", Code: "MSB1006", Message: "m"}, "MSBUILD: error MSB1006: m", "::error title=MSB1006::m"},
		{Diagnostic{Severity: "error", Message: "m"}, "error: m", "::error::m"},
		{
			Diagnostic{File: "/sdk/X.targets", Line: 1, Column: 2, Severity: "error", Code: "NETSDK1067", Message: "m", Project: project},
			filepath.Join("app", "app.csproj") + ": error NETSDK1067: m", "::error file=app/app.csproj,title=NETSDK1067::m",
		},
	} {
		d := test.d.locate(filepath.Dir(filepath.Dir(project)), project)
		if d.String() != test.text {
			t.Errorf("String() = %q, want %q", d.String(), test.text)
		}
		if d.GitHub() != test.github {
			t.Errorf("GitHub() = %q, want %q", d.GitHub(), test.github)
		}
	}
}

func TestOutputSortsLines(t *testing.T) {
	t.Parallel()
	var said []Diagnostic
	var other []string
	out := newOutput(Request{
		Diagnostics: func(d Diagnostic) { said = append(said, d) },
		Output:      func(line string) { other = append(other, line) },
	}, "/p.csproj")
	s := &stream{out: out}
	for _, part := range []string{"npm: bui", "lding\r\n\r\n/p.csproj : error NU1101: no", "thing\n/p.csproj : error NU1101: nothing\nNB : error NANOBUILD3: Library\nlast"} {
		if _, err := s.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	s.flush()
	if len(said) != 1 || said[0].Code != "NU1101" {
		t.Errorf("said %v", said)
	}
	if want := []string{"npm: building", "last"}; !cmp.Equal(other, want) {
		t.Errorf("other lines %q, want %q", other, want)
	}
	if len(out.errors) != 2 {
		t.Errorf("errors %v", out.errors)
	}
}

func TestErrorsAreNotSaidTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		errors   int
		reported bool
		lines    int
	}{{2, false, 3}, {2, true, 1}, {5, true, 1}, {6, true, 7}, {6, false, 7}} {
		f := &Failure{Action: "dotnet publish p.csproj", Reason: "exit code 1", Reported: test.reported, Remedy: "try again"}
		for range test.errors {
			f.Diagnostics = append(f.Diagnostics, Diagnostic{Severity: "error", Code: "CS0103", Message: "no x"})
		}
		text := strings.TrimSuffix(strings.TrimSuffix(f.Error(), "try again"), "\n")
		if got := strings.Count(text, "\n") + 1; got != test.lines || !strings.HasSuffix(f.Error(), "try again") {
			t.Errorf("%d errors, reported: %v: %d lines, want %d:\n%v", test.errors, test.reported, got, test.lines, f)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"1.0;latest":   "1.0%3Blatest",
		"a,b":          "a%2Cb",
		"1.0%3Blatest": "1.0%3Blatest",
		"100%":         "100%25",
		"50%zz":        "50%25zz",
		`say "hi"`:     "say %22hi%22",
		"":             "",
		"日本 = ü":       "日本 = ü",
	} {
		if got := escapeValue(value); got != want {
			t.Errorf("escapeValue(%q) = %q, want %q", value, got, want)
		}
	}
	if got, want := escapePath("/a%20b;c"), "/a%2520b%3Bc"; got != want {
		t.Errorf("escapePath = %q, want %q", got, want)
	}
	for _, bad := range []string{"", "Version", "=1", "1x=2", "a b=c", "a;b=c"} {
		if _, err := parseProperties([]string{bad}); err == nil {
			t.Errorf("parseProperties(%q) succeeds", bad)
		}
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "app")
	target := Target{Kind: ProjectFile, File: filepath.Join(dir, "app.csproj"), Dir: dir}
	p, err := newPlan(Request{
		Properties: []string{"Tags=a;b", "publishdir=/etc", "EnableSdkContainerSupport=true", "pathmap=x=y"},
		Extra:      []string{"-bl", "-p:WebPublishMethod=ZipDeploy"}, CI: true, NoRestore: true, Locked: true,
		Env: []string{"VERSION=9", "configuration=Odd", "Platform=x86", "PATH=/bin", "OUTDIR="},
	}, target)
	if err != nil {
		t.Fatal(err)
	}
	p.publishDir, p.result, p.targets = "/tmp/p%/", "/tmp/r.json", "/tmp/t.targets"
	args := p.args()
	line := strings.Join(args, " ")
	for _, want := range []string{
		"publish " + target.File + " -c Release -r win-x64 --self-contained -nologo -v:q -tl:off",
		" -p:Tags=a%3Bb", " --no-restore", " --disable-build-servers", " -p:RestoreLockedMode=true", " -p:pathmap=x=y", " -p:PublishDir=/tmp/p%25/",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%q does not contain %q", line, want)
		}
	}
	for _, not := range []string{"/etc", "EnableSdkContainerSupport=true", "PathMap=", "DeterministicSourcePaths"} {
		if strings.Contains(line, not) {
			t.Errorf("%q contains %q", line, not)
		}
	}
	if strings.LastIndex(line, "-p:WebPublishMethod=FileSystem") < strings.LastIndex(line, "ZipDeploy") {
		t.Errorf("%q: ours is not last", line)
	}
	notices := strings.Join(p.notices, "\n")
	for _, want := range []string{"-p publishdir is ignored", "-p EnableSdkContainerSupport is ignored", "VERSION=9", "Platform=x86"} {
		if !strings.Contains(notices, want) {
			t.Errorf("notices %q do not mention %q", notices, want)
		}
	}
	if len(p.notices) != 4 {
		t.Errorf("notices %q", p.notices)
	}
}

func TestPathMap(t *testing.T) {
	t.Parallel()
	if filepath.Separator != '/' {
		t.Skip("paths of Unix")
	}
	if got, want := pathMap("/a/b=c/d,e/Web"), "/a/b==c/d,,e/Web/=/_/,/a/b==c/d,,e/=/_1/,/a/b==c/=/_2/,/a/=/_3/"; got != want {
		t.Errorf("pathMap = %q, want %q", got, want)
	}
}

func TestRemedies(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"/s/x.targets(1,2): error NETSDK1100: To build a project targeting Windows on this operating system, set the EnableWindowsTargeting property to true. [/a.csproj]": "-p EnableWindowsTargeting=true",
		"/s/x.targets(1,2): error NETSDK1047: Assets file '/o/project.assets.json' doesn't have a target for 'net10.0/win-x64'. [/a.csproj]":                               "dotnet restore -r win-x64",
		"/s/x.targets(1,2): error NETSDK1067: Self-contained applications are required to use the application host. [/a.csproj]":                                           "-p UseAppHost=true",
		"/s/x.targets(1,2): error NETSDK1147: To build this project, the following workloads must be installed: wasm-tools [/a.csproj]":                                    "dotnet workload restore",
		"/s/x.targets(1,2): error NETSDK1150: The referenced project '../B/B.csproj' is a non self-contained executable. [/a.csproj]":                                      "library",
		"/s/x.targets(1,2): error NETSDK1151: The referenced project '../B/B.csproj' is a self-contained executable. [/a.csproj]":                                          "library",
		"/s/x.targets(1,2): error NETSDK1152: Found multiple publish output files with the same relative path: /a/x.json, /b/x.json. [/a.csproj]":                          "ErrorOnDuplicatePublishOutputFiles=false",
		"/s/x.targets(1,2): error NETSDK1045: The current .NET SDK does not support targeting .NET 11.0. [/a.csproj]":                                                      "newer .NET SDK",
		"/s/x.targets(1,2): error NETSDK1129: The 'Publish' target is not supported without specifying a target framework. [/a.csproj]":                                    "with -f",
		"/s/x.targets(1,2): error NETSDK1083: The specified RuntimeIdentifier 'win10-x64' is not recognized. [/a.csproj]":                                                  "win-x64",
		"/a.csproj(9,5): error MSB3073: The command \"xcopy a b\" exited with code 127.":                                                                                   "not on this machine",
		"/a.csproj : error NU1301: Response status code does not indicate success: 401 (Unauthorized).":                                                                    "VSS_NUGET_EXTERNAL_FEED_ENDPOINTS",
		"/a.csproj : error NU1301: Unable to load the service index for source https://feed.example.com/index.json.":                                                       "proxy",
		"/a.csproj : error NU1101: Unable to find package X.":                                                                                                              "dotnet nuget list source",
		"/a.csproj : error NU1101: Unable to find package Microsoft.AspNetCore.App.Runtime.linux-arm64.":                                                                   "-p RuntimeIdentifiers=win-x64",
		"/a.csproj : error NU1101: Unable to find package Microsoft.AspNetCore.App.Runtime.win-x64.":                                                                       "dotnet nuget list source",
		"/a.csproj : error NU1102: Unable to find package X with version (>= 9.0.0)":                                                                                       "dotnet nuget list source",
		"/a.csproj : error NU1004: The project's runtime identifiers have changed from.":                                                                                   "<RuntimeIdentifiers>win-x64</RuntimeIdentifiers>",
		"MSBUILD : error MSB1006: Property is not valid.":                                                                                                                  "use -t",
		"/s/x.targets(63,5): error : Cross-OS native compilation is not supported. [/a.csproj]":                                                                            "-p PublishAot=false",
		"A fatal error was encountered. The library 'libhostpolicy.so' required to execute the application was not found in '/a/obj'.":                                     "-p OpenApiGenerateDocumentsOnBuild=false",
		"/s/x.targets(1,2): error MSB3021: Unable to copy file \"/a/x\" to \"/p/x\". Could not find file '/a/x'. [/a.csproj]":                                              "symbolic link",
		"/s/x.targets(1,2): error MSB3021: Unable to copy file. No space left on device : '/p/x' [/a.csproj]":                                                              "free some space",
		"/s/x.targets(1,2): error : SourceRoot items must include at least one top-level (not nested) item when DeterministicSourcePaths is true [/a.csproj]":              "-p DeterministicSourcePaths=false",
		"/a/P.cs(1,1): error CS1002: ; expected [/a.csproj]":                                                                                                               "",
	} {
		out := newOutput(Request{}, "/a.csproj")
		out.line("/a/P.cs(9,9): error CS9999: something else [/a.csproj]")
		out.line(line)
		diagnostics, remedy := explain(out.errors, out.tail)
		if want == "" && remedy != "" || !strings.Contains(remedy, want) {
			t.Errorf("remedy of %q is %q, want %q", line, remedy, want)
		}
		if d, ok := parseDiagnostic(line); ok && want != "" && diagnostics[0].Code != d.Code {
			t.Errorf("%q is not the first of %v", line, diagnostics)
		}
	}
}

// TestClassify has one item of each shape that a build lists.
func TestClassify(t *testing.T) {
	t.Parallel()
	if filepath.Separator != '/' {
		t.Skip("paths of Unix")
	}
	e, err := parseResult([]byte(`{"Properties":{"NuGetPackageRoot":"/nuget","MSBuildProjectDirectory":"/s/Web"},"Items":{
		"ResolvedRuntimePack":[{"Identity":"x","NuGetPackageId":"Contoso.Runtime.Pack"}],
		"ResolvedFileToPublish":[
		{"Identity":"a","RelativePath":"coreclr.dll","NuGetPackageId":"Microsoft.NETCore.App.Runtime.win-x64"},
		{"Identity":"a","RelativePath":"aspnet.dll","NuGetPackageId":"microsoft.aspnetcore.app.runtime.win-x64"},
		{"Identity":"a","RelativePath":"wpf.dll","NuGetPackageId":"Microsoft.WindowsDesktop.App.Runtime.win-x64"},
		{"Identity":"a","RelativePath":"own.dll","NuGetPackageId":"contoso.runtime.pack"},
		{"Identity":"a","RelativePath":"package.dll","NuGetPackageId":"Dapper"},
		{"Identity":"a","RelativePath":"fromroot.txt","FullPath":"/nuget/x/content/fromroot.txt"},
		{"Identity":"a","RelativePath":"nearroot.txt","FullPath":"/nuget2/x.txt"},
		{"Identity":"a","RelativePath":"Core.dll","MSBuildSourceProjectFile":"/s/Core/Core.csproj","FullPath":"/s/Core/bin/Core.dll"},
		{"Identity":"a","RelativePath":"Ref.dll","ReferenceSourceTarget":"ProjectReference"},
		{"Identity":"a","RelativePath":"seed.sql","FullPath":"/s/Core/seed.sql"},
		{"Identity":"a","RelativePath":"legal\\p.txt","FullPath":"/s/Web/legal/p.txt"},
		{"Identity":"a","RelativePath":"App.dll","FullPath":"/s/Web/obj/App.dll"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := newClassifier(e)
	for file, want := range map[string]layers.Origin{
		"coreclr.dll": layers.Runtime, "aspnet.dll": layers.Aspnet, "wpf.dll": layers.Desktop, "own.dll": layers.Runtime,
		"package.dll": layers.Packages, "fromroot.txt": layers.Packages, "nearroot.txt": layers.App,
		"Core.dll": layers.Project, "Ref.dll": layers.Project, "seed.sql": layers.Project,
		"legal/p.txt": layers.App, "App.dll": layers.App, "wwwroot/a.js": layers.Assets, "web.config": layers.App,
	} {
		if got := c.origin(file); got != want {
			t.Errorf("%s is of origin %q, want %q", file, got, want)
		}
	}
}

func TestCollisions(t *testing.T) {
	t.Parallel()
	item := func(name, source string) Item {
		return Item{Identity: source, Metadata: map[string]string{"RelativePath": name, "FullPath": source}}
	}
	got := collisions([]Item{item("data/case.txt", "/s/Case.txt"), item(`data\Case.txt`, "/s/case.txt"), item("a.txt", "/s/a"), item("a.txt", "/s/a")})
	if want := []string{"/s/Case.txt and /s/case.txt"}; !cmp.Equal(got, want) {
		t.Errorf("collisions = %q, want %q", got, want)
	}
}

func TestPacksOfOtherPlatformsAreTold(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"": "", "win-x64": "", "Win-x64; ": "",
		"win-x64;linux-x64; osx-arm64;": "linux-x64, osx-arm64 too",
	} {
		got := strings.Join(buildNotices(&evaluation{Properties: map[string]string{"AssemblyName": "App", "RuntimeIdentifiers": list}}), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("RuntimeIdentifiers %q: notices %q, want %q", list, got, want)
		}
	}
}
