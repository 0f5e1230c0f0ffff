package dotnet

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// inventory reads the packages of a result, and checks what holds for all of them.
func inventory(t *testing.T, r *Result) *Inventory {
	t.Helper()
	inv, err := ReadPackages(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Notices) > 0 {
		t.Errorf("notices: %q", inv.Notices)
	}
	if app := inv.Packages[0]; app.Kind != AppPackage || app.Name != r.Name {
		t.Errorf("the first package is %s %s", app.Kind, app.Name)
	}
	kinds := map[layers.Origin][]PackageKind{
		layers.Runtime: {RuntimePack}, layers.Aspnet: {RuntimePack}, layers.Desktop: {RuntimePack},
		layers.Packages: {NuGetPackage}, layers.Project: {ProjectPackage},
	}
	for file, origin := range r.Origins {
		owner, ok := inv.Owners[file]
		if !ok || owner >= len(inv.Packages) {
			t.Errorf("%s belongs to no package", file)
			continue
		}
		if want := kinds[origin]; want != nil && !slices.Contains(want, inv.Packages[owner].Kind) {
			t.Errorf("%s of origin %s belongs to %s %s", file, origin, inv.Packages[owner].Kind, inv.Packages[owner].Name)
		}
	}
	return inv
}

// byName lists the packages of a kind as name and version.
func byName(inv *Inventory, kind PackageKind) map[string]string {
	found := map[string]string{}
	for _, p := range inv.Packages {
		if p.Kind == kind {
			found[p.Name] = p.Version
		}
	}
	return found
}

