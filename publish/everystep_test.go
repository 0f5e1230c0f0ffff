package publish

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A registry that refuses everything from some request on, whichever that is, leaves
// nothing half: the tags name the old image or the error tells which do not, and the
// layout beside it is as it was before its turn came.
func TestRefusedAtEveryStep(t *testing.T) {
	t.Parallel()
	refusedAtEveryStep(t, OfImage(testImage(t, testLayer(t, 2, 1000), testLayer(t, 3, 1000))), 12, "v1", "v2")
}

// The same is true of an index, whose images have tags of their own.
func TestRefusedAtEveryStepOfAnIndex(t *testing.T) {
	t.Parallel()
	children := threeBuilds(t, testLayer(t, 2, 1000))[1:]
	children[1].Suffix = ""
	refusedAtEveryStep(t, indexOf(t, children), 20, "v1")
}

func refusedAtEveryStep(t *testing.T, fresh Content, least int64, tags ...string) {
	t.Helper()
	old := testImage(t, testLayer(t, 1, 1000))
	want := map[string]v1.Hash{}
	d, err := fresh.document()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range d.namings(tags) {
		want[n.full()] = n.doc.digest
	}
	all := slices.Collect(maps.Keys(want))
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		for step := int64(0); ; step++ {
			host, rec := newServer(t)
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), old, all...)
			dir := filepath.Join(t.TempDir(), "layout")
			mustPut(t, NewLayout(dir, LayoutOptions{}), old, all...)
			before := contentOf(t, filepath.Join(dir, "index.json"))
			var seen atomic.Int64
			rec.refuseWith(func(*http.Request) (int, string) {
				if seen.Add(1) > step {
					return status, "DENIED"
				}
				return 0, ""
			})
			sinks := []Sink{newTestRegistry(t, host+"/app", RegistryOptions{}), NewLayout(dir, LayoutOptions{})}
			_, err := PushContent(t.Context(), fresh, sinks, tags, PushOptions{})
			rec.refuseWith(nil)
			if err == nil { // it needed fewer requests than were granted
				if step < least {
					t.Errorf("the whole push took %d requests", step)
				}
				break
			}
			moved := map[string]bool{}
			var failed *TagError
			if errors.As(err, &failed) {
				for _, tag := range failed.Moved {
					moved[tag] = true
				}
			}
			names := newTestRegistry(t, host+"/app", RegistryOptions{})
			for _, tag := range all {
				is := digestOf(t, old)
				if moved[tag] {
					is = want[tag]
				}
				if got := headOf(t, names, tag); got != is {
					t.Errorf("%d from request %d on: %s names %s, want %s: %v", status, step, tag, got, is, err)
				}
			}
			if after := contentOf(t, filepath.Join(dir, "index.json")); after != before {
				t.Errorf("%d from request %d on: the layout changed", status, step)
			}
			for _, s := range sinks {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			noScratch(t, dir)
		}
	}
}

func headOf(t *testing.T, r *Registry, tag string) v1.Hash {
	t.Helper()
	held, err := r.remote.Head(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	return held.Digest
}

func contentOf(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func noScratch(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, scratchPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
