package flow

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// withIndex puts under web:all an index of the site's image, another one for ltsc2025,
// an image for Linux and an attestation of the first.
func (p *patchDay) withIndex(t *testing.T) {
	t.Helper()
	newer := sampleImage(t, sample.Options{Layers: 2, OSVersion: "10.0.26100.1"})
	p.putBase(t, newer, "ltsc2025")
	o := p.options("web", p.app(t, "newer", "hello"))
	o.Bases, o.Targets.Tags = []string{strings.Replace(p.base, "ltsc2022", "ltsc2025", 1)}, []string{"newer"}
	p.publish(t, o)
	old := p.image(t, "web:v1")
	index, err := sample.Index(p.image(t, "web:newer"), old, sampleImage(t, sample.Options{OS: "linux"}))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := old.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if index, err = sample.WithAttestation(index, digest); err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(parseTag(t, p.host+"/web:all"), index); err != nil {
		t.Fatal(err)
	}
}

// putBase makes a tag of the base's repository name an image.
func (p *patchDay) putBase(t *testing.T, image v1.Image, tag string) {
	t.Helper()
	if err := remote.Write(parseTag(t, p.base[:strings.LastIndexByte(p.base, ':')+1]+tag), image); err != nil {
		t.Fatal(err)
	}
}

// entries are those of the index under web:all, as they are written.
func (p *patchDay) entries(t *testing.T) (raw []byte, entries []json.RawMessage) {
	t.Helper()
	index, err := remote.Index(parseTag(t, p.host+"/web:all"))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = index.RawManifest(); err != nil {
		t.Fatal(err)
	}
	var list struct{ Manifests []json.RawMessage }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return raw, list.Manifests
}

