package publish

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// linuxIndex puts an index of another tool's Linux image under the tags.
func linuxIndex(t *testing.T, repo string, tags ...string) {
	t.Helper()
	linux := platformed(t, ociImage(t, testLayer(t, 77, 5000)), v1.Platform{OS: "linux", Architecture: "amd64"})
	content := OfIndex(rawIndex(t, entryOf(t, linux)), types.DockerManifestList, []Child{{Image: linux}})
	if _, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, repo, RegistryOptions{})}, tags, PushOptions{}); err != nil {
		t.Fatal(err)
	}
}

// platformsOf returns the platforms that the tag offers, in order.
func platformsOf(t *testing.T, repo, tag string) []string {
	t.Helper()
	m, err := soundIndex(t, repo, tag).IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range m.Manifests {
		names = append(names, platformName(d.Platform))
	}
	return names
}

func TestMergeIntoIndexes(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	repo := host + "/app"
	linuxIndex(t, repo, "both")
	rec.take("")
	s := newTestRegistry(t, repo, RegistryOptions{})
	content := mergeOf(t, threeBuilds(t, testLayer(t, 1, 40_000))[1:])
	refs, err := PushContent(t.Context(), content, []Sink{s}, []string{"both", "new"}, PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"windows/amd64 10.0.20348", "windows/amd64 10.0.17763"}
	if diff := cmp.Diff(append([]string{"linux/amd64"}, ours...), platformsOf(t, repo, "both")); diff != "" {
		t.Errorf("both (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ours, platformsOf(t, repo, "new")); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}
	if want := repo + "@" + headOf(t, newTestRegistry(t, repo, RegistryOptions{}), "both").String(); refs[0] != want {
		t.Errorf("Commit = %s, want that of the first tag, %s", refs[0], want)
	}
	rec.take("")
	again, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both", "new"}, PushOptions{})
	if err != nil || !slices.Equal(again, refs) {
		t.Errorf("again: %v, %v", again, err)
	}
	if w := rec.take("PUT ", "POST "); len(w) > 0 {
		t.Errorf("nothing new, but written: %q", w)
	}
}

// meddler moves the tag right after each of the first PUTs of it, as another run that
// merges at the same moment.
func meddler(t *testing.T, rec *recorder, times int, meddle func(n int)) {
	inner, n, busy := rec.next, 0, false
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		if busy || n >= times || r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/both") {
			return
		}
		n++
		busy = true
		meddle(n)
		busy = false
	})
}

