package flow

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// blobLog notes which blobs are read from a registry and which are sent to it.
type blobLog struct {
	next http.Handler

	mu        sync.Mutex
	got, sent map[string]int // by digest
	onRequest func(*http.Request)
}

func (b *blobLog) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b.mu.Lock()
	hook := b.onRequest
	switch _, digest, _ := strings.Cut(req.URL.Path, "/blobs/"); {
	case req.Method == http.MethodGet && strings.HasPrefix(digest, "sha256:"):
		b.got[digest]++
	case req.Method == http.MethodPut && strings.HasPrefix(digest, "uploads/"):
		b.sent[req.URL.Query().Get("digest")]++
	}
	b.mu.Unlock()
	if hook != nil {
		hook(req)
	}
	b.next.ServeHTTP(w, req)
}

// since returns what was read and sent since the last call.
func (b *blobLog) since() (got, sent map[string]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	got, sent = b.got, b.sent
	b.got, b.sent = map[string]int{}, map[string]int{}
	return got, sent
}

// patchDay is a site with an image on a base, and a newer base of the same line.
type patchDay struct {
	*site
	blobs *blobLog
	first string // reference of the image
}

func newPatchDay(t *testing.T) *patchDay {
	t.Helper()
	p := &patchDay{site: newSite(t)}
	p.blobs = &blobLog{next: p.target.next, got: map[string]int{}, sent: map[string]int{}}
	p.target.next = p.blobs
	p.Policy.Pause, p.Policy.MaxPause = time.Millisecond, time.Millisecond
	o := p.options("web", p.app(t, "web", "hello"))
	o.Targets.Tags = []string{"v1"}
	p.first = p.host + "/web" + p.publish(t, o).ref
	return p
}

