package publish

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

func TestSinkHolds(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		img := testImage(t, foreignLayer("stays at home"), testLayer(t, 1, 40_000))
		other := testImage(t, testLayer(t, 2, 40_000))
		holds := func(s Sink, img v1.Image, tags ...string) string {
			t.Helper()
			ref, err := s.Holds(t.Context(), OfImage(img), tags)
			if err != nil {
				t.Error(err)
			}
			return ref
		}
		if ref := holds(p.sink(), img, "v1"); ref != "" {
			t.Errorf("an empty place holds the image as %q", ref)
		}
		if l := p.litter(); len(l) > 0 {
			t.Errorf("left behind: %v", l)
		}
		s := p.sink()
		ref := mustPut(t, s, img, "v1", "latest")
		want := map[bool]string{true: ref}[p.keeps] // a tarball never does
		for _, s := range []Sink{s, p.sink()} {
			if got := holds(s, img, "latest", "v1"); got != want {
				t.Errorf("Holds = %q, want %q", got, want)
			}
		}
		for _, c := range []struct {
			img  v1.Image
			tags []string
		}{{img, []string{"v1", "v2"}}, {other, []string{"v1"}}} {
			if got := holds(p.sink(), c.img, c.tags...); got != "" {
				t.Errorf("Holds(%v) = %q, want no", c.tags, got)
			}
		}
		mustPut(t, p.sink(), other, "latest")
		if got := holds(p.sink(), img, "v1", "latest"); got != "" {
			t.Errorf("Holds = %q after one tag moved", got)
		}
	})
}

func TestSinkHoldsWithoutTags(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]place{"registry": registryPlace(t), "layout": layoutPlace(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			img, other := testImage(t, testLayer(t, 1, 40_000)), testImage(t, testLayer(t, 2, 40_000))
			ref := mustPut(t, p.sink(), img)
			for img, want := range map[v1.Image]string{img: ref, other: ""} {
				if got, err := p.sink().Holds(t.Context(), OfImage(img), nil); got != want || err != nil {
					t.Errorf("Holds = %q, %v; want %q", got, err, want)
				}
			}
		})
	}
}

func TestPushLeavesHeldSinksAlone(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	dir := t.TempDir()
	img := testImage(t, testLayer(t, 1, 40_000))
	push := func() (refs []string, kinds map[string][]EventKind) {
		kinds = map[string][]EventKind{}
		refs, err := Push(t.Context(), img, three(t, host, dir), []string{"v1"}, PushOptions{Report: func(e Event) {
			kind, _, _ := strings.Cut(e.Sink, ":")
			kinds[kind] = append(kinds[kind], e.Kind)
			if e.Kind == Current && !strings.HasSuffix(e.Ref, "@"+digestOf(t, img).String()) {
				t.Errorf("reference of %s = %q", e.Sink, e.Ref)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return refs, kinds
	}
	first, _ := push()
	rec.take("")
	again, kinds := push()
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("references (-first +second):\n%s", diff)
	}
	want := map[string][]EventKind{
		"127.0.0.1": {Current}, "oci": {Current},
		"tar": {LayerStarted, LayerFinished, Staged, Committed},
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A sink that callers wrapped in a type of their own learns as well.
func TestPushKnowsWrappedRegistries(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	img := testImage(t, foreignLayer("stays at home"), testLayer(t, 1, 40_000))
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
	places := NewPlaces()
	s := struct{ *Registry }{newTestRegistry(t, host+"/app", RegistryOptions{Places: places})}
	if _, err := Push(t.Context(), img, []Sink{s}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]v1.Hash{m.Layers[1].Digest, m.Config.Digest}, places.Blobs(s.repo)); diff != "" {
		t.Errorf("blobs known of the repository (-want +got):\n%s", diff)
	}
}

func TestRegistryHoldsAsksOnce(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	img, other := testImage(t, testLayer(t, 1, 1000)), testImage(t, testLayer(t, 2, 1000))
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "a", "b")
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), other, "c")
	rec.take("")
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	for range 2 {
		if ref, err := s.Holds(t.Context(), OfImage(img), []string{"a", "b", "c", "d", "a"}); ref != "" || err != nil {
			t.Errorf("Holds = %q, %v", ref, err)
		}
	}
	got := rec.take("HEAD ", "PUT ", "POST ")
	slices.Sort(got)
	if diff := cmp.Diff([]string{"HEAD /v2/app/manifests/a", "HEAD /v2/app/manifests/b", "HEAD /v2/app/manifests/c", "HEAD /v2/app/manifests/d"}, got); diff != "" {
		t.Errorf("Holds (-want +got):\n%s", diff)
	}
	if _, err := s.Commit(t.Context(), OfImage(img), []string{"a", "b", "c", "d"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PUT /v2/app/manifests/c", "PUT /v2/app/manifests/d"}, rec.take("HEAD ", "PUT ", "POST ")); diff != "" {
		t.Errorf("Commit (-want +got):\n%s", diff)
	}
	if ref, err := s.Holds(t.Context(), OfImage(img), []string{"c", "d"}); ref == "" || err != nil {
		t.Errorf("Holds after Commit = %q, %v", ref, err)
	}
	if q := rec.take(""); len(q) > 0 {
		t.Errorf("what was just written is asked for: %v", q)
	}
}

// All tags are asked for at once.
func TestRegistryHoldsInParallel(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	var meet sync.WaitGroup
	meet.Add(5)
	next := rec.next
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			meet.Done()
			meet.Wait()
		}
		next.ServeHTTP(w, r)
	})
	done := make(chan error)
	go func() {
		done <- second(newTestRegistry(t, host+"/app", RegistryOptions{}).Holds(t.Context(), OfImage(testImage(t, testLayer(t, 1, 1000))), []string{"a", "b", "c", "d", "e"}))
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("five questions were never under way at once")
	}
}

