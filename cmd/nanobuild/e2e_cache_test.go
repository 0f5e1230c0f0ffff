package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// TestPublishesShareACache starts eight runs at once with one empty cache, four
// of them for the same application.
func TestPublishesShareACache(t *testing.T) {
	t.Parallel()
	registry, cache := need.StartRegistry(t), filepath.Join(t.TempDir(), "cache")
	base := pushBase(t, registry, baseVariants(t)[0])
	args := func(i int, cache string) []string {
		app := filepath.Join(t.TempDir(), "app")
		if err := sampleapp.Write(app, strings.Repeat("hello ", 1+max(i, 4))); err != nil {
			t.Fatal(err)
		}
		return []string{"publish", app, "--base", base, "--repo", registry + "/app" + string(rune('a'+i)), "--cache", cache}
	}
	digest := func(r result) string {
		if r.code != 0 {
			t.Fatal(r)
		}
		_, digest, _ := strings.Cut(strings.TrimSpace(r.stdout), "@")
		return digest
	}
	var waits []func() result
	for i := range 8 {
		waits = append(waits, start(t, command(t, t.TempDir(), nil, args(i, cache)...)))
	}
	for i, wait := range waits {
		got := digest(wait())
		checkRemote(t, registry+"/app"+string(rune('a'+i)), got)
		if honest := digest(run(t, t.TempDir(), nil, args(i, "off")...)); got != honest {
			t.Errorf("run %d made %s, without a cache it is %s", i, got, honest)
		}
	}
	info := ok(t, t.TempDir(), nil, "cache", "info", "--cache", cache)
	if !strings.Contains(info.stdout, "repositories                8\n") || strings.Contains(info.stdout, "damaged") {
		t.Errorf("cache info:\n%s", info.stdout)
	}
}

func TestCacheCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app := publishedApp(t, 1<<20)
	cache := filepath.Join(dir, "records")
	env := []string{"NANOBUILD_CACHE=" + cache}
	ok(t, dir, env, "publish", app, "--base", ociBase(t), "--oci-layout", "image")
	for _, tt := range []struct {
		env  []string
		args []string
		want string
	}{
		{env, nil, filepath.Join(cache, "records")},
		{nil, []string{"--cache", cache}, filepath.Join(cache, "records")},
		{env, []string{"--cache", "off"}, "the cache is off"},
		{nil, []string{"--cache", "nothing"}, filepath.Join("nothing", "records")},
	} {
		if r := ok(t, dir, tt.env, append([]string{"cache", "info"}, tt.args...)...); !strings.Contains(r.stdout, tt.want) || r.stderr != "" {
			t.Errorf("cache info %q: %s, want %q", tt.args, r, tt.want)
		}
	}
	before := ok(t, dir, env, "cache", "info").stdout
	if !strings.Contains(before, "layers                      7\n") {
		t.Errorf("cache info:\n%s", before)
	}
	for range 2 {
		if r := ok(t, dir, env, "cache", "clear"); r.stdout != "" {
			t.Errorf("cache clear printed %q", r.stdout)
		}
		if _, err := os.Stat(cache); !os.IsNotExist(err) {
			t.Errorf("after cache clear: %v", err)
		}
	}
}

// An unwritable cache is a warning, not a failure.
func TestCacheCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "not a folder")
	app := publishedApp(t, 1<<20)
	r := ok(t, dir, nil, "publish", app, "--base", ociBase(t), "--oci-layout", "image", "--cache", filepath.Join("file", "cache"))
	if !strings.Contains(r.stderr, "the next run will know less: ") || !strings.Contains(r.stderr, filepath.Join(dir, "file")) {
		t.Errorf("stderr:\n%s", r.stderr)
	}
	if len(r.lines()) != 1 {
		t.Errorf("stdout:\n%s", r.stdout)
	}
}
