package dotnet

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers"
)

func TestPublishHello(t *testing.T) {
	dir := sample(t, "hello")
	result := publish(t, request(t, dir))
	if result.Name != "hello" || result.EntryPoint != "hello.exe" || result.SDKVersion == "" {
		t.Errorf("name %q, entry point %q, SDK %q", result.Name, result.EntryPoint, result.SDKVersion)
	}
	if result.ProjectFile != filepath.Join(dir, "hello.csproj") || result.ProjectDir != dir {
		t.Errorf("project %q in %q", result.ProjectFile, result.ProjectDir)
	}
	want := map[layers.Origin]int{layers.Runtime: 187, layers.App: 5}
	if diff := cmp.Diff(want, count(result)); diff != "" {
		t.Errorf("files by origin (-want +got):\n%s", diff)
	}
	if r := result.Runtime; r.TFM != "net10.0" || !r.SelfContained || r.SingleFile || len(r.Frameworks) != 1 || r.Frameworks[0].Name != "Microsoft.NETCore.App" {
		t.Errorf("runtime %+v", r)
	}
}

// What did not change is not compiled again, and the folder of intermediate files
// does not grow.
func TestPublishAgain(t *testing.T) {
	dir := sample(t, "hello")
	compiled := func() time.Time {
		publish(t, request(t, dir))
		info, err := os.Stat(filepath.Join(dir, "obj", "Release", "net10.0", "win-x64", "hello.dll"))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	if first, second := compiled(), compiled(); !second.Equal(first) {
		t.Errorf("compiled at %s, and again at %s", first, second)
	}
	lists, err := filepath.Glob(filepath.Join(dir, "obj", "Release", "net10.0", "win-x64", "PublishOutputs.*"))
	if err != nil || len(lists) != 1 {
		t.Errorf("lists of published files: %q, %v", lists, err)
	}
}

func TestPublishWebAPI(t *testing.T) {
	project := filepath.Join(sample(t, "webapi"), "webapi.csproj")
	result := publish(t, request(t, project))
	n := count(result)
	if n[layers.Runtime] != 187 || n[layers.Aspnet] != 143 || n[layers.Packages] < 10 || n[layers.Project] != 0 || n[layers.Assets] != 0 {
		t.Errorf("files by origin: %v", n)
	}
	if origin := result.Origins["Newtonsoft.Json.dll"]; origin != layers.Packages {
		t.Errorf("Newtonsoft.Json.dll is of origin %q", origin)
	}
	if len(result.Runtime.Frameworks) != 2 {
		t.Errorf("frameworks %v", result.Runtime.Frameworks)
	}
	sameAsListed(t, project, inventory(t, result))
}

func TestPublishShop(t *testing.T) {
	dir := sample(t, "shop")
	req := request(t, filepath.Join(dir, "Shop.Web"))
	result := publish(t, req)
	for file, want := range map[string]layers.Origin{
		"coreclr.dll":                             layers.Runtime,
		"Microsoft.AspNetCore.dll":                layers.Aspnet,
		"Microsoft.Data.Sqlite.dll":               layers.Packages,
		"e_sqlite3.dll":                           layers.Packages,
		"Shop.Store.dll":                          layers.Project,
		"Shop.Store.pdb":                          layers.Project,
		"de/Shop.Texts.resources.dll":             layers.Project,
		"fr/Shop.Texts.resources.dll":             layers.Project,
		"seed.sql":                                layers.Project,
		"wwwroot/css/site.css":                    layers.Assets,
		"wwwroot/css/site.css.gz":                 layers.Assets,
		"Shop.Web.dll":                            layers.App,
		"Shop.Web.exe":                            layers.App,
		"Shop.Web.staticwebassets.endpoints.json": layers.App,
		"web.config":                              layers.App,
		"Microsoft.Extensions.Primitives.dll":     layers.Aspnet,
	} {
		if got := result.Origins[file]; got != want {
			t.Errorf("%s is of origin %q, want %q", file, got, want)
		}
	}
	for name, want := range map[string]string{"ContainerRepository": "shop/web", "Version": "1.4.2", "OutputType": "Exe", "TargetFramework": "net10.0"} {
		if got := result.Properties[name]; got != want {
			t.Errorf("property %s = %q, want %q", name, got, want)
		}
	}
	variables := result.Items["ContainerEnvironmentVariable"]
	if len(variables) != 1 || variables[0].Identity != "SHOP_LANGUAGE" || variables[0].Metadata["Value"] != "en" {
		t.Errorf("variables %v", variables)
	}
	samePublishFolder(t, result)
	packagesOfShop(t, dir, result)
}

// samePublishFolder checks that the folder by itself tells the same as the
// project did; seed.sql, content of a referenced project, is in no deps.json.
func samePublishFolder(t *testing.T, result *Result) {
	t.Helper()
	folder, err := Publish(t.Context(), Request{Project: result.Dir})
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(result.Origins)
	if _, ok := want["seed.sql"]; ok {
		want["seed.sql"] = layers.App
	}
	if diff := cmp.Diff(want, folder.Origins); diff != "" {
		t.Errorf("origins of the folder (-project +folder):\n%s", diff)
	}
	if diff := cmp.Diff(result.Runtime, folder.Runtime); diff != "" {
		t.Errorf("runtime of the folder (-project +folder):\n%s", diff)
	}
	if folder.Name != result.Name || folder.EntryPoint != result.EntryPoint || folder.Dir != result.Dir || folder.ProjectFile != "" {
		t.Errorf("folder %q, %q in %q", folder.Name, folder.EntryPoint, folder.Dir)
	}
}