func find(t *testing.T, inv *Inventory, name string) Package {
	t.Helper()
	for _, p := range inv.Packages {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no package %s", name)
	return Package{}
}

// listed is what dotnet itself says of a project's packages: all, and the direct ones.
func listed(t *testing.T, project string) (all map[string]string, direct []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need.Dotnet(t), "list", project, "package", "--include-transitive", "--format", "json")
	// A build server that stays behind would keep the pipe open.
	cmd.Env = append(os.Environ(), "MSBUILDDISABLENODEREUSE=1", "DOTNET_CLI_USE_MSBUILD_SERVER=0")
	cmd.WaitDelay = time.Second
	raw, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("dotnet list: %v\n%s", err, raw)
	}
	type line struct{ ID, ResolvedVersion string }
	var answer struct {
		Projects []struct {
			Frameworks []struct{ TopLevelPackages, TransitivePackages []line }
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	all = map[string]string{}
	for _, f := range answer.Projects[0].Frameworks {
		for _, p := range slices.Concat(f.TopLevelPackages, f.TransitivePackages) {
			all[p.ID] = p.ResolvedVersion
		}
		for _, p := range f.TopLevelPackages {
			direct = append(direct, p.ID)
		}
	}
	slices.Sort(direct)
	return all, direct
}

// sameAsListed compares an inventory with what dotnet itself lists for the project.
func sameAsListed(t *testing.T, project string, inv *Inventory) {
	t.Helper()
	all, direct := listed(t, project)
	if diff := cmp.Diff(all, byName(inv, NuGetPackage)); diff != "" {
		t.Errorf("packages (-dotnet list +found):\n%s", diff)
	}
	var named []string
	for _, p := range inv.Packages {
		if p.Kind == NuGetPackage && p.Direct {
			named = append(named, p.Name)
		}
		complete := p.SHA512 != nil && p.Authors != "" && p.License != (License{})
		if !complete && (p.Kind == NuGetPackage || p.Kind == RuntimePack) {
			t.Errorf("%s has the checksum %x, the licence %+v and the authors %q", p.Name, p.SHA512, p.License, p.Authors)
		}
	}
	slices.Sort(named)
	if !slices.Equal(named, direct) {
		t.Errorf("direct packages %q, want %q", named, direct)
	}
	if len(byName(inv, RuntimePack)) == 0 {
		t.Error("no runtime pack")
	}
}

// TestPackagesAreThoseThatDotnetLists has direct and transitive packages, and one that
// only the build needs.
func TestPackagesAreThoseThatDotnetLists(t *testing.T) {
	const tools = `<ItemGroup><PackageReference Include="Microsoft.EntityFrameworkCore.Sqlite" Version="10.0.15" />
		<PackageReference Include="Humanizer.Core.de" Version="2.14.1" /></ItemGroup>`
	project := filepath.Join(write(t, map[string]string{"built.csproj": console("", tools), "Program.cs": consoleSource}), "built.csproj")
	sameAsListed(t, project, inventory(t, publish(t, request(t, project))))
}

// packagesOfShop checks the packages of the shop, published from a copy in dir.
func packagesOfShop(t *testing.T, dir string, result *Result) {
	t.Helper()
	inv := inventory(t, result)
	owners := map[string]string{}
	for file, owner := range inv.Owners {
		owners[file] = inv.Packages[owner].Name
	}
	for file, want := range map[string]string{
		"Shop.Web.exe": "Shop.Web", "Shop.Web.pdb": "Shop.Web", "web.config": "Shop.Web", "wwwroot/css/site.css.gz": "Shop.Web",
		"Shop.Store.dll": "Shop.Store", "Shop.Store.pdb": "Shop.Store", "seed.sql": "Shop.Store",
		"de/Shop.Texts.resources.dll": "Shop.Texts",
		"Microsoft.Data.Sqlite.dll":   "Microsoft.Data.Sqlite.Core", "e_sqlite3.dll": "SQLitePCLRaw.lib.e_sqlite3",
		"coreclr.dll": "Microsoft.NETCore.App.Runtime.win-x64", "Microsoft.AspNetCore.dll": "Microsoft.AspNetCore.App.Runtime.win-x64",
	} {
		if owners[file] != want {
			t.Errorf("%s belongs to %q, want %q", file, owners[file], want)
		}
	}
	want := []string{"Microsoft.AspNetCore.App.Runtime.win-x64", "Microsoft.NETCore.App.Runtime.win-x64", "Shop.Store", "Shop.Texts"}
	if app := inv.Packages[0]; app.Version != "1.4.2" || !slices.Equal(app.Dependencies, want) {
		t.Errorf("the application has version %s and depends on %q", app.Version, app.Dependencies)
	}
	if p := find(t, inv, "Shop.Store"); !slices.Equal(p.Dependencies, []string{"Microsoft.Data.Sqlite"}) || p.Version != "1.0.0" {
		t.Errorf("the project Shop.Store: %+v", p)
	}
	sameInFolder(t, result, inv)
	sameAsListed(t, filepath.Join(dir, "Shop.Web", "Shop.Web.csproj"), inv)
}

// sameInFolder checks that the publish folder by itself tells the same packages, their
// checksums and edges; what only packages' manifests tell is missing.
func sameInFolder(t *testing.T, result *Result, project *Inventory) {
	t.Helper()
	folder, err := Publish(t.Context(), Request{Project: result.Dir})
	if err != nil {
		t.Fatal(err)
	}
	inv := inventory(t, folder)
	want := slices.Clone(project.Packages)
	for i := range want {
		want[i].Manifest = Manifest{}
		if want[i].Kind == RuntimePack {
			want[i].SHA512 = nil
		}
		want[i].Direct = want[i].Direct && want[i].Kind == NuGetPackage
	}
	if diff := cmp.Diff(want, inv.Packages); diff != "" {
		t.Errorf("packages (-project +folder):\n%s", diff)
	}
	owners := maps.Clone(project.Owners)
	delete(owners, "seed.sql") // content of a referenced project, in no deps.json
	for file, owner := range owners {
		if got := inv.Packages[inv.Owners[file]].Name; got != project.Packages[owner].Name {
			t.Errorf("%s belongs to %s, and in the folder to %s", file, project.Packages[owner].Name, got)
		}
	}
}

// TestPackagesWithoutDeps has applications beside which no deps.json lies, or another.
func TestPackagesWithoutDeps(t *testing.T) {
	const items = `<ItemGroup><PackageReference Include="Newtonsoft.Json" Version="13.0.4" />
		<PackageReference Include="Microsoft.EntityFrameworkCore.Analyzers" Version="10.0.15" PrivateAssets="all" /></ItemGroup>`
	for name, c := range map[string]struct {
		properties    string
		selfContained bool
	}{
		"single file":         {"<PublishSingleFile>true</PublishSingleFile>", true},
		"framework-dependent": {"<PublishReadyToRun>false</PublishReadyToRun>", false},
		"trimmed":             {"<PublishTrimmed>true</PublishTrimmed>", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"app.csproj": console(c.properties, items),
				"Program.cs": "System.Console.WriteLine(Newtonsoft.Json.Linq.JObject.Parse(\"{}\"));\n"})
			req := request(t, dir)
			req.SelfContained = &c.selfContained
			result := publish(t, req)
			inv := inventory(t, result)
			if p := find(t, inv, "Newtonsoft.Json"); p.BuildOnly || !p.Direct || p.License.Expression != "MIT" {
				t.Errorf("%+v", p)
			}
			if p := find(t, inv, "Microsoft.EntityFrameworkCore.Analyzers"); !p.BuildOnly {
				t.Errorf("an analyzer is part of the application: %+v", p)
			}
			for _, p := range inv.Packages {
				if p.Kind == RuntimePack && p.BuildOnly == c.selfContained {
					t.Errorf("%s: build only %t", p.Name, p.BuildOnly)
				}
			}
		})
	}
}