// patch makes the base's tag name a newer revision.
func (p *patchDay) patch(t *testing.T, version string) v1.Image {
	t.Helper()
	image := sampleImage(t, sample.Options{Layers: 2, OSVersion: version, Env: []string{"PATCHED=" + version}, Folders: []string{"Patch" + version}})
	index, err := sample.Index(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(parseTag(t, p.base), index); err != nil {
		t.Fatal(err)
	}
	p.blobs.since()
	p.target.since()
	return image
}

func (p *patchDay) rebase(t *testing.T, change func(*RebaseOptions), images ...string) ([]RebasedImage, error) {
	t.Helper()
	o := RebaseOptions{Images: images, Jobs: 3, Cache: p.cache}
	if change != nil {
		change(&o)
	}
	return Rebase(t.Context(), o, p.Deps)
}

func (p *patchDay) image(t *testing.T, ref string) v1.Image {
	t.Helper()
	parsed, err := name.ParseReference(p.host + "/" + ref)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func sampleImage(t *testing.T, o sample.Options) v1.Image {
	t.Helper()
	image, err := sample.Image(o)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func parseTag(t *testing.T, ref string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	c, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const patched = "10.0.20348.4200"

// The tag moves to an image on the new base, with the layers of the application as
// they were: none of them is read or sent.
func TestRebase(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	before := p.image(t, "web:v1")
	next := p.patch(t, patched)
	done, err := p.rebase(t, nil, p.host+"/web:v1", p.host+"/web:v1")
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log.String())
	}
	if len(done) != 1 || done[0].Current || !strings.HasPrefix(done[0].Ref, p.host+"/web@sha256:") || done[0].Ref == p.first {
		t.Fatalf("done %+v, was %s", done, p.first)
	}
	if !strings.Contains(p.log.String(), "web:v1: ltsc2022 10.0.20348.4171 -> 10.0.20348.4200, sha256:") {
		t.Errorf("the log tells nothing of it:\n%s", p.log.String())
	}
	got, sent := p.blobs.since()
	after := p.image(t, "web:v1")
	if err := validate.Image(after); err != nil {
		t.Error(err)
	}
	if c := configOf(t, after); c.OSVersion != patched || !slices.Contains(c.Config.Env, "PATCHED="+patched) {
		t.Errorf("os.version %s, variables %q", c.OSVersion, c.Config.Env)
	}
	if slices.Equal(appLayers(t, before, 0), appLayers(t, after, 0)) {
		t.Error("the layers of the base are still the old ones")
	}
	if digestOfImage(t, after) != done[0].Ref[strings.Index(done[0].Ref, "@")+1:] {
		t.Errorf("the tag names %s, the result is %s", digestOfImage(t, after), done[0].Ref)
	}
	ours := appLayers(t, before, 2)
	if !slices.Equal(ours, appLayers(t, after, 2)) {
		t.Error("the layers of the application changed")
	}
	for _, digest := range ours {
		if got[digest]+sent[digest] > 0 {
			t.Errorf("layer %s of the application was read %d times and sent %d times", digest, got[digest], sent[digest])
		}
	}
	for _, digest := range appLayers(t, next, 0) {
		if had := slices.Contains(appLayers(t, before, 0), digest); !had && sent[digest] != 1 {
			t.Errorf("layer %s of the base was sent %d times", digest, sent[digest])
		}
	}
	again, err := p.rebase(t, nil, p.host+"/web:v1")
	if err != nil || !again[0].Current || again[0].Ref != done[0].Ref {
		t.Errorf("again: %+v, %v", again, err)
	}
	if got, sent := p.blobs.since(); len(sent) > 0 {
		t.Errorf("again: read %v, sent %v", got, sent)
	}
	noTempLeft(t, p.TempRoot)
}

// appLayers are the digests of the layers behind the first n.
func appLayers(t *testing.T, image v1.Image, n int) []string {
	t.Helper()
	m, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range m.Layers[n:] {
		all = append(all, l.Digest.String())
	}
	return all
}

func TestRebaseDryRunAndTags(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.patch(t, patched)
	p.puts.list = nil
	done, err := p.rebase(t, func(o *RebaseOptions) { o.DryRun = true }, p.host+"/web:v1")
	if err != nil || done[0].Ref != "" || !slices.ContainsFunc(done[0].Changes, func(c string) bool { return strings.Contains(c, "10.0.20348.4171 -> 10.0.20348.4200") }) {
		t.Errorf("dry run: %+v, %v", done, err)
	}
	requests, _ := p.target.since()
	for _, r := range requests {
		if !strings.HasPrefix(r, "GET ") && !strings.HasPrefix(r, "HEAD ") && r != "ping" {
			t.Errorf("a dry run sent %s", r)
		}
	}
	done, err = p.rebase(t, func(o *RebaseOptions) { o.Tags = []string{"v2", "v3"} }, p.first)
	if err != nil {
		t.Fatal(err)
	}
	if digestOfImage(t, p.image(t, "web:v1")) != p.first[strings.Index(p.first, "@")+1:] {
		t.Error("v1 moved, though other tags were asked for")
	}
	for _, tag := range []string{"v2", "v3"} {
		if got := p.host + "/web@" + digestOfImage(t, p.image(t, "web:"+tag)); got != done[0].Ref {
			t.Errorf("%s names %s, want %s", tag, got, done[0].Ref)
		}
	}
	done, err = p.rebase(t, func(o *RebaseOptions) { o.DryRun, o.Tags = true, []string{"v4"} }, p.host+"/web:v2")
	if err != nil || !done[0].Current || !slices.Equal(done[0].Changes, []string{"is up to date, and would be tagged v4"}) {
		t.Errorf("a dry run of a current image with a new tag: %+v, %v", done, err)
	}
	// An image that is current still gets the tags that were asked for.
	done, err = p.rebase(t, func(o *RebaseOptions) { o.Tags = []string{"v4"} }, p.host+"/web:v2")
	if err != nil || !done[0].Current || p.host+"/web@"+digestOfImage(t, p.image(t, "web:v4")) != done[0].Ref {
		t.Errorf("a current image with a new tag: %+v, %v", done, err)
	}
}

// A tag that somebody moves meanwhile is read again, and left where it is when that
// happens twice.
func TestRebaseOfATagThatMoves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		times int
		tags  []string
	}{{1, nil}, {2, nil}, {1, []string{"patched", "v1"}}, {2, []string{"patched", "v1"}}} {
		times := tt.times
		t.Run(fmt.Sprint(times, tt.tags), func(t *testing.T) {
			t.Parallel()
			p := newPatchDay(t)
			image := p.image(t, "web:v1")
			p.patch(t, patched)
			var mu sync.Mutex
			var others []v1.Image
			p.blobs.onRequest = func(req *http.Request) {
				// The manifest of the result comes by its digest, right before its tag is looked at.
				if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "/web/manifests/sha256:") {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if len(others) == times {
					return
				}
				config := configOf(t, image).DeepCopy()
				config.Config.Env = append(config.Config.Env, fmt.Sprintf("MOVED=%d", len(others)))
				other, err := mutate.ConfigFile(image, config)
				if err != nil {
					t.Error(err)
				}
				if err := remote.Write(parseTag(t, p.host+"/web:v1"), other); err != nil {
					t.Error(err)
				}
				others = append(others, other)
			}
			done, err := p.rebase(t, func(o *RebaseOptions) { o.Tags = tt.tags }, p.host+"/web:v1")
			now := p.image(t, "web:v1")
			if times == 1 {
				if err != nil || !slices.Contains(configOf(t, now).Config.Env, "MOVED=0") || configOf(t, now).OSVersion != patched {
					t.Errorf("%+v, %v: the tag names an image on %s with %q", done, err, configOf(t, now).OSVersion, configOf(t, now).Config.Env)
				}
				return
			}
			if stageOf(err) != StagePush || !strings.Contains(err.Error(), "meanwhile, so it stays there") || digestOfImage(t, now) != digestOfImage(t, others[1]) {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
}
