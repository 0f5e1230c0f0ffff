package flow

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/cache"
)

// site is a world whose base and images live in two registries that count.
type site struct {
	*world
	target, bases *traffic
	cache         string
	stopBases     func()
}

func serve(t *testing.T) (*traffic, *httptest.Server) {
	t.Helper()
	counted := &traffic{next: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	server := httptest.NewServer(counted)
	t.Cleanup(server.Close)
	return counted, server
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{world: newWorld(t), cache: t.TempDir()}
	s.Transport = &http.Transport{}
	var target, bases *httptest.Server
	s.target, target = serve(t)
	s.bases, bases = serve(t)
	s.stopBases = bases.Close
	s.host = strings.TrimPrefix(target.URL, "http://")
	image, err := sample.Image(sample.Options{Layers: 2})
	if err != nil {
		t.Fatal(err)
	}
	index, err := sample.Index(image)
	if err != nil {
		t.Fatal(err)
	}
	s.base = strings.TrimPrefix(bases.URL, "http://") + "/nanoserver:ltsc2022"
	tag, err := name.NewTag(s.base)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, index); err != nil {
		t.Fatal(err)
	}
	s.bases.since()
	return s
}

func (s *site) options(repo, app string) PublishOptions {
	o := s.world.options(app)
	o.Targets = Targets{Repo: s.host + "/" + repo, Tags: []string{"v1", "latest"}}
	o.Cache = s.cache
	return o
}

// result is what one run did.
type result struct {
	ref           string
	target, bases []string // requests
	sent          int64    // bytes of blobs
	packed        []string // layers
}

func (s *site) publish(t *testing.T, o PublishOptions) result {
	t.Helper()
	before := len(s.log.String())
	refs, err := Publish(t.Context(), o, s.Deps)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log.String()[before:])
	}
	r := result{ref: refs[0][strings.Index(refs[0], "@"):]}
	r.target, r.sent = s.target.since()
	r.bases, _ = s.bases.since()
	for line := range strings.Lines(s.log.String()[before:]) {
		if _, rest, found := strings.Cut(line, ": packed the "); found {
			origin, _, _ := strings.Cut(rest, " ")
			r.packed = append(r.packed, origin)
		}
	}
	noTempLeft(t, s.TempRoot)
	return r
}

// sound pulls an image and checks every blob and diffID.
func (s *site) sound(t *testing.T, repo, tag string) {
	t.Helper()
	ref, err := name.NewTag(s.host + "/" + repo + ":" + tag)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref)
	if err == nil {
		err = validate.Image(image)
	}
	if err != nil {
		t.Errorf("the image at %s is damaged: %v", ref, err)
	}
	s.target.since()
}

func without(requests []string, what string) []string {
	var rest []string
	for _, r := range requests {
		if r != what {
			rest = append(rest, r)
		}
	}
	return rest
}

func TestUnchanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options("web", s.app(t, "out", "hi"))
	first := s.publish(t, o)
	if len(first.packed) != 7 || first.sent == 0 {
		t.Errorf("the first run packed %q and sent %d bytes", first.packed, first.sent)
	}
	s.sound(t, "web", "v1")
	kept := cacheFile(t, s.cache)
	again := s.publish(t, o)
	want := result{ref: first.ref, target: []string{"HEAD manifests web", "HEAD manifests web"}, bases: []string{"HEAD manifests nanoserver"}}
	again.target, again.bases = without(again.target, "ping"), without(again.bases, "ping")
	if diff := cmp.Diff(want, again, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("an unchanged run (-want +got):\n%s", diff)
	}
	if now := cacheFile(t, s.cache); now != kept {
		t.Errorf("an unchanged run wrote %d bytes into the cache", len(now)-len(kept))
	}
}

func cacheFile(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(cache.Open(dir).Info().File)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A machine without records learns from the image under the tag.
func TestFreshMachine(t *testing.T) {
	t.Parallel()
	for _, present := range []string{"v1", "latest"} { // the first of the tags that exists counts
		t.Run(present, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			app := s.app(t, "out", "hi")
			o := s.options("web", app)
			o.Targets.Tags = []string{present}
			first := s.publish(t, o)

			o.Targets.Tags = []string{"v1", "latest"}
			for _, dir := range []string{t.TempDir(), ""} { // an empty cache, and none
				o.Cache = dir
				if again := s.publish(t, o); again.sent != 0 || again.packed != nil || again.ref != first.ref {
					t.Errorf("unchanged: packed %q, sent %d bytes, %s after %s", again.packed, again.sent, again.ref, first.ref)
				}
			}
			s.app(t, "out", "another message")
			o.Cache = t.TempDir()
			changed := s.publish(t, o)
			if diff := cmp.Diff([]string{"app"}, changed.packed); diff != "" || changed.sent == 0 || changed.sent > 10_000 {
				t.Errorf("changed: sent %d bytes, packed %s", changed.sent, diff)
			}
			s.sound(t, "web", "latest")
			for name, dir := range map[string]string{"records": s.cache, "neither": ""} {
				other := s.options("other", app)
				other.Cache = dir
				if got := s.publish(t, other); got.ref != changed.ref {
					t.Errorf("with %s: %s, want %s", name, got.ref, changed.ref)
				}
			}
		})
	}
}

func TestOneLineChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options("web", s.app(t, "out", "hi"))
	s.publish(t, o)
	s.app(t, "out", "hello")
	got := s.publish(t, o)
	if diff := cmp.Diff([]string{"app"}, got.packed); diff != "" || got.sent == 0 || got.sent > 10_000 {
		t.Errorf("sent %d bytes, packed %s", got.sent, diff)
	}
	s.sound(t, "web", "latest")
}

