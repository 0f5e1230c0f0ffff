package main_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/engines"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// pushSample puts a base of a version into a registry and returns its reference.
func pushSample(t testing.TB, ref, version string, padding int64) string {
	t.Helper()
	image, err := sample.Image(sample.Options{OSVersion: version, Padding: padding})
	if err != nil {
		t.Fatal(err)
	}
	idx, err := sample.Index(image)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, idx); err != nil {
		t.Fatalf("push the base: %v", err)
	}
	return ref
}

// entries are those of the index that a reference names, as skopeo reads it.
func entries(t testing.TB, ref string) []v1.Descriptor {
	t.Helper()
	var m v1.IndexManifest
	if err := json.Unmarshal(skopeo(t, "inspect", "--tls-verify=false", "--raw", "docker://"+ref), &m); err != nil {
		t.Fatal(err)
	}
	return m.Manifests
}

// TestThreeVersions: one run of dotnet gives an index with an image for each Windows,
// beside the Linux image that another tool keeps under the tag. Other tools copy it
// and the engines' rules find their entries in it.
func TestThreeVersions(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	registry := need.StartRegistry(t)
	args := make([]string, 0, 6)
	for release, version := range map[string]string{"ltsc2019": "10.0.17763.8000", "ltsc2022": "10.0.20348.4171", "ltsc2025": "10.0.26100.4349"} {
		args = append(args, "--base", pushSample(t, registry+"/windows/nanoserver:"+release, version, 0))
	}
	dir := copyProject(t, "hello")
	linux, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(registry + "/hello:both")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: linux, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
	})); err != nil {
		t.Fatal(err)
	}
	ref := ok(t, dir, nil, append([]string{"publish", dir, "--repo", registry + "/hello", "-t", "v1"}, args...)...).lines()[0]
	r := ok(t, dir, nil, append([]string{"publish", dir, "--into-index", tag.Name()}, args...)...)
	if got := r.lines()[0]; !strings.HasPrefix(got, registry+"/hello@sha256:") {
		t.Errorf("stdout of --into-index: %q", got)
	}
	for version, want := range map[string]string{"10.0.17763.9": "17763", "10.0.20348.9": "20348", "10.0.26100.9": "26100", "10.0.26200.9": "26100", "10.0.25398.9": "20348"} {
		host := v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}
		for _, name := range []string{ref, tag.Name()} {
			if d, ok := engines.Containerd(host, entries(t, name)); !ok || !strings.Contains(d.Platform.OSVersion, "."+want+".") {
				t.Errorf("host %s takes %+v of %s", version, d.Platform, name)
			}
		}
	}
	if d, ok := engines.Containerd(v1.Platform{OS: "linux", Architecture: "amd64"}, entries(t, tag.Name())); !ok || d.Platform.OS != "linux" {
		t.Errorf("Linux takes %+v", d.Platform)
	}
	for _, name := range []string{ref, tag.Name()} {
		skopeo(t, "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+name, "docker://"+registry+"/copied:v1")
		if got, want := len(entries(t, registry+"/copied:v1")), len(entries(t, name)); got != want {
			t.Errorf("skopeo copied %d of %d entries", got, want)
		}
	}
	shown := ok(t, dir, nil, "inspect", tag.Name()).stdout
	for _, want := range []string{"10.0.17763.8000", "10.0.20348.4171", "10.0.26100.4349", "linux/amd64"} {
		if !strings.Contains(shown, want) {
			t.Errorf("inspect does not show %s:\n%s", want, shown)
		}
	}
}

// TestRebasedImagesRun: what was moved to the next month's base without a build still
// starts, and equals what a build on that base makes.
func TestRebasedImagesRun(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	needWine(t)
	registry := need.StartRegistry(t)
	for _, project := range []string{"hello", "webapi"} {
		t.Run(project, func(t *testing.T) {
			base := pushSample(t, registry+"/windows/nanoserver-"+project+":ltsc2022", "10.0.20348.4171", 0)
			dir := copyProject(t, project)
			repo := registry + "/" + project
			flags := []string{"--base", base, "--repo", repo, "--created", "2026-08-20T00:00:00Z"}
			old := ok(t, dir, nil, append([]string{"publish", dir, "-t", "v1"}, flags...)...).lines()[0]
			pushSample(t, base, "10.0.20348.5499", 2000)
			r := ok(t, dir, nil, "rebase", repo+":v1", "--created", "2026-08-20T00:00:00Z")
			moved := r.lines()[0]
			if moved == old || !strings.Contains(r.stderr, "10.0.20348.5499") {
				t.Errorf("rebase: %s, was %s\n%s", moved, old, r.stderr)
			}
			fresh := ok(t, dir, nil, append([]string{"publish", dir, "-t", "fresh"}, flags...)...).lines()[0]
			if fresh != moved {
				t.Errorf("rebased %s, built anew %s:\n%s\n%s", moved, fresh,
					skopeo(t, "inspect", "--tls-verify=false", "--raw", "--config", "docker://"+moved),
					skopeo(t, "inspect", "--tls-verify=false", "--raw", "--config", "docker://"+fresh))
			}
			layout := pullLayout(t, moved)
			if out := ok(t, dir, nil, "inspect", "oci:"+filepath.ToSlash(layout)).stdout; strings.Contains(out, "fail") {
				t.Errorf("inspect:\n%s", out)
			}
			if project == "hello" {
				if got := wineRun(t, layout, []string{"GREETING=Good day"}, "one"); !strings.HasPrefix(got, "Good day, one! This is Microsoft Windows NT ") {
					t.Errorf("it printed %q", got)
				}
				return
			}
			wineServe(t, layout, nil, func(url string) {
				if response, body := get(t, url+"/health"); response.StatusCode != 200 || body != "ok" {
					t.Errorf("GET /health: %s %q", response.Status, body)
				}
			})
		})
	}
}
