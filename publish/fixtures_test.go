package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// testLayer returns a real gzip layer of about size bytes, which seed decides.
func testLayer(t testing.TB, seed uint64, size int) v1.Layer {
	t.Helper()
	content := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	return layerOf(t, content)
}

func layerOf(t testing.TB, content []byte) v1.Layer {
	t.Helper()
	tarred := tarOf(t, "Files/x", content)
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tarred)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// testImage returns a Windows image of the layers, in Docker's family.
func testImage(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.DockerManifestSchema2)
	return withLayers(t, mutate.ConfigMediaType(img, types.DockerConfigJSON), "", layers)
}

// ociImage returns the same in OCI's family.
func ociImage(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	return withLayers(t, mutate.ConfigMediaType(img, types.OCIConfigJSON), types.OCILayer, layers)
}

func withLayers(t testing.TB, img v1.Image, mt types.MediaType, layers []v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: "amd64", OS: "windows", OSVersion: "10.0.20348.2700", OSFeatures: []string{"win32k"},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: mt, URLs: urlsOf(t, l)}); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

func urlsOf(t testing.TB, l v1.Layer) []string {
	mt, err := l.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	if mt.IsDistributable() {
		return nil
	}
	return []string{"https://mcr.microsoft.com/v2/windows/nanoserver/blobs/" + digestOf(t, l).String()}
}

func foreignLayer(content string) v1.Layer {
	return static.NewLayer([]byte(content), types.DockerForeignLayer)
}

type digester interface{ Digest() (v1.Hash, error) }

func digestOf(t testing.TB, d digester) v1.Hash {
	t.Helper()
	h, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// brokenLayer is a layer whose bytes are not what it promises.
type brokenLayer struct {
	v1.Layer
	open func(io.ReadCloser) io.ReadCloser
}

func (b brokenLayer) Compressed() (io.ReadCloser, error) {
	rc, err := b.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return b.open(rc), nil
}

var errMidLayer = errors.New("the disk went away")

// failsMidway ends with errMidLayer after n bytes.
func failsMidway(n int64) func(io.ReadCloser) io.ReadCloser {
	return func(rc io.ReadCloser) io.ReadCloser {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(rc, n), failingReader{}), rc}
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errMidLayer }

// flipped has another last byte, so the digest alone tells.
func flipped(rc io.ReadCloser) io.ReadCloser {
	b, err := io.ReadAll(rc)
	if err != nil {
		panic(err)
	}
	b[len(b)-1] ^= 1
	return io.NopCloser(bytes.NewReader(b))
}

// short lacks the last byte.
func short(rc io.ReadCloser) io.ReadCloser {
	b, err := io.ReadAll(rc)
	if err != nil {
		panic(err)
	}
	return io.NopCloser(bytes.NewReader(b[:len(b)-1]))
}

// long has a byte too many.
func long(rc io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(rc, strings.NewReader("x")), rc}
}

// recorder is a registry that notes the requests it gets and can refuse some.
type recorder struct {
	next http.Handler

	mu       sync.Mutex
	requests []string        // "PUT /v2/…"
	blobs    map[string]bool // "repo sha256:…": the library's registry has one pool for all repositories
	refuse   func(*http.Request) (status int, code string)
}

// refuseWith sets what decides about the requests from now on; nil refuses none.
// A request of the one before may still be on its way.
func (r *recorder) refuseWith(refuse func(*http.Request) (status int, code string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = refuse
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	line := req.Method + " " + req.URL.Path
	if req.URL.Query().Has("mount") && req.URL.Query().Has("from") {
		line += " mount"
	}
	r.requests = append(r.requests, line)
	refuse := r.refuse
	r.mu.Unlock()
	if refuse != nil {
		if status, code := refuse(req); status != 0 {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": "refused by the test"}}})
			return
		}
	}
	if r.blob(w, req) {
		return
	}
	r.next.ServeHTTP(w, req)
}

// blob keeps the blobs of repositories apart and grants mounts, neither of which
// the library's registry does. It tells whether it has answered.
func (r *recorder) blob(w http.ResponseWriter, req *http.Request) bool {
	repo, rest, ok := strings.Cut(strings.TrimPrefix(req.URL.Path, "/v2/"), "/blobs/")
	if !ok || r.blobs == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q := req.URL.Query()
	switch {
	case req.Method == http.MethodHead && !r.blobs[repo+" "+rest]:
		w.WriteHeader(http.StatusNotFound)
		return true
	case req.Method == http.MethodPost && r.blobs[q.Get("from")+" "+q.Get("mount")]:
		r.blobs[repo+" "+q.Get("mount")] = true
		w.WriteHeader(http.StatusCreated)
		return true
	case req.Method == http.MethodPut:
		answer := &statusWriter{ResponseWriter: w}
		r.next.ServeHTTP(answer, req)
		if answer.status == http.StatusCreated {
			r.blobs[repo+" "+q.Get("digest")] = true
		}
		return true
	}
	return false
}

// statusWriter remembers the status it was told.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// take returns the requests so far that begin with one of the prefixes, and
// forgets all.
func (r *recorder) take(prefixes ...string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, q := range r.requests {
		for _, p := range prefixes {
			if strings.HasPrefix(q, p) {
				out = append(out, q)
				break
			}
		}
	}
	r.requests = nil
	return out
}

func newServer(t testing.TB) (host string, rec *recorder) {
	t.Helper()
	rec = &recorder{next: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	rec.blobs = map[string]bool{}
	s := httptest.NewServer(rec)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), rec
}

func newTestRegistry(t testing.TB, repo string, o RegistryOptions) *Registry {
	t.Helper()
	if o.Network == nil {
		o.Network = testNetwork(nil)
	}
	r, err := NewRegistry(mustRepo(t, repo), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// testNetwork is one that waits milliseconds.
func testNetwork(transport http.RoundTripper) *distribution.Network {
	return distribution.NewNetwork(distribution.NetworkOptions{
		Transport: transport,
		Policy:    distribution.Policy{Pause: time.Millisecond, MaxPause: 2 * time.Millisecond},
	})
}

func mustRepo(t testing.TB, s string) name.Repository {
	t.Helper()
	repo, err := ParseRepo(s)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}