// Each image of an index stays on its own line, and all else as it was.
func TestRebaseIndex(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.withIndex(t)
	p.patch(t, patched)
	_, before := p.entries(t)
	done, err := p.rebase(t, nil, p.host+"/web:all")
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log.String())
	}
	raw, after := p.entries(t)
	if digest, _, err := v1.SHA256(bytes.NewReader(raw)); err != nil || done[0].Ref != p.host+"/web@"+digest.String() {
		t.Errorf("the tag names %s, the result is %s, %v", digest, done[0].Ref, err)
	}
	index, err := remote.Index(parseTag(t, p.host+"/web:all"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	if len(before) != 4 || len(after) != 3 || !bytes.Equal(before[0], after[0]) || !bytes.Equal(before[2], after[2]) {
		t.Errorf("entries before: %s\nand after: %s", before, after)
	}
	if !bytes.Contains(after[1], []byte(patched)) || bytes.Contains(after[1], []byte("4171")) {
		t.Errorf("the entry of ltsc2022 is %s", after[1])
	}
	if says := "ltsc2025 10.0.26100.1 up to date, ltsc2022 10.0.20348.4171 -> " + patched; !strings.Contains(p.log.String(), says) {
		t.Errorf("the log does not say %q:\n%s", says, p.log.String())
	}
	if !slices.ContainsFunc(done[0].Changes, func(c string) bool { return strings.HasPrefix(c, "without the attestation sha256:") }) {
		t.Errorf("the attestation is lost in silence: %q", done[0].Changes)
	}
	if again, err := p.rebase(t, nil, p.host+"/web:all"); err != nil || !again[0].Current || again[0].Ref != done[0].Ref {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// The tag that an image of an index has of its own goes with the index, if it is that
// image which it names.
func TestRebaseIndexWithPlatformTags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		names string   // what all-ltsc2022 names before
		tags  []string // of -t
		moved []string // the tags that name the new image
		stays bool     // all-ltsc2022 names what it named
	}{
		{"moves along", "web:v1", nil, []string{"all-ltsc2022"}, false},
		{"with tags of its own", "web:v1", []string{"new"}, []string{"new-ltsc2022"}, true},
		{"of somebody else", "web:newer", nil, nil, true},
		{"none", "", nil, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPatchDay(t)
			p.withIndex(t)
			if tt.names != "" {
				if err := remote.Tag(parseTag(t, p.host+"/web:all-ltsc2022"), p.image(t, tt.names)); err != nil {
					t.Fatal(err)
				}
			}
			p.patch(t, patched)
			var asked atomic.Int32
			p.blobs.onRequest = func(req *http.Request) {
				if strings.Contains(req.URL.Path, "/manifests/all-") && req.Method == http.MethodHead {
					asked.Add(1)
				}
			}
			done, err := p.rebase(t, func(o *RebaseOptions) { o.Tags, o.DryRun = tt.tags, true }, p.host+"/web:all")
			if err != nil || asked.Load() != 1 {
				t.Errorf("dry run: asked %d times for tags of images, %v", asked.Load(), err)
			}
			for _, tag := range tt.moved {
				if says := "ltsc2022 10.0.20348.4171: tagged " + tag; !slices.Contains(done[0].Changes, says) {
					t.Errorf("changes %q, want %q", done[0].Changes, says)
				}
			}
			if done, err = p.rebase(t, func(o *RebaseOptions) { o.Tags = tt.tags }, p.host+"/web:all"); err != nil {
				t.Fatal(err)
			}
			for _, tag := range tt.moved {
				if got := configOf(t, p.image(t, "web:"+tag)).OSVersion; got != patched {
					t.Errorf("%s is on %s", tag, got)
				}
			}
			if tt.stays && digestOfImage(t, p.image(t, "web:all-ltsc2022")) != digestOfImage(t, p.image(t, tt.names)) {
				t.Error("all-ltsc2022 moved")
			}
			index, err := remote.Get(parseTag(t, p.host+"/web:"+append(tt.tags, "all")[0]))
			if err != nil || done[0].Ref != p.host+"/web@"+index.Digest.String() {
				t.Errorf("the result is %s, and the tag names %v, %v", done[0].Ref, index, err)
			}
			if tt.names == "" {
				if _, err := remote.Head(parseTag(t, p.host+"/web:all-ltsc2022")); err == nil {
					t.Error("all-ltsc2022 is new")
				}
			}
			if tt.tags != nil {
				return
			}
			asked.Store(0)
			if again, err := p.rebase(t, nil, p.host+"/web:all"); err != nil || !again[0].Current || asked.Load() > 0 {
				t.Errorf("again: asked %d times, %+v, %v", asked.Load(), again, err)
			}
		})
	}
}

func TestRebaseIndexRefuses(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.withIndex(t)
	p.patch(t, patched)
	linux := sampleImage(t, sample.Options{OS: "linux"})
	only, err := sample.Index(linux)
	if err != nil {
		t.Fatal(err)
	}
	nested := mutate.AppendManifests(only, mutate.IndexAddendum{Add: only})
	for tag, index := range map[string]v1.ImageIndex{"linux": only, "nested": nested} {
		if err := remote.WriteIndex(parseTag(t, p.host+"/web:"+tag), index); err != nil {
			t.Fatal(err)
		}
	}
	if err := remote.Write(parseTag(t, p.host+"/web:one"), linux); err != nil {
		t.Fatal(err)
	}
	for says, c := range map[string]struct {
		tag, base string
		stage     Stage
	}{
		"an index without images for Windows":                 {"linux", "", StageUsage},
		"an image for linux/amd64":                            {"one", "", StageUsage},
		"an index inside an index":                            {"nested", "", StageBase},
		"has only 10.0.20348.4200; name a list that has 10.0": {"all", p.base, StageUsage},
	} {
		raw, _ := p.entries(t)
		done, err := p.rebase(t, func(o *RebaseOptions) { o.Base = c.base }, p.host+"/web:"+c.tag)
		if stageOf(err) != c.stage || !strings.Contains(err.Error(), says) || done[0].Ref != "" {
			t.Errorf("%s: %+v, %v; want stage %d and %q", c.tag, done, err, c.stage, says)
		}
		if now, _ := p.entries(t); !bytes.Equal(raw, now) {
			t.Error("the tag moved")
		}
	}
}
