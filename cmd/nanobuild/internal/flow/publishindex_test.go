package flow

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/engines"
)

// threeBases are layouts with bases of three releases, by the build.
func threeBases(t *testing.T, o sample.Options) map[string]string {
	t.Helper()
	bases := map[string]string{}
	for _, version := range []string{"10.0.17763.8000", "10.0.20348.4171", "10.0.26100.4349"} {
		o.OSVersion = version
		image, err := sample.Image(o)
		if err != nil {
			t.Fatal(err)
		}
		bases[version] = layoutOf(t, image)
	}
	return bases
}

// windowsHosts are hosts by what of the three releases they take: first choice of
// containerd, which counts process isolation alone, and of dockerd.
func windowsHosts() map[string][2]string {
	return map[string][2]string{
		"10.0.17763.1":    {"17763", "17763"},
		"10.0.19045.1":    {"", "17763"}, // with Hyper-V
		"10.0.20348.1":    {"20348", "20348"},
		"10.0.20348.9999": {"20348", "20348"},
		"10.0.22621.1":    {"20348", "20348"},
		"10.0.22631.1":    {"20348", "20348"},
		"10.0.25398.1":    {"20348", "20348"},
		"10.0.26100.1":    {"26100", "26100"},
		"10.0.26200.1":    {"26100", "26100"},
		"10.0.14393.1":    {"", ""},
	}
}

func buildOfChoice(d v1.Descriptor, ok bool) string {
	if !ok {
		return ""
	}
	return strings.Split(d.Platform.OSVersion+"...", ".")[2]
}

// checkHosts fails unless each host takes the image that it can run.
func checkHosts(t *testing.T, entries []v1.Descriptor) {
	t.Helper()
	for version, want := range windowsHosts() {
		host := v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}
		if got := buildOfChoice(engines.Containerd(host, entries)); got != want[0] {
			t.Errorf("containerd on %s takes %q, want %q", version, got, want[0])
		}
		if got := buildOfChoice(engines.Dockerd(host, entries)); got != want[1] {
			t.Errorf("dockerd on %s takes %q, want %q", version, got, want[1])
		}
	}
}

// blobPuts counts the uploads of a registry by digest.
type blobPuts struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen map[string]int
}

func (b *blobPuts) RoundTrip(r *http.Request) (*http.Response, error) {
	if digest := r.URL.Query().Get("digest"); digest != "" && r.Method == http.MethodPut {
		b.mu.Lock()
		if b.seen == nil {
			b.seen = map[string]int{}
		}
		b.seen[digest]++
		b.mu.Unlock()
	}
	return b.next.RoundTrip(r)
}

func pulledIndex(t *testing.T, ref string) (v1.ImageIndex, *v1.IndexManifest) {
	t.Helper()
	idx := indexAt(t, ref)
	m, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return idx, m
}

// TestPublishOnThreeBases: one build, one set of layers of ours, an image per base in
// one index of full versions, and what differs in the bases stays different.
func TestPublishOnThreeBases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	puts := &blobPuts{next: w.Transport}
	w.Transport = puts
	bases := threeBases(t, sample.Options{})
	admin, err := sample.Image(sample.Options{OSVersion: "10.0.26100.4349", User: "ContainerAdministrator", Env: []string{"ONLY=2025"}})
	if err != nil {
		t.Fatal(err)
	}
	bases["10.0.26100.4349"] = layoutOf(t, admin)
	o := w.options(w.app(t, "out", "hi"))
	o.Bases = slices.Collect(maps.Values(bases)) // in any order
	o.Targets = Targets{Repo: w.host + "/demo", Tags: []string{"v1"}}
	o.PlatformTags = true
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	idx, m := pulledIndex(t, refs[0])
	var versions []string
	counted := map[v1.Hash]int{}
	for _, d := range m.Manifests {
		versions = append(versions, d.Platform.OSVersion)
		img, err := idx.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil || config.OSVersion != d.Platform.OSVersion || d.Platform.OS != "windows" || d.Platform.Architecture != "amd64" {
			t.Fatalf("entry %+v, config %q, %v", d.Platform, config.OSVersion, err)
		}
		user, own := config.Config.User, slices.Contains(config.Config.Env, "ONLY=2025")
		if newest := strings.HasPrefix(config.OSVersion, "10.0.26100"); newest != own || newest != (user == "ContainerAdministrator") {
			t.Errorf("%s: user %s, variables %q", config.OSVersion, user, config.Config.Env)
		}
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range manifest.Layers {
			counted[l.Digest]++
		}
	}
	if want := []string{"10.0.26100.4349", "10.0.20348.4171", "10.0.17763.8000"}; !slices.Equal(versions, want) {
		t.Errorf("entries %q, want %q", versions, want)
	}
	shared := 0
	for _, n := range counted {
		if n == 3 {
			shared++
		}
	}
	for digest, n := range puts.seen {
		if n != 1 {
			t.Errorf("%s was uploaded %d times", digest, n)
		}
	}
	if shared == 0 || len(puts.seen) != len(counted)+3 { // and three configs
		t.Errorf("%d layers are shared, %d blobs uploaded, %d layers in all", shared, len(puts.seen), len(counted))
	}
	checkHosts(t, m.Manifests)
	for i, release := range []string{"ltsc2025", "ltsc2022", "ltsc2019"} {
		if got := taggedDigest(t, w.host+"/demo:v1-"+release); got != m.Manifests[i].Digest {
			t.Errorf("v1-%s names %s, want %s", release, got, m.Manifests[i].Digest)
		}
	}
	again, err := Publish(t.Context(), o, w.Deps)
	if err != nil || !slices.Equal(again, refs) {
		t.Errorf("again: %q, %v, want %q", again, err, refs)
	}
}

