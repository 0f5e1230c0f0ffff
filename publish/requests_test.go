package publish

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// kinds gives requests short names, sorted: "HEAD blob", "PUT manifest". Uploads
// and handshakes have names of their own.
func kinds(requests []string) []string {
	var out []string
	for _, q := range requests {
		method, path, _ := strings.Cut(q, " ")
		what := "other"
		switch {
		case path == "/v2/":
			what = "ping"
		case strings.HasSuffix(path, " mount"):
			what = "mount"
		case strings.Contains(path, "/blobs/uploads/"):
			what = "upload"
		case strings.Contains(path, "/blobs/"):
			what = "blob"
		case strings.Contains(path, "/manifests/sha256:"):
			what = "manifest"
		case strings.Contains(path, "/manifests/"):
			what = "tag"
		}
		out = append(out, method+" "+what)
	}
	slices.Sort(out)
	return out
}

func repeat(n int, s ...string) []string { return slices.Repeat(s, n) }

// Each request is a round trip of the user's time, so they are counted.
func TestRequestsOfAPush(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	push := func(img v1.Image, tags ...string) []string {
		rec.take("")
		if _, err := Push(t.Context(), img, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, tags, PushOptions{}); err != nil {
			t.Fatal(err)
		}
		return kinds(rec.take(""))
	}
	a, b, c := testLayer(t, 1, 9000), testLayer(t, 2, 9000), testLayer(t, 3, 9000)
	for _, step := range []struct {
		name string
		img  v1.Image
		tags []string
		want []string
	}{
		{"first", testImage(t, a, b), []string{"v1", "latest"}, slices.Concat(
			repeat(1, "GET ping"),
			repeat(2, "HEAD tag"),
			repeat(3, "HEAD blob", "POST upload", "PUT upload"), // two layers and the config
			repeat(1, "PUT manifest"),
			repeat(2, "PUT tag"),
		)},
		{"unchanged", testImage(t, a, b), []string{"v1", "latest"}, slices.Concat(
			repeat(1, "GET ping"), repeat(2, "HEAD tag"),
		)},
		{"one layer changed", testImage(t, a, c), []string{"v1", "latest"}, slices.Concat(
			repeat(1, "GET ping"),
			repeat(2, "HEAD tag"),
			repeat(3, "HEAD blob"),
			repeat(2, "POST upload", "PUT upload"),
			repeat(1, "PUT manifest"),
			repeat(2, "PUT tag"),
		)},
		{"unchanged under one more tag", testImage(t, a, c), []string{"v1", "v2"}, slices.Concat(
			repeat(1, "GET ping"), repeat(2, "HEAD tag"), repeat(1, "PUT tag"),
		)},
		{"an older image again", testImage(t, a, b), []string{"v1"}, slices.Concat(
			repeat(1, "GET ping"), repeat(1, "HEAD tag"), repeat(3, "HEAD blob"),
			repeat(1, "HEAD manifest"), repeat(1, "PUT tag"),
		)},
	} {
		slices.Sort(step.want)
		if diff := cmp.Diff(step.want, push(step.img, step.tags...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// A layer that was brought early costs nothing when the image is pushed.
func TestRequestsAfterAnEarlyLayer(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	base := testLayer(t, 1, 9000)
	if put, err := s.PutLayer(t.Context(), base); err != nil || put.How != Uploaded {
		t.Fatalf("PutLayer = %+v, %v", put, err)
	}
	rec.take("")
	if put, err := s.PutLayer(t.Context(), brokenLayer{base, failsMidway(0)}); err != nil || put != (Put{How: Exists}) {
		t.Errorf("second PutLayer = %+v, %v", put, err)
	}
	if has, err := s.Has(t.Context(), digestOf(t, base)); err != nil || !has {
		t.Errorf("Has = %v, %v", has, err)
	}
	if q := rec.take(""); len(q) > 0 {
		t.Errorf("a layer that this run brought costs %v", q)
	}
	if _, err := Push(t.Context(), testImage(t, base), []Sink{s}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"HEAD blob", "HEAD tag", "POST upload", "PUT manifest", "PUT tag", "PUT upload"}
	if diff := cmp.Diff(want, kinds(rec.take(""))); diff != "" {
		t.Errorf("the push (-want +got):\n%s", diff)
	}
}

// A layer that is on its way is waited for, without a question of one's own.
func TestRequestsDuringAnEarlyLayer(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	started, release := make(chan struct{}), make(chan struct{})
	next := rec.next
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			close(started)
			<-release
		}
		next.ServeHTTP(w, r)
	})
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	base := testLayer(t, 1, 9000)
	early := make(chan error)
	go func() { early <- second(s.PutLayer(t.Context(), base)) }()
	<-started
	if has, err := s.Has(t.Context(), digestOf(t, base)); has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
	late := make(chan Put)
	go func() {
		put, err := s.PutLayer(t.Context(), base)
		if err != nil {
			t.Error(err)
		}
		late <- put
	}()
	close(release)
	if err := <-early; err != nil {
		t.Error(err)
	}
	if put := <-late; put != (Put{How: Exists}) {
		t.Errorf("PutLayer of what was on its way = %+v", put)
	}
	if diff := cmp.Diff([]string{"GET ping", "HEAD blob", "POST upload", "PUT upload"}, kinds(rec.take(""))); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	for range 2 {
		if err := s.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"GET /v2/"}, rec.take("")); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