// Another image of the registry has the same layers: they are mounted.
func TestSecondRepository(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app(t, "out", "hi")
	s.publish(t, s.options("one", app))
	s.stopBases() // its layers are in the registry, its documents in the records
	o := s.options("two", app)
	o.Bases = []string{pinned(t, s)}
	got := s.publish(t, o)
	if got.packed != nil || got.sent > 5_000 {
		t.Errorf("packed %q, sent %d bytes; want the config alone", got.packed, got.sent)
	}
	if n := strings.Count(strings.Join(got.target, "\n"), "MOUNT blobs two"); n < 9 {
		t.Errorf("%d blobs were mounted, want 2 of the base and 7 of ours", n)
	}
}

// pinned is the base by digest.
func pinned(t *testing.T, s *site) string {
	t.Helper()
	digest, ok := baseMemory{cache.Open(s.cache)}.Tag(s.base)
	if !ok {
		t.Fatalf("the records do not know %s", s.base)
	}
	repo, _, _ := strings.Cut(s.base, ":ltsc")
	return repo + "@" + digest.String()
}

func TestBaseRegistryIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app(t, "out", "hi")
	o := s.options("web", app)
	first := s.publish(t, o)
	floating, fixed := o.Bases[0], pinned(t, s)
	s.stopBases()

	if _, err := Publish(t.Context(), o, s.Deps); stageOf(err) != StageBase || !strings.Contains(err.Error(), "--base "+floating+"@sha256:") {
		t.Errorf("a floating tag: %v; want a failure of the base that names the last digest", err)
	}
	o.Bases = []string{fixed}
	s.app(t, "out", "changed while the registry was away")
	if again := s.publish(t, o); again.ref == first.ref {
		t.Error("nothing changed")
	}
	s.target.lose("web")
	_, err := Publish(t.Context(), o, s.Deps)
	if err != nil {
		t.Errorf("all tags name the image, so nothing is to be done: %v", err)
	}
	s.app(t, "out", "changed again")
	_, err = Publish(t.Context(), o, s.Deps)
	host, _, _ := strings.Cut(floating, "/")
	if stageOf(err) != StageBase || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "sha256:") {
		t.Errorf("without the base's layers: %v; want a failure of the base that names blob and registry", err)
	}
}

// A forged record has a checksum that fits: the cache cannot tell.
func TestForgedRecords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app(t, "out", "hi")
	o := s.options("web", app)
	o.Cache = ""
	honest := s.publish(t, o)
	o = s.options("other", app)
	forge(t, s)
	got := s.publish(t, o)
	if got.ref != honest.ref {
		t.Errorf("with forged records the image is %s, want %s", got.ref, honest.ref)
	}
	if !strings.Contains(s.log.String(), "a record of an earlier run was wrong") {
		t.Error("nobody was told")
	}
	s.sound(t, "other", "latest")
	if again := s.publish(t, o); again.packed != nil || again.sent != 0 || again.ref != honest.ref {
		t.Errorf("the next run packed %q and sent %d bytes for %s", again.packed, again.sent, again.ref)
	}
}

// forge makes the records of all layers that s has published wrong.
func forge(t *testing.T, s *site) {
	t.Helper()
	ref, err := name.NewTag(s.host + "/web:v1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	records := cache.Open(s.cache)
	for i, id := range config.RootFS.DiffIDs {
		records.PutLayer(layers.Gzip.Comment(), id, cache.Blob{Digest: fake(i), Size: 1000})
	}
	s.target.since()
}

func fake(i int) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(string(rune('a'+i%6)), 64)}
}

// Digests that are computed anew find a forged record even where the registry has
// a blob under its digest.
func TestRecompute(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app(t, "out", "hi")
	o := s.options("web", app)
	honest := s.publish(t, o)
	forge(t, s)
	for i := range 9 {
		s.target.hold("web", fake(i).String())
	}
	o.Recompute = true
	if got := s.publish(t, o); len(got.packed) != 7 || got.ref != honest.ref {
		t.Errorf("packed %q, image %s, want %s", got.packed, got.ref, honest.ref)
	}
	o.Recompute = false
	if got := s.publish(t, o); got.packed != nil || got.ref != honest.ref {
		t.Errorf("the records were not put right: packed %q, image %s, want %s", got.packed, got.ref, honest.ref)
	}
}

// Whatever happens to the file of the records, the image is the same.
func TestDamagedCache(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app(t, "out", "hi")
	o := s.options("web", app)
	honest := s.publish(t, o)
	file, whole := cache.Open(s.cache).Info().File, cacheFile(t, s.cache)
	for name, damaged := range map[string]string{
		"empty": "", "half": whole[:len(whole)/2], "torn": whole[:len(whole)-7], "no line ends": strings.ReplaceAll(whole, "\n", " "),
		"flipped": flip(whole), "zeros": strings.Repeat("\x00", 4096),
	} {
		if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second finds what the first put right
			if got := s.publish(t, o); got.ref != honest.ref || got.sent != 0 {
				t.Errorf("%s: sent %d bytes for %s, want %s", name, got.sent, got.ref, honest.ref)
			}
		}
		if got := s.publish(t, o); got.packed != nil || len(without(got.target, "ping")) != 2 {
			t.Errorf("%s: the records were not repaired: packed %q, asked %q", name, got.packed, got.target)
		}
	}
}

// flip changes one bit in each line.
func flip(text string) string {
	b := []byte(text)
	for i := 40; i < len(b); i += 60 {
		if b[i] != '\n' {
			b[i] ^= 4
		}
	}
	return string(b)
}
