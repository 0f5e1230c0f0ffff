package publish

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// Each step waits for all of the one before, and what the images share is sent once.
func TestRegistryIndexOrderOfWrites(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	content := indexOf(t, threeBuilds(t, testLayer(t, 1, 40_000)))
	if _, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	writes := rec.take("PUT ")
	step := func(q string) int {
		switch {
		case strings.Contains(q, "/blobs/"):
			return 0
		case strings.HasSuffix(q, "/manifests/"+digestOf(t, content).String()):
			return 2
		case strings.Contains(q, "/manifests/sha256:"):
			return 1
		case strings.Contains(q, "/manifests/v1-"):
			return 3
		}
		return 4
	}
	var layers, configs []string
	counts := map[int]int{}
	for i, q := range writes {
		counts[step(q)]++
		if step(q) == 0 && i < 4 {
			layers = append(layers, q)
		} else if step(q) == 0 {
			configs = append(configs, q)
		}
	}
	// Three layers of bases and the one of the application, three configs.
	if diff := cmp.Diff(map[int]int{0: 7, 1: 3, 2: 1, 3: 3, 4: 1}, counts); diff != "" {
		t.Errorf("writes by step (-want +got):\n%s", diff)
	}
	// A manifest may come before the config of another image, and no more than that.
	if rest := writes[len(writes)-5:]; !slices.IsSortedFunc(rest, func(a, b string) int { return step(a) - step(b) }) || step(rest[0]) != 2 {
		t.Errorf("the last writes are %q", rest)
	}
	if len(layers) != 4 || len(configs) != 3 {
		t.Errorf("layers %q, configs %q", layers, configs)
	}
}

func TestRequestsOfAnIndex(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	shared := testLayer(t, 1, 9000)
	children := threeBuilds(t, shared)
	push := func(c Content, tags ...string) []string {
		rec.take("")
		if _, err := PushContent(t.Context(), c, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, tags, PushOptions{Warn: func(s string) { t.Error(s) }}); err != nil {
			t.Fatal(err)
		}
		return kinds(rec.take(""))
	}
	patched := slices.Clone(children)
	patched[1].Image = windows(t, "10.0.20348.2762", testLayer(t, 222, 20_000), shared)
	for _, step := range []struct {
		name string
		c    Content
		want []string
	}{
		{"first", indexOf(t, children), slices.Concat(
			repeat(1, "GET ping"), repeat(4, "HEAD tag"), // v1 and those of the three images
			repeat(7, "HEAD blob", "POST upload", "PUT upload"), repeat(4, "PUT manifest"), repeat(4, "PUT tag"),
		)},
		{"unchanged", indexOf(t, children), slices.Concat(
			repeat(1, "GET ping"), repeat(4, "HEAD tag"),
		)},
		{"one base is patched", indexOf(t, patched), slices.Concat(
			repeat(1, "GET ping"), repeat(4, "HEAD tag"), repeat(1, "GET manifest"), // what does v1 offer now?
			repeat(2, "HEAD blob", "POST upload", "PUT upload", "PUT manifest", "PUT tag"),
		)},
		{"merged, for the first time in another tag", mergeOf(t, patched), slices.Concat(
			repeat(1, "GET ping", "GET tag"), repeat(3, "HEAD manifest", "HEAD tag"),
			repeat(4, "PUT tag"), repeat(2, "HEAD tag"), repeat(1, "PUT manifest"), // both is looked at before it moves and after
		)},
		{"merged again", mergeOf(t, patched), slices.Concat(
			repeat(1, "GET ping", "GET tag"), repeat(3, "HEAD manifest", "HEAD tag"),
		)},
	} {
		tag := "v1"
		if step.c.merge != nil {
			tag = "both"
		}
		slices.Sort(step.want)
		if diff := cmp.Diff(step.want, push(step.c, tag)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// Jobs that clean up remove images that no tag names. Pushing the index again makes it
// whole, though its tag names it already.
func TestRegistryIndexIsMadeWholeAgain(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	children := threeBuilds(t, testLayer(t, 1, 40_000))
	for i := range children {
		children[i].Suffix = ""
	}
	content := indexOf(t, children)
	push := func() {
		t.Helper()
		if _, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	push()
	if err := remote.Delete(mustRepo(t, host+"/app").Digest(digestOf(t, children[1].Image).String())); err != nil {
		t.Fatal(err)
	}
	push()
	soundIndex(t, host+"/app", "v1")
	rec.take("")
	push()
	if w := rec.take("PUT ", "POST "); len(w) > 0 {
		t.Errorf("an index that is whole was written: %q", w)
	}
}

func soundIndex(t *testing.T, repo, tag string) v1.ImageIndex {
	t.Helper()
	index, err := remote.Index(mustRepo(t, repo).Tag(tag))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	return index
}

// An image that vanishes while its index is on the way is put once more. The
// library's registry answers MANIFEST_UNKNOWN without saying which, distribution
// names it as a blob.
func TestVanishedImagesArePutAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(gone string) string{
		"as it is": nil,
		"as distribution does": func(gone string) string {
			return `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown","detail":{"digest":"` + gone + `"}}]}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			children := threeBuilds(t, testLayer(t, 1, 40_000))
			content := indexOf(t, children)
			gone, index := digestOf(t, children[0].Image).String(), digestOf(t, content).String()
			inner, refused, put := rec.next, 0, 0
			rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case manifestPut(r) && strings.HasSuffix(r.URL.Path, gone):
					put++
				case manifestPut(r) && strings.HasSuffix(r.URL.Path, index) && put == 1:
					refused++
					if answer != nil {
						w.WriteHeader(http.StatusNotFound)
						_, _ = w.Write([]byte(answer(gone)))
						return
					}
					req, _ := http.NewRequestWithContext(r.Context(), http.MethodDelete, "http://"+host+strings.Replace(r.URL.Path, index, gone, 1), nil)
					inner.ServeHTTP(&deaf{}, req)
				}
				inner.ServeHTTP(w, r)
			})
			if _, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
				t.Fatal(err)
			}
			if refused == 0 || put != 2 {
				t.Errorf("the index was refused %d times, the lost image put %d times", refused, put)
			}
			soundIndex(t, host+"/app", "v1")
		})
	}
}

// An index that names what nobody brings along is refused in the registry's words,
// and no tag moves.
func TestRegistryIndexWithoutItsImages(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	children := threeBuilds(t, testLayer(t, 1, 40_000))
	whole := indexOf(t, children)
	part := OfIndex(whole.raw, whole.mediaType, children[:2])
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	_, err := PushContent(t.Context(), part, []Sink{s}, []string{"v1"}, PushOptions{})
	if err == nil || !strings.Contains(err.Error(), "MANIFEST_UNKNOWN") {
		t.Errorf("Push = %v", err)
	}
	if held := headOf(t, newTestRegistry(t, host+"/app", RegistryOptions{}), "v1"); held != (v1.Hash{}) {
		t.Errorf("v1 names %s", held)
	}
}
