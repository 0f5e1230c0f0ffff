package flow

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// company is a registry with images in many repositories, each of an application of its
// own.
func (p *patchDay) company(t *testing.T, repos int) {
	t.Helper()
	image := p.image(t, "web:v1")
	for i := range repos {
		c := configOf(t, image).DeepCopy()
		c.Config.Env = append(c.Config.Env, fmt.Sprintf("APP=%d", i))
		own, err := mutate.ConfigFile(image, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(parseTag(t, fmt.Sprintf("%s/shop/app%d:prod", p.host, i)), own); err != nil {
			t.Fatal(err)
		}
	}
}

// A hundred images are rebased without a byte of their layers, and one broken image
// stops none of them.
func TestRebaseOfACompany(t *testing.T) {
	t.Parallel()
	const repos = 100
	p := newPatchDay(t)
	p.company(t, repos)
	before := p.image(t, "web:v1")
	next := p.patch(t, patched)
	broken, err := mutate.AppendLayers(sampleImage(t, sample.Options{OSVersion: "10.0.20348.1", Folders: []string{"other"}}))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parseTag(t, p.host+"/shop/broken:prod"), broken); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parseTag(t, p.host+"/shop/linux:prod"), sampleImage(t, sample.Options{OS: "linux"})); err != nil {
		t.Fatal(err)
	}
	p.blobs.since()
	started := time.Now()
	done, err := p.rebase(t, func(o *RebaseOptions) {
		o.Jobs, o.Fleet = 8, Fleet{Prefix: p.host + "/shop", Tags: []string{"pro?"}}
		o.RegistryMap = []string{"mcr.microsoft.com/windows=" + strings.TrimSuffix(p.base, "/nanoserver:ltsc2022")}
	})
	took := time.Since(started)
	if stageOf(err) != StageBase || err.Error() != "100 rebased, 0 up to date, 1 not for Windows, 1 failed" {
		t.Errorf("%v\n%s", err, p.log.String())
	}
	if !strings.Contains(p.log.String(), "shop/broken:prod: failed: ") {
		t.Errorf("the log does not tell of the broken image:\n%s", p.log.String())
	}
	got, sent := p.blobs.since()
	apps, bases := 0, 0
	for _, digest := range appLayers(t, before, 2) {
		apps += got[digest] + sent[digest]
		if got[digest]+sent[digest] > 0 {
			t.Errorf("layer %s of an application was read %d times and sent %d times", digest, got[digest], sent[digest])
		}
	}
	for _, digest := range appLayers(t, next, 0) {
		if !slices.Contains(appLayers(t, before, 0), digest) && sent[digest] != 1 {
			t.Errorf("layer %s of the base was sent %d times", digest, sent[digest])
		}
		bases += sent[digest]
	}
	t.Logf("%d images in %.2f s, 8 at a time: layers of applications moved %d times, layers of the new base sent %d times",
		len(done), took.Seconds(), apps, bases)
	for _, i := range []int{0, repos / 2, repos - 1} {
		c := configOf(t, p.image(t, fmt.Sprintf("shop/app%d:prod", i)))
		if c.OSVersion != patched || !slices.Contains(c.Config.Env, fmt.Sprintf("APP=%d", i)) {
			t.Errorf("app%d is on %s with %q", i, c.OSVersion, c.Config.Env)
		}
	}
}

// The parts of a company are the same each time, and make up the whole.
func TestRebaseShards(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.company(t, 12)
	p.patch(t, patched)
	var all []string
	for part := range 3 {
		done, err := p.rebase(t, func(o *RebaseOptions) {
			o.DryRun, o.Shard, o.Fleet = true, fmt.Sprintf("%d/3", part), Fleet{Prefix: p.host, Tags: []string{"prod"}}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range done {
			all = append(all, d.Image)
		}
		if len(done) == 12 {
			t.Error("one part has everything")
		}
	}
	if slices.Sort(all); len(all) != 12 || len(slices.Compact(all)) != 12 {
		t.Errorf("the parts have %q", all)
	}
}

// Where a registry has no catalog, the error holds a command that makes a list.
func TestRebaseWithoutACatalog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path != "/v2/" {
				w.WriteHeader(status)
			}
		}))
		t.Cleanup(server.Close)
		host := strings.TrimPrefix(server.URL, "http://")
		o := RebaseOptions{Jobs: 1, Fleet: Fleet{Prefix: host + "/shop/eu", Tags: []string{"*"}}}
		_, err := Rebase(t.Context(), o, w.Deps)
		if stageOf(err) != StageBase || !strings.Contains(err.Error(), host+"/shop/{api,web} | nanobuild rebase --from -") || strings.Count(err.Error(), "\n") > 3 {
			t.Errorf("%d: %v", status, err)
		}
	}
	refused := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/v2/" {
			http.NotFound(w, req)
		}
	}))
	t.Cleanup(refused.Close)
	_, plain := Rebase(t.Context(), RebaseOptions{Jobs: 1, Fleet: Fleet{Prefix: strings.TrimPrefix(refused.URL, "http://"), Tags: []string{"*"}}}, w.Deps)
	for host, says := range map[string]string{
		"ghcr.io":                              "gh api",
		"index.docker.io":                      "hub.docker.com",
		"registry.gitlab.example.com":          "glab api",
		"1.dkr.ecr.eu-central-1.amazonaws.com": "aws ecr",
	} {
		if err := catalogError(plain, host, "acme"); !strings.Contains(err.Error(), says) || !strings.HasSuffix(err.Error(), "| nanobuild rebase --from -") {
			t.Errorf("%s: %v", host, err)
		}
	}
	empty := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(empty.Close)
	_, err := Rebase(t.Context(), RebaseOptions{Jobs: 1, Fleet: Fleet{Prefix: strings.TrimPrefix(empty.URL, "http://") + "/shop", Tags: []string{"*"}}}, w.Deps)
	if stageOf(err) != StageBase || !strings.Contains(err.Error(), "check --repo-prefix") {
		t.Errorf("an empty catalog: %v", err)
	}
}

func TestFleetWants(t *testing.T) {
	t.Parallel()
	f := Fleet{Tags: []string{"v*", "latest", "*"}}
	signature := "sha256-" + strings.Repeat("0", 64)
	for tag, want := range map[string]bool{
		"v1": true, "latest": true, "other": true,
		signature: false, signature + ".sig": false, signature + ".att": false,
	} {
		if f.wants(tag) != want {
			t.Errorf("wants(%s) = %v", tag, !want)
		}
	}
	if (Fleet{Tags: []string{"v[0-9]"}}).wants("v10") {
		t.Error("a pattern matches the start of a tag")
	}
	for repo, want := range map[string]bool{"shop": true, "shop/api": true, "shopping": false, "a/shop": false} {
		if holds("shop", repo) != want {
			t.Errorf("holds(shop, %s) = %v", repo, !want)
		}
	}
}
