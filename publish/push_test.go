package publish

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// three returns a registry, a layout and a tarball below dir.
func three(t *testing.T, host, dir string) []Sink {
	return []Sink{
		newTestRegistry(t, host+"/app", RegistryOptions{}),
		NewLayout(filepath.Join(dir, "layout"), LayoutOptions{Repository: "app"}),
		NewTarball(filepath.Join(dir, "app.tar"), []string{"app"}, TarballOptions{}),
	}
}

func TestPushToAll(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	dir := t.TempDir()
	large, small := testLayer(t, 1, 90_000), testLayer(t, 2, 1000)
	base := foreignLayer("stays at home")
	img := testImage(t, base, small, large, small)
	var events []Event
	refs, err := Push(t.Context(), img, three(t, host, dir), []string{"v1"}, PushOptions{Jobs: 1, Report: func(e Event) { events = append(events, e) }})
	if err != nil {
		t.Fatal(err)
	}
	digest := digestOf(t, img).String()
	want := []string{host + "/app@" + digest, "oci:" + filepath.Join(dir, "layout") + "@" + digest, "tar:" + filepath.Join(dir, "app.tar") + "@" + digest}
	if diff := cmp.Diff(want, refs); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
	var got []string
	for _, e := range events {
		switch {
		case e.Kind == LayerFinished && e.Sink == host+"/app":
			got = append(got, e.How.String()+" "+e.Layer.String())
			if e.How == Uploaded && e.Bytes != e.Size {
				t.Errorf("%s: %d bytes sent of %d", e.Layer, e.Bytes, e.Size)
			}
		case e.Kind == Staged && e.Bytes == 0:
			t.Errorf("%s: nothing staged", e.Sink)
		}
	}
	wantLayers := []string{"uploaded " + digestOf(t, large).String(), "uploaded " + digestOf(t, small).String(), "skipped " + digestOf(t, base).String()}
	if diff := cmp.Diff(wantLayers, got); diff != "" {
		t.Errorf("layers of the registry, largest first and each once (-want +got):\n%s", diff)
	}
	kinds := map[EventKind]int{}
	for _, e := range events {
		kinds[e.Kind]++
	}
	if diff := cmp.Diff(map[EventKind]int{LayerStarted: 6, LayerFinished: 9, Staged: 3, Committed: 3}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if !slices.IsSortedFunc(events, func(a, b Event) int { return int(max(a.Kind, LayerFinished) - max(b.Kind, LayerFinished)) }) {
		t.Error("a sink was staged or committed before all layers were everywhere")
	}
}

func TestPushIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for what, refuse := range map[string]func(*http.Request) bool{
		"a layer": func(r *http.Request) bool { return r.Method == http.MethodPost },
		"the manifest": func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			good, goodRec := newServer(t)
			bad, badRec := newServer(t)
			badRec.refuseWith(func(r *http.Request) (int, string) {
				if refuse(r) {
					return http.StatusBadRequest, "REFUSED"
				}
				return 0, ""
			})
			dir := t.TempDir()
			sinks := append(three(t, good, dir), newTestRegistry(t, bad+"/app", RegistryOptions{}))
			refs, err := Push(t.Context(), testImage(t, testLayer(t, 1, 40_000)), sinks, []string{"v1"}, PushOptions{})
			if err == nil || refs != nil || !strings.Contains(err.Error(), "REFUSED") || !strings.Contains(err.Error(), bad) {
				t.Fatalf("Push = %v, %v", refs, err)
			}
			for _, q := range goodRec.take("PUT ") {
				if strings.HasSuffix(q, "/manifests/v1") {
					t.Errorf("the good registry's tag was moved: %s", q)
				}
			}
			if _, err := layout.ImageIndexFromPath(filepath.Join(dir, "layout")); err == nil {
				t.Error("the layout got its index")
			}
			if m, _ := filepath.Glob(filepath.Join(dir, "app.tar")); m != nil {
				t.Error("the tarball was written")
			}
			if l := hidden(t, dir); len(l) > 0 {
				t.Errorf("left behind: %v", l)
			}
		})
	}
}

func TestPushSaysWhichTagsMoved(t *testing.T) {
	t.Parallel()
	good, _ := newServer(t)
	bad, badRec := newServer(t)
	badRec.refuseWith(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/v2") {
			return http.StatusConflict, "IMMUTABLE"
		}
		return 0, ""
	})
	sinks := []Sink{newTestRegistry(t, good+"/app", RegistryOptions{}), newTestRegistry(t, bad+"/app", RegistryOptions{})}
	img := testImage(t, testLayer(t, 1, 40_000))
	_, err := Push(t.Context(), img, sinks, []string{"v1", "v2", "v3"}, PushOptions{})
	var tag *TagError
	if !errors.As(err, &tag) {
		t.Fatalf("Push = %v, want a TagError", err)
	}
	for _, words := range []string{"tag " + bad + "/app:v2", "tags moved: v1", "not tried: v3", "finished before: " + good + "/app@" + digestOf(t, img).String()} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
}

func TestPushRunsJobsTogether(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	var meet sync.WaitGroup // each of the first two uploads waits for the other
	meet.Add(2)
	var uploads atomic.Int64
	next := rec.next
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && uploads.Add(1) <= 2 {
			meet.Done()
			meet.Wait()
		}
		next.ServeHTTP(w, r)
	})
	img := testImage(t, testLayer(t, 1, 40_000), testLayer(t, 2, 40_000))
	sinks := []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, errors.New("two uploads were never under way at once"))
	defer cancel()
	if _, err := Push(ctx, img, sinks, []string{"v1"}, PushOptions{Jobs: 2}); err != nil {
		t.Fatal(err)
	}
}