// TestPackagesOfFolder has a folder with every kind of library, and one that is no
// .NET app at all.
func TestPackagesOfFolder(t *testing.T) {
	t.Parallel()
	result, err := Publish(t.Context(), Request{Project: write(t, published)})
	if err != nil {
		t.Fatal(err)
	}
	inv := inventory(t, result)
	checkInventory(t, inv)
	got := map[string]string{}
	for file, owner := range inv.Owners {
		got[file] = string(inv.Packages[owner].Kind) + " " + inv.Packages[owner].Name + " " + inv.Packages[owner].Version
	}
	const pack, app = "runtime pack Microsoft.", "app App 1.0.0"
	want := map[string]string{
		"App.exe": app, "App.dll": app, "App.pdb": app, "App.deps.json": app, "App.runtimeconfig.json": app, "web.config": app, "wwwroot/a.js": app,
		"coreclr.dll": pack + "NETCore.App.Runtime.win-x64 10.0.12", "hostfxr.dll": pack + "NETCore.App.Runtime.win-x64 10.0.12",
		"hostpolicy.dll": pack + "NETCore.App.Runtime.win-x64 10.0.12", "createdump.exe": pack + "NETCore.App.Runtime.win-x64 10.0.12",
		"Kestrel.dll": pack + "AspNetCore.App.Runtime.win-x64 10.0.12", "wpf.dll": pack + "WindowsDesktop.App.Runtime.win-x64 10.0.12",
		"Dapper.dll": "nuget Dapper 2.1.66", "Dapper.xml": "nuget Dapper 2.1.66", "de/Humanizer.resources.dll": "nuget Humanizer 2.14.1",
		"sni.dll": "nuget Sni 6.0.2", "Core.dll": "project Core 1.0.0", "Core.pdb": "project Core 1.0.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	native, err := Publish(t.Context(), Request{Project: write(t, map[string]string{"tool.exe": "MZ", "a/b.dll": "MZ"})})
	if err != nil {
		t.Fatal(err)
	}
	if inv := inventory(t, native); len(inv.Packages) != 1 || len(inv.Owners) != 2 {
		t.Errorf("%+v", inv)
	}
}

// TestOwnersByItems has items of a build that tell their owner in each of the ways
// there are.
func TestOwnersByItems(t *testing.T) {
	t.Parallel()
	source := filepath.FromSlash("/src/Shop.Web")
	item := func(file string, metadata ...string) Item {
		m := map[string]string{"RelativePath": file, "FullPath": filepath.Join(source, "obj", file)}
		for i := 0; i < len(metadata); i += 2 {
			m[metadata[i]] = filepath.FromSlash(metadata[i+1])
		}
		return Item{Metadata: m}
	}
	r := &Result{
		Name: "Shop.Web", ProjectDir: source, ProjectFile: filepath.Join(source, "Shop.Web.csproj"),
		Properties: map[string]string{"TargetFramework": "net10.0"}, Origins: map[string]layers.Origin{},
		Items: map[string][]Item{publishItems: {
			item("own.dll"), item("named.dll", "NuGetPackageId", "sqlitepclraw.CORE"), item("new.dll", "NuGetPackageId", "New", "NuGetPackageVersion", "3"),
			item("placed.dll", "FullPath", "/home/me/nuget/microsoft.data.sqlite.core/10.0.15/content/placed.dll"),
			item("built.dll", "MSBuildSourceProjectFile", "/src/Shop.Store/Shop.Store.csproj"), item("built.pdb"),
			item("self.dll", "MSBuildSourceProjectFile", "/src/Shop.Web/Shop.Web.csproj"),
			item("far.dll", "MSBuildSourceProjectFile", "/elsewhere/Far.csproj"), item("seed.sql", "FullPath", "/src/Shop.Store/seed.sql"),
		}},
	}
	for _, file := range []string{"own.dll", "named.dll", "new.dll", "placed.dll", "built.dll", "built.pdb", "self.dll", "far.dll", "seed.sql", "far.pdb",
		"unlisted", "wwwroot/_content/Shop.Texts/x.js", "wwwroot/_content/Nobody/x.js"} {
		r.Origins[file] = layers.App
	}
	assets := shopAssets(t)
	list := newPackageList(r, &dependencies{})
	list.addAssets(assets)
	inv := list.inventory(assets)
	checkInventory(t, inv)
	got := map[string]string{}
	for file, owner := range inv.Owners {
		got[file] = inv.Packages[owner].Name
	}
	want := map[string]string{
		"own.dll": "Shop.Web", "self.dll": "Shop.Web", "built.pdb": "Shop.Web", "unlisted": "Shop.Web", "wwwroot/_content/Nobody/x.js": "Shop.Web",
		"named.dll": "SQLitePCLRaw.core", "new.dll": "New", "placed.dll": "Microsoft.Data.Sqlite.Core",
		"built.dll": "Shop.Store", "seed.sql": "Shop.Store", "far.dll": "Far", "far.pdb": "Far", "wwwroot/_content/Shop.Texts/x.js": "Shop.Texts",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
