package main_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/need"
)

var digestReference = regexp.MustCompile(`^localhost:\d+/[a-z0-9/._-]+@sha256:[0-9a-f]{64}$`)

// TestProjectToRegistry publishes a project onto each base: stdout is the digest
// reference alone, another client reads the image, and the base's identity is kept.
func TestProjectToRegistry(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	registry := need.StartRegistry(t)
	dir := copyProject(t, "hello")
	for _, v := range baseVariants(t) {
		t.Run(v.name, func(t *testing.T) {
			base := pushBase(t, registry, v)
			repo := registry + "/hello-" + v.name
			refs, digests := filepath.Join(t.TempDir(), "refs"), filepath.Join(t.TempDir(), "digests")
			r := ok(t, dir, nil, "publish", dir, "--base", base, "--repo", repo, "-t", "v1", "-t", "latest",
				"--image-refs", refs, "--digest-file", digests)
			if got := r.lines(); len(got) != 1 || !digestReference.MatchString(got[0]) || !strings.HasPrefix(got[0], repo+"@") {
				t.Fatalf("stdout is not one digest reference of %s: %q", repo, r.stdout)
			}
			ref := r.lines()[0]
			if got := readFile(t, refs); got != r.stdout {
				t.Errorf("--image-refs holds %q, stdout is %q", got, r.stdout)
			}
			if got, want := readFile(t, digests), ref[strings.Index(ref, "@")+1:]+"\n"; got != want {
				t.Errorf("--digest-file holds %q, want %q", got, want)
			}
			manifest := skopeo(t, "inspect", "--tls-verify=false", "--raw", "docker://"+ref)
			for _, tag := range []string{"v1", "latest"} {
				if got := skopeo(t, "inspect", "--tls-verify=false", "--raw", "docker://"+repo+":"+tag); string(got) != string(manifest) {
					t.Errorf("tag %s holds another manifest", tag)
				}
			}
			compareWithBase(t, remoteConfig(t, ref), remoteConfig(t, base))
			if left := leftovers(t, r.temp); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// remoteConfig is the config of an image in a registry, as it was stored.
func remoteConfig(t *testing.T, ref string) map[string]any {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal(skopeo(t, "inspect", "--tls-verify=false", "--raw", "--config", "docker://"+ref), &config); err != nil {
		t.Fatalf("config of %s: %v", ref, err)
	}
	return config
}

// compareWithBase checks that everything of the base's config is kept, apart
// from what an application decides.
func compareWithBase(t *testing.T, got, base map[string]any) {
	t.Helper()
	for _, key := range []string{"os", "architecture", "os.version"} {
		if base[key] == nil {
			t.Errorf("the base has no %s", key)
		}
	}
	appDecides := []string{"Entrypoint", "Cmd", "Env", "Labels", "WorkingDir", "ExposedPorts", "ArgsEscaped"}
	for key, want := range base {
		switch key {
		case "created", "history", "rootfs", "config":
		default:
			if !reflect.DeepEqual(got[key], want) {
				t.Errorf("%s = %v, the base's is %v", key, got[key], want)
			}
		}
	}
	gotConfig, baseConfig := got["config"].(map[string]any), base["config"].(map[string]any)
	for key, want := range baseConfig {
		if !slices.Contains(appDecides, key) && !reflect.DeepEqual(gotConfig[key], want) {
			t.Errorf("config.%s = %v, the base's is %v", key, gotConfig[key], want)
		}
	}
	if gotConfig["User"] != "ContainerUser" {
		t.Errorf("User = %v", gotConfig["User"])
	}
	gotIDs, baseIDs := diffIDs(got), diffIDs(base)
	if len(gotIDs) <= len(baseIDs) || !slices.Equal(gotIDs[:len(baseIDs)], baseIDs) {
		t.Errorf("layers %v do not begin with the base's %v", gotIDs, baseIDs)
	}
}

func diffIDs(config map[string]any) []string {
	var ids []string
	for _, id := range config["rootfs"].(map[string]any)["diff_ids"].([]any) {
		ids = append(ids, id.(string))
	}
	return ids
}

// TestImagesRun publishes four projects in one call, pulls the images with
// another client, and starts them.
func TestImagesRun(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	registry := need.StartRegistry(t)
	base := pushBase(t, registry, baseVariants(t)[0])
	dir := t.TempDir()
	for _, name := range []string{"hello", "webapi", "shop"} {
		copyTree(t, filepath.Join(moduleRoot(t), "testdata", name), filepath.Join(dir, name))
	}
	writeFiles(t, filepath.Join(dir, "worker"), workerProject)
	r := ok(t, dir, nil, "publish", "hello", "worker", "webapi", "shop/Shop.Web", "--base", base, "--repo", registry+"/all/", "--created", "2026-09-01T10:00:00Z")
	refs := map[string]string{}
	for i, want := range []string{"hello", "worker", "webapi", "shop/web"} {
		lines := r.lines()
		if len(lines) != 4 || !strings.HasPrefix(lines[i], registry+"/all/"+want+"@sha256:") {
			t.Fatalf("stdout = %q, want a line for %s in place %d", lines, want, i)
		}
		refs[want] = lines[i]
	}

	t.Run("layers are shared", func(t *testing.T) {
		layers := map[string]map[string]string{}
		for name, ref := range refs {
			layers[name] = layersByOrigin(t, ref)
		}
		for _, name := range []string{"worker", "webapi", "shop/web"} {
			if got, want := layers[name]["runtime"], layers["hello"]["runtime"]; got != want || got == "" {
				t.Errorf("runtime layer of %s is %q, that of hello %q", name, got, want)
			}
		}
		if got, want := layers["webapi"]["aspnet"], layers["shop/web"]["aspnet"]; got != want || got == "" {
			t.Errorf("aspnet layer of webapi is %q, that of shop %q", got, want)
		}
		if got := slices.Sorted(maps.Keys(layers["shop/web"])); !slices.Equal(got, []string{"app", "aspnet", "assets", "packages", "project", "runtime"}) {
			t.Errorf("layers of shop: %q", got)
		}
		if got := slices.Sorted(maps.Keys(layers["hello"])); !slices.Equal(got, []string{"app", "runtime"}) {
			t.Errorf("layers of hello: %q", got)
		}
	})
	t.Run("hello", func(t *testing.T) {
		layout := pullLayout(t, refs["hello"])
		got := wineRun(t, layout, []string{"GREETING=Good day"}, "one", "two words", `a"b\`)
		if want := `Good day, one two words a"b\! This is Microsoft Windows NT 10.0.20348.`; !strings.HasPrefix(got, want) {
			t.Errorf("hello printed %q, want %q", got, want)
		}
	})
	t.Run("worker", func(t *testing.T) {
		if got := wineRun(t, pullLayout(t, refs["worker"]), nil); !strings.Contains(got, "worked in Production") {
			t.Errorf("worker printed %q", got)
		}
	})
	t.Run("webapi", func(t *testing.T) {
		wineServe(t, pullLayout(t, refs["webapi"]), nil, func(url string) {
			if r, body := get(t, url+"/health"); r.StatusCode != 200 || body != "ok" {
				t.Errorf("GET /health: %s %q", r.Status, body)
			}
			if r, body := get(t, url); r.StatusCode != 200 || !strings.Contains(body, `"app":"webapi"`) {
				t.Errorf("GET /: %s %q", r.Status, body)
			}
		})
	})
	t.Run("shop", func(t *testing.T) {
		wineServe(t, pullLayout(t, refs["shop/web"]), nil, func(url string) {
			if r, body := get(t, url); r.StatusCode != 200 || !strings.Contains(body, "SQLite 3.") || !strings.Contains(body, "<li>") {
				t.Errorf("GET /: %s %q", r.Status, body)
			}
			_, german := get(t, url+"/?lang=de")
			_, french := get(t, url+"/?lang=fr")
			if german == french {
				t.Errorf("the German and the French page are the same: a satellite is missing")
			}
		})
	})
	t.Run("web apps listen on 8080", func(t *testing.T) {
		for _, name := range []string{"webapi", "shop/web"} {
			config := remoteConfig(t, refs[name])["config"].(map[string]any)
			if ports, _ := config["ExposedPorts"].(map[string]any); len(ports) != 1 || ports["8080/tcp"] == nil {
				t.Errorf("%s exposes %v", name, config["ExposedPorts"])
			}
			if env := strings.Join(stringsOf(config["Env"]), "\n"); !strings.Contains(env, "ASPNETCORE_HTTP_PORTS=8080") || !strings.Contains(env, "DOTNET_RUNNING_IN_CONTAINER=true") {
				t.Errorf("Env of %s: %s", name, env)
			}
		}
	})
}

const workerProject = `
-- worker.csproj --
<Project Sdk="Microsoft.NET.Sdk.Worker">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Microsoft.Extensions.Hosting" Version="10.0.14" /></ItemGroup>
</Project>
-- Program.cs --
var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddHostedService<Once>();
builder.Build().Run();

class Once(IHostApplicationLifetime life, IHostEnvironment env) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stop)
    {
        Console.WriteLine("worked in " + env.EnvironmentName);
        life.StopApplication();
        return Task.CompletedTask;
    }
}
`

func stringsOf(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		s, _ := x.(string)
		out = append(out, s)
	}
	return out
}

// layersByOrigin maps the origin that the history names to the layer's digest.
func layersByOrigin(t *testing.T, ref string) map[string]string {
	t.Helper()
	var manifest struct{ Layers []struct{ Digest string } }
	if err := json.Unmarshal(skopeo(t, "inspect", "--tls-verify=false", "--raw", "docker://"+ref), &manifest); err != nil {
		t.Fatal(err)
	}
	found, layer := map[string]string{}, 0
	for _, h := range remoteConfig(t, ref)["history"].([]any) {
		entry := h.(map[string]any)
		if empty, _ := entry["empty_layer"].(bool); empty {
			continue
		}
		by, _ := entry["created_by"].(string)
		if origin, ours := strings.CutPrefix(by, "nanobuild: "); ours {
			found[strings.TrimSuffix(origin, " layer")] = manifest.Layers[layer].Digest
		}
		layer++
	}
	if layer != len(manifest.Layers) {
		t.Errorf("%d layers, %d entries of history that have one", len(manifest.Layers), layer)
	}
	return found
}