func taggedDigest(t *testing.T, ref string) v1.Hash {
	t.Helper()
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	d, err := remote.Head(tag)
	if err != nil {
		t.Fatal(err)
	}
	return d.Digest
}

// TestPublishWholeList: --index takes a list whole; one build gives a plain image.
func TestPublishWholeList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var images []v1.Image
	for _, version := range []string{"10.0.20348.9", "10.0.20348.2700", "10.0.17763.1"} {
		image, err := sample.Image(sample.Options{OSVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	for _, c := range []struct {
		images []v1.Image
		want   []string
	}{{images, []string{"10.0.20348.2700", "10.0.17763.1"}}, {images[:2], nil}} {
		list, err := sample.Index(c.images...)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := sample.WriteLayout(dir, list); err != nil {
			t.Fatal(err)
		}
		o := w.options(w.app(t, "out", "hi"))
		o.Bases, o.Index, o.PlatformTags = []string{"oci:" + dir}, true, true
		o.Targets = Targets{Repo: w.host + "/whole", Tags: []string{"v1"}, Layouts: []string{"layout:v1"}, Tarballs: []string{"image.tar"}}
		refs, err := Publish(t.Context(), o, w.Deps)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if c.want != nil {
			_, m := pulledIndex(t, refs[0])
			for _, d := range m.Manifests {
				got = append(got, d.Platform.OSVersion)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("entries %q, want %q", got, c.want)
		}
		taggedDigest(t, w.host+"/whole:v1-ltsc2022")
	}
}

// TestSameBuildTwice: no host could tell two images of one build apart.
func TestSameBuildTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := sample.Image(sample.Options{OSVersion: "10.0.20348.1"})
	if err != nil {
		t.Fatal(err)
	}
	o := w.options(w.app(t, "out", "hi"))
	o.Targets = Targets{Layouts: []string{"layout"}}
	o.Bases = append(o.Bases, layoutOf(t, other))
	_, err = Publish(t.Context(), o, w.Deps)
	if stageOf(err) != StageUsage || !strings.Contains(err.Error(), "of the same build") || !strings.Contains(err.Error(), "--base") {
		t.Errorf("%v", err)
	}
	o.Bases[1] = o.Bases[0]
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Errorf("a base named twice: %v", err)
	}
}

// TestIntoIndex: our images join those of another tool under one tag, whose entries
// keep their bytes, and a second run replaces ours alone.
func TestIntoIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	linux, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	platform := &v1.Platform{OS: "linux", Architecture: "amd64"}
	idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: linux, Descriptor: v1.Descriptor{Platform: platform, Annotations: map[string]string{"who": "another tool"}}})
	tag, err := name.NewTag(w.host + "/both:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, idx); err != nil {
		t.Fatal(err)
	}
	bases := threeBases(t, sample.Options{})
	var before []v1.Hash
	for _, message := range []string{"one", "two"} {
		o := w.options(w.app(t, "out", message))
		o.Bases, o.IntoIndex = slices.Collect(maps.Values(bases)), tag.Name()
		refs, err := Publish(t.Context(), o, w.Deps)
		if err != nil {
			t.Fatal(err)
		}
		if got := taggedDigest(t, tag.Name()); !strings.HasSuffix(refs[0], "@"+got.String()) {
			t.Errorf("printed %s, the tag names %s", refs[0], got)
		}
		_, m := pulledIndex(t, tag.Name())
		if len(m.Manifests) != 4 || m.MediaType != "application/vnd.oci.image.index.v1+json" {
			t.Fatalf("%s with %d entries", m.MediaType, len(m.Manifests))
		}
		checkHosts(t, m.Manifests)
		host := v1.Platform{OS: "linux", Architecture: "amd64"}
		if got, ok := engines.Containerd(host, m.Manifests); !ok || got.Annotations["who"] != "another tool" {
			t.Errorf("containerd on Linux takes %+v", got)
		}
		var now []v1.Hash
		for _, d := range m.Manifests {
			if d.Platform.OS == "windows" {
				now = append(now, d.Digest)
				if d.MediaType != "application/vnd.oci.image.manifest.v1+json" {
					t.Errorf("%s in an OCI index", d.MediaType)
				}
			}
		}
		if slices.Equal(before, now) {
			t.Error("the second run replaced nothing")
		}
		before = now
	}
	o := w.options(w.app(t, "out", "three"))
	o.IntoIndex, o.Image = tag.Name(), builder.Overrides{Format: builder.FormatDocker}
	if _, err := Publish(t.Context(), o, w.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--format") {
		t.Errorf("another format: %v", err)
	}
	o.IntoIndex, o.Image = w.host+"/new:v1", builder.Overrides{}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Errorf("no index yet: %v", err)
	}
	// Who publishes over such a tag without saying so loses the other images.
	o.IntoIndex, o.Targets = "", Targets{Repo: tag.Context().Name(), Tags: []string{"v1"}}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil || !strings.Contains(w.log.String(), "--into-index") {
		t.Errorf("%v, no warning", err)
	}
}