func TestMergesOfTwoRuns(t *testing.T) {
	t.Parallel()
	for times := range mergeTries + 1 {
		host, rec := newServer(t)
		repo := host + "/app"
		linuxIndex(t, repo, "both")
		children := threeBuilds(t, testLayer(t, 1, 40_000))
		arm := platformed(t, ociImage(t, testLayer(t, 78, 5000)), v1.Platform{OS: "linux", Architecture: "arm64"})
		if err := remote.Write(mustRepo(t, repo).Tag("arm"), arm); err != nil {
			t.Fatal(err)
		}
		// The other run read the tag before we moved it, so it knows nothing of ours.
		inner := rec.next
		meddler(t, rec, times, func(n int) {
			d := entryOf(t, arm)
			d.Annotations = map[string]string{"run": strings.Repeat("x", n)}
			body := strings.NewReader(string(rawIndex(t, d)))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+host+"/v2/app/manifests/both", body)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", string(types.DockerManifestList))
			inner.ServeHTTP(&deaf{}, req)
		})
		s := newTestRegistry(t, repo, RegistryOptions{})
		_, err := PushContent(t.Context(), mergeOf(t, children), []Sink{s}, []string{"both", "calm"}, PushOptions{})
		if times == mergeTries {
			var tag *TagError
			if !errors.As(err, &tag) || tag.Failed != "both" || !slices.Contains(tag.Moved, "calm") || slices.Contains(tag.Moved, "both") || !strings.Contains(err.Error(), "another push") {
				t.Errorf("Push = %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("meddled with %d times: %v", times, err)
		}
		want := "linux/amd64"
		if times > 0 {
			want = "linux/arm64" // of which the other run made it
		}
		if got := platformsOf(t, repo, "both"); len(got) != 4 || got[0] != want {
			t.Errorf("meddled with %d times: %v", times, got)
		}
	}
}

func TestMergeRefusesWhatIsNoIndex(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	repo := host + "/app"
	mustPut(t, newTestRegistry(t, repo, RegistryOptions{}), testImage(t, testLayer(t, 1, 1000)), "image")
	children := threeBuilds(t, testLayer(t, 1, 40_000))
	broken := OfMerge(children, func([]byte, types.MediaType) ([]byte, types.MediaType, error) { return nil, "", errMidLayer })
	for what, c := range map[string]struct {
		content Content
		tags    []string
		is      func(error) bool
	}{
		"an image": {mergeOf(t, children), []string{"image"}, func(err error) bool {
			var usage *UsageError
			return errors.As(err, &usage) && strings.Contains(err.Error(), "names one image")
		}},
		"the second tag is an image": {mergeOf(t, children), []string{"a-new", "image"}, func(err error) bool { return strings.Contains(err.Error(), ":image") }},
		"no tag": {mergeOf(t, children), nil, func(err error) bool {
			var usage *UsageError
			return errors.As(err, &usage)
		}},
		"a merge that fails": {broken, []string{"new"}, func(err error) bool { return errors.Is(err, errMidLayer) }},
	} {
		rec.take("")
		_, err := PushContent(t.Context(), c.content, []Sink{newTestRegistry(t, repo, RegistryOptions{})}, c.tags, PushOptions{})
		if err == nil || !c.is(err) {
			t.Errorf("%s: Push = %v", what, err)
		}
		for _, q := range rec.take("PUT /v2/app/manifests/") {
			if !strings.Contains(q, "sha256:") {
				t.Errorf("%s: a tag moved: %s", what, q)
			}
		}
	}
	if _, err := mergeOf(t, children).Digest(); !errors.Is(err, errUnmerged) {
		t.Errorf("Digest = %v", err)
	}
}

// A refused tag leaves all tags where they were.
func TestMergeRefusedTag(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	repo := host + "/app"
	linuxIndex(t, repo, "a", "b")
	before := headOf(t, newTestRegistry(t, repo, RegistryOptions{}), "a")
	refusesTag(rec, "b", http.StatusForbidden, "DENIED")
	children := threeBuilds(t, testLayer(t, 1, 40_000))
	for i := range children {
		children[i].Suffix = ""
	}
	_, err := PushContent(t.Context(), mergeOf(t, children), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"a", "b"}, PushOptions{})
	var tag *TagError
	if !errors.As(err, &tag) || tag.Failed != "b" || !slices.Equal(tag.Back, []string{"a"}) || len(tag.Moved) > 0 {
		t.Errorf("Push = %v", err)
	}
	for _, name := range []string{"a", "b"} {
		if got := headOf(t, newTestRegistry(t, repo, RegistryOptions{}), name); got != before {
			t.Errorf("%s names %s, want %s", name, got, before)
		}
	}
}

func TestIndexTypes(t *testing.T) {
	t.Parallel()
	for content, c := range map[string]struct {
		served, want types.MediaType
	}{
		`{"manifests":[]}`: {"", types.OCIImageIndex},
		`{"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}`: {"", types.DockerManifestList},
		`{"manifests":[ ]}`: {types.DockerManifestList, types.DockerManifestList},
		`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`:    {types.DockerManifestList, types.OCIImageIndex},
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}`: {"", ""},
		`{"manifests":[],"layers":[]}`:                                              {"", ""}, // of which readers would see one or the other
		`{"layers":[]}`:                                                             {types.OCIImageIndex, ""},
		`[]`:                                                                        {types.OCIImageIndex, ""},
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1): {types.OCIImageIndex, ""},
	} {
		got, err := indexType(distribution.Document{Held: distribution.Held{MediaType: c.served}, Content: []byte(content)}, "v1")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%.80s: %q, %v; want %q", content, got, err, c.want)
		}
	}
}

// TestMergeIntoWhatCannotBeRead: what is under the tag would be lost if a refusal to
// read it counted as nothing there.
func TestMergeIntoWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	repo := host + "/app"
	linuxIndex(t, repo, "both")
	rec.refuseWith(func(r *http.Request) (int, string) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/manifests/both") {
			return http.StatusForbidden, "DENIED"
		}
		return 0, ""
	})
	content := mergeOf(t, threeBuilds(t, testLayer(t, 1, 40_000)))
	_, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both"}, PushOptions{})
	if !distribution.Unauthorized.In(err) {
		t.Errorf("%v", err)
	}
	rec.refuseWith(nil)
	if got := platformsOf(t, repo, "both"); !slices.Equal(got, []string{"linux/amd64"}) {
		t.Errorf("the tag offers %q", got)
	}
}
