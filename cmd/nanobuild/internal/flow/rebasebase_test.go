package flow

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// silent puts under web:silent an image that does not say what it was built on, as crane
// append makes them.
func (p *patchDay) silent(t *testing.T, on v1.Image) {
	t.Helper()
	layer := static.NewLayer([]byte("an app"), types.DockerLayer)
	image, err := mutate.Append(on, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "somebody"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parseTag(t, p.host+"/web:silent"), image); err != nil {
		t.Fatal(err)
	}
}

// An image that does not say what it was built on: what is newest is recognised, and
// else the user has to say it.
func TestRebaseOfSilentImages(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	old := sampleImage(t, sample.Options{Layers: 2})
	p.silent(t, old)
	silent := p.host + "/web:silent"
	onLine := func(o *RebaseOptions) {
		o.RegistryMap = []string{"mcr.microsoft.com/windows=" + strings.TrimSuffix(p.base, "/nanoserver:ltsc2022")}
	}
	done, err := p.rebase(t, onLine, silent)
	if err != nil || !done[0].Current {
		t.Errorf("on the newest base: %+v, %v", done, err)
	}
	p.patch(t, patched)
	_, err = p.rebase(t, onLine, silent)
	if stageOf(err) != StageBase || !strings.Contains(err.Error(), "--old-base") || !strings.Contains(err.Error(), "nanoserver:ltsc2022") {
		t.Errorf("on an old base that nobody names: %v", err)
	}
	digest := digestOfImage(t, old)
	done, err = p.rebase(t, func(o *RebaseOptions) { o.OldBase = strings.TrimSuffix(p.base, ":ltsc2022") + "@" + digest }, silent)
	if err != nil || done[0].Current {
		t.Fatalf("with --old-base: %+v, %v", done, err)
	}
	if got := configOf(t, p.image(t, "web:silent")).OSVersion; got != patched {
		t.Errorf("os.version is %s", got)
	}
}

// A new base that the user names may be of another build, and one that was found may
// not.
func TestRebaseOntoANamedBase(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	newer := sampleImage(t, sample.Options{Layers: 1, OSVersion: "10.0.26100.7"})
	p.putBase(t, newer, "ltsc2025")
	done, err := p.rebase(t, func(o *RebaseOptions) {
		o.Base, o.Tags, o.Created = strings.Replace(p.base, "ltsc2022", "ltsc2025", 1), []string{"ltsc2025"}, "2026-12-01T00:00:00Z"
	}, p.host+"/web:v1")
	if err != nil {
		t.Fatal(err)
	}
	image := p.image(t, "web:ltsc2025")
	if c := configOf(t, image); c.OSVersion != "10.0.26100.7" || c.Created.Unix() != 1796083200 {
		t.Errorf("os.version %s, created %s, %+v", c.OSVersion, c.Created, done)
	}
	if says := p.host + "/web:v1: The image was for Windows 10.0.20348.4171 and is for Windows 10.0.26100.7 now, so it runs on other hosts."; strings.Count(p.log.String(), says) != 1 {
		t.Errorf("the log does not say once %q:\n%s", says, p.log.String())
	}
	if !strings.Contains(p.log.String(), "ltsc2022 10.0.20348.4171 -> ltsc2025 10.0.26100.7") {
		t.Errorf("the log tells nothing of it:\n%s", p.log.String())
	}
	p.putBase(t, newer, "ltsc2022") // which is no Windows Server 2022 any more
	_, err = p.rebase(t, nil, p.host+"/web:v1")
	if stageOf(err) != StageBase || !strings.Contains(err.Error(), "has only 10.0.26100.7; name the new base with --base") {
		t.Errorf("a line that changed its build: %v", err)
	}
}

// What belongs to the old digest is told of, and only that.
func TestRebaseTellsWhatStaysBehind(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.patch(t, patched)
	digest := p.first[strings.Index(p.first, "@sha256:")+len("@sha256:"):]
	for _, tag := range []string{"sha256-" + digest + ".sig", "sha256-" + digest + ".att"} {
		if err := remote.Write(parseTag(t, p.host+"/web:"+tag), p.image(t, "web:v1")); err != nil {
			t.Fatal(err)
		}
	}
	p.fallback(t, digest)
	if _, err := p.rebase(t, nil, p.host+"/web:v1"); err != nil {
		t.Fatal(err)
	}
	says := "web:v1: not carried over from sha256:" + digest + ": a signature, attestations, an artifact application/spdx+json; sign the new image with --sign-key or --sign-keyless, and attest it anew"
	if !strings.Contains(p.log.String(), says) {
		t.Errorf("the log does not say %q:\n%s", says, p.log.String())
	}
	p.blobs.since()
	before := len(p.log.String())
	if _, err := p.rebase(t, nil, p.host+"/web:v1"); err != nil {
		t.Fatal(err)
	}
	if log := p.log.String()[before:]; strings.Contains(log, "not carried over") {
		t.Errorf("nothing changed, and the log says %s", log)
	}
}

// fallback puts the index of referrers under its tag.
func (p *patchDay) fallback(t *testing.T, digest string) {
	t.Helper()
	image, err := remote.Get(parseTag(t, p.host+"/web:v1"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": types.OCIImageIndex,
		"manifests": []map[string]any{{"mediaType": image.MediaType, "digest": image.Digest, "size": image.Size, "artifactType": "application/spdx+json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Put(parseTag(t, p.host+"/web:sha256-"+digest), taggable{raw, types.OCIImageIndex}); err != nil {
		t.Fatal(err)
	}
}

type taggable struct {
	raw       []byte
	mediaType types.MediaType
}

func (t taggable) RawManifest() ([]byte, error)        { return t.raw, nil }
func (t taggable) MediaType() (types.MediaType, error) { return t.mediaType, nil }

// Of each base only the documents are read, and of each image its manifest and config.
func TestRebaseReadsLittle(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.patch(t, patched)
	p.bases.since()
	if _, err := p.rebase(t, nil, p.host+"/web:v1"); err != nil {
		t.Fatal(err)
	}
	requests, _ := p.target.since()
	requests = without(requests, "ping")
	want := []string{
		"GET blobs web", // its config
		"GET manifests web",
		"HEAD manifests web",                                             // by digest, whether it is there
		"HEAD manifests web",                                             // the tag, before all
		"HEAD manifests web",                                             // the tag, at the end
		"HEAD manifests web", "HEAD manifests web", "HEAD manifests web", // cosign's tags
		"GET manifests web", // the tag of referrers, since this registry has no list of them
	}
	for _, r := range requests {
		if i := slices.Index(want, r); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else if !strings.HasPrefix(r, "P") && r != "HEAD blobs web" && r != "GET blobs web" {
			t.Errorf("asked for %s once more than expected", r)
		}
	}
	if n := count(requests, "HEAD blobs web"); n > 3 { // two layers of the base, and the config
		t.Errorf("looked for %d blobs, want only those of the base and the config:\n%q", n, requests)
	}
}

func count(all []string, what string) (n int) {
	for _, s := range all {
		if s == what {
			n++
		}
	}
	return n
}