func TestRegistryHoldsAnswers(t *testing.T) {
	t.Parallel()
	img := testImage(t, testLayer(t, 1, 1000))
	digest := digestOf(t, img)
	for status, is := range map[int]func(ref string, err error) bool{
		0:   func(ref string, err error) bool { return err == nil && strings.HasSuffix(ref, "/app@"+digest.String()) },
		200: func(ref string, err error) bool { return err == nil && strings.HasSuffix(ref, "/app@"+digest.String()) }, // without a digest: found by GET
		404: func(ref string, err error) bool { return err == nil && ref == "" },
		403: func(ref string, err error) bool { return err == nil && ref == "" },
		401: func(ref string, err error) bool { return distribution.Unauthorized.In(err) && ref == "" },
		500: func(ref string, err error) bool {
			return err != nil && ref == "" && strings.Contains(err.Error(), "look for v1")
		},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
			rec.refuseWith(func(r *http.Request) (int, string) {
				if r.Method == http.MethodHead {
					return status, ""
				}
				return 0, ""
			})
			ref, err := newTestRegistry(t, host+"/app", RegistryOptions{}).Holds(t.Context(), OfImage(img), []string{"v1"})
			if !is(ref, err) {
				t.Errorf("Holds = %q, %v", ref, err)
			}
		})
	}
}

func TestLayoutHoldsOnlyWholeImages(t *testing.T) {
	t.Parallel()
	layer := testLayer(t, 1, 40_000)
	img := testImage(t, foreignLayer("stays at home"), layer)
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	blob := func(h v1.Hash) string { return filepath.Join("blobs", h.Algorithm, h.Hex) }
	rewrite := func(name string, change func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(b), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(b []byte) []byte { b[len(b)-2] ^= 1; return b }
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		holds  bool
	}{
		"nothing": {func(*testing.T, string) {}, true},
		"another entry": {rewrite(indexFile, func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"manifests": [`, `"manifests": [`+"\n    "+`{"mediaType":"x","size":1,"digest":"`+blobNamed(1).String()+`"},`, 1))
		}), false}, // not as we write it
		"another platform":  {rewrite(indexFile, func(b []byte) []byte { return []byte(strings.Replace(string(b), "10.0.20348.2700", "10.0.20348.1", 1)) }), false},
		"another name":      {rewrite(indexFile, func(b []byte) []byte { return []byte(strings.Replace(string(b), "team/app:v1", "team/app:v0", 1)) }), false},
		"no index":          {remove(indexFile), false},
		"a broken index":    {rewrite(indexFile, cut), false},
		"no mark":           {remove(layoutFile), false},
		"no layer":          {remove(blob(digestOf(t, layer))), false},
		"a cut layer":       {rewrite(blob(digestOf(t, layer)), cut), false},
		"no config":         {remove(blob(m.Config.Digest)), false},
		"a broken config":   {rewrite(blob(m.Config.Digest), flip), false},
		"no manifest":       {remove(blob(digestOf(t, img))), false},
		"a broken manifest": {rewrite(blob(digestOf(t, img)), flip), false},
		"a huge manifest":   {rewrite(blob(digestOf(t, img)), func([]byte) []byte { return make([]byte, distribution.MaxDocument+1) }), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "layout")
			o := LayoutOptions{Repository: "team/app"}
			mustPut(t, NewLayout(dir, o), img, "v1", "latest")
			c.damage(t, dir)
			ref, err := NewLayout(dir, o).Holds(t.Context(), OfImage(img), []string{"v1", "latest"})
			if err != nil || (ref != "") != c.holds {
				t.Errorf("Holds = %q, %v", ref, err)
			}
			if c.holds {
				return
			}
			// Whatever is wrong, the next run repairs it or says so.
			if name != "a broken index" {
				mustPutAgain(t, dir, o, img)
			}
		})
	}
}

// mustPutAgain puts img into the damaged layout and sees that it is whole.
func mustPutAgain(t *testing.T, dir string, o LayoutOptions, img v1.Image) {
	t.Helper()
	refs, err := Push(t.Context(), img, []Sink{NewLayout(dir, o)}, []string{"v1", "latest"}, PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := NewLayout(dir, o).Holds(t.Context(), OfImage(img), []string{"v1", "latest"})
	if err != nil || ref != refs[0] {
		t.Errorf("Holds after a repair = %q, %v; want %q", ref, err, refs[0])
	}
}
