package main_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// flaky spoils three requests of ten before a registry, the same one at most twice.
type flaky struct {
	next http.Handler

	mu     sync.Mutex
	random *rand.Rand
	struck map[string]int
	faults int
}

// uploadID is what differs from one upload of a blob to the next.
var uploadID = regexp.MustCompile(`/blobs/uploads/.+`)

// strike returns the fault for a request; -1 is none.
func (f *flaky) strike(r *http.Request) int {
	key := r.Method + " " + uploadID.ReplaceAllString(r.URL.Path, "/blobs/uploads/*") + r.URL.Query().Get("digest")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.struck[key] == 2 || f.random.Float64() > 0.3 {
		return -1
	}
	f.struck[key]++
	f.faults++
	return f.random.IntN(5)
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch f.strike(r) {
	case 0:
		http.Error(w, "<html><title>502 Bad Gateway</title></html>", http.StatusBadGateway)
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 2: // before the request is read
		panic(http.ErrAbortHandler)
	case 3: // in the middle of its body
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		panic(http.ErrAbortHandler)
	case 4: // done, and nobody hears of it
		f.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		f.next.ServeHTTP(w, r)
	}
}

// TestFlakyRegistry publishes a project onto a base and pushes what is in a layout
// while a third of all requests fails, waits as they are for users.
func TestFlakyRegistry(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	registry := need.StartRegistry(t)
	base := pushBase(t, registry, baseVariants(t)[0])
	dir := copyProject(t, "hello")
	direct, err := url.Parse("http://" + registry)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(direct)
	forward.ErrorLog = discardLog
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	out := filepath.Join(t.TempDir(), "out")
	for seed := range uint64(2) {
		f := &flaky{next: forward, random: rand.New(rand.NewPCG(seed, 6)), struck: map[string]int{}}
		server := httptest.NewUnstartedServer(f)
		server.Config.ErrorLog = discardLog
		server.Start()
		t.Cleanup(server.Close)
		host := "localhost" + server.URL[strings.LastIndex(server.URL, ":"):]
		through := strings.Replace(base, registry, host, 1)
		for _, args := range [][]string{
			{"publish", dir, "--base", through, "--repo", fmt.Sprintf("%s/flaky-%d/hello", host, seed), "--oci-layout", out + ":v1", "-t", "v1", "-t", "v2", "--cache", "off"},
			{"push", "oci:" + out + ":v1", "--repo", fmt.Sprintf("%s/flaky-%d/again", host, seed), "-t", "v1", "-t", "v2"},
		} {
			r := ok(t, dir, nil, args...)
			whole(t, strings.Replace(strings.TrimSpace(r.stdout), host, registry, 1))
			if left := leftovers(t, r.temp); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		}
		t.Logf("seed %d: %d faults", seed, f.faults)
		if f.faults < 5 {
			t.Errorf("only %d faults", f.faults)
		}
	}
}

// whole checks an image in a registry blob by blob, and that both tags name it.
func whole(t *testing.T, ref string) {
	t.Helper()
	digest, err := name.NewDigest(ref)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Errorf("%s: %v", ref, err)
	}
	for _, tag := range []string{"v1", "v2"} {
		held, err := remote.Head(digest.Context().Tag(tag))
		if err != nil || held.Digest.String() != digest.DigestStr() {
			t.Errorf("%s:%s names %v, %v", digest.Context(), tag, held, err)
		}
	}
}
