package publish

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A registry that refuses everything from some request on, whichever that is, leaves
// nothing half: the tags name the old image or the error tells which do not, and the
// layout beside it is as it was before its turn came.
func TestRefusedAtEveryStep(t *testing.T) {
	t.Parallel()
	old, fresh := testImage(t, testLayer(t, 1, 1000)), testImage(t, testLayer(t, 2, 1000), testLayer(t, 3, 1000))
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		for step := int64(0); ; step++ {
			host, rec := newServer(t)
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), old, "v1", "v2")
			dir := filepath.Join(t.TempDir(), "layout")
			mustPut(t, NewLayout(dir, LayoutOptions{}), old, "v1", "v2")
			before := contentOf(t, filepath.Join(dir, "index.json"))
			var seen atomic.Int64
			rec.refuseWith(func(*http.Request) (int, string) {
				if seen.Add(1) > step {
					return status, "DENIED"
				}
				return 0, ""
			})
			sinks := []Sink{newTestRegistry(t, host+"/app", RegistryOptions{}), NewLayout(dir, LayoutOptions{})}
			_, err := Push(t.Context(), fresh, sinks, []string{"v1", "v2"}, PushOptions{})
			rec.refuseWith(nil)
			if err == nil { // it needed fewer requests than were granted
				if step < 12 {
					t.Errorf("the whole push took %d requests", step)
				}
				break
			}
			moved := map[string]bool{}
			var tags *TagError
			if errors.As(err, &tags) {
				for _, tag := range tags.Moved {
					moved[tag] = true
				}
			}
			names := newTestRegistry(t, host+"/app", RegistryOptions{})
			for _, tag := range []string{"v1", "v2"} {
				want := digestOf(t, old)
				if moved[tag] {
					want = digestOf(t, fresh)
				}
				if got := headOf(t, names, tag); got != want {
					t.Errorf("%d from request %d on: %s names %s, want %s: %v", status, step, tag, got, want, err)
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
