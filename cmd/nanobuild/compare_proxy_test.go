package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// TestProxyCounts pushes an image and pulls it again through the proxy.
func TestProxyCounts(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(discardLog)))
	t.Cleanup(server.Close)
	p := startProxy(t, strings.TrimPrefix(server.URL, "http://"))
	img, err := sample.Image(sample.Options{Padding: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(p.host + "/a/b:latest")
	if err != nil {
		t.Fatal(err)
	}

	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	pushed := p.reset()
	blobs := m.Layers[0].Size + m.Config.Size
	if got := pushed.blobBytes(); got != blobs {
		t.Errorf("%d bytes of blobs, want %d", got, blobs)
	}
	if got := pushed.sent(); got != blobs+int64(len(manifest)) {
		t.Errorf("%d bytes sent, want %d", got, blobs+int64(len(manifest)))
	}
	if diff := cmp.Diff(map[string]int{m.Layers[0].Digest.String(): 1, m.Config.Digest.String(): 1}, pushed.uploads); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
	for _, r := range []request{{http.MethodPut, aboutManifest}, {http.MethodGet, aboutPing}} {
		if got := pushed.requests[r]; got != 1 {
			t.Errorf("%s: %d times, want once; all: %s", r, got, pushed)
		}
	}

	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := pulled.LayerByDigest(m.Layers[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	content, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if _, err := io.Copy(io.Discard, content); err != nil {
		t.Fatal(err)
	}
	back := p.reset()
	if got := back.down[aboutBlob]; got != m.Layers[0].Size {
		t.Errorf("%d bytes of blobs came back, want %d", got, m.Layers[0].Size)
	}
	want := map[request]int{{http.MethodGet, aboutPing}: 1, {http.MethodGet, aboutManifest}: 1, {http.MethodGet, aboutBlob}: 1}
	if diff := cmp.Diff(want, back.requests); diff != "" || back.authorised() != 2 || back.sent() != 0 {
		t.Errorf("%s (-want +got):\n%s", back, diff)
	}
}

// TestProxyIsAway stops the proxy and starts it again.
func TestProxyIsAway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	}))
	t.Cleanup(server.Close)
	p := startProxy(t, strings.TrimPrefix(server.URL, "http://"))
	if _, host := get(t, "http://"+p.host+"/v2/"); host != p.host {
		t.Errorf("the registry was asked as %q, want %q", host, p.host)
	}

	p.stop()
	if r, err := http.Get("http://" + p.host + "/v2/"); err == nil {
		r.Body.Close()
		t.Error("a stopped proxy answered")
	}

	p.start(t)
	const latency = 30 * time.Millisecond
	p.delay(latency)
	began := time.Now()
	if _, host := get(t, "http://"+p.host+"/v2/"); host != p.host {
		t.Errorf("after a new start the registry was asked as %q", host)
	}
	if took := time.Since(began); took < latency {
		t.Errorf("the answer came after %s, before the latency of %s", took, latency)
	}
	if got := p.reset().requests[request{http.MethodGet, aboutPing}]; got != 2 {
		t.Errorf("%d requests were counted, want 2", got)
	}
}

func TestRequestOf(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"GET /v2/":                                             "GET ping",
		"GET /token?service=x":                                 "GET token",
		"HEAD /v2/a/b/manifests/latest":                        "HEAD manifest",
		"HEAD /v2/a/b/blobs/sha256:0":                          "HEAD blob",
		"POST /v2/a/b/blobs/uploads/":                          "POST upload",
		"POST /v2/a/b/blobs/uploads/?mount=sha256:0&from=c":    "POST mount",
		"PATCH /v2/a/b/blobs/uploads/1":                        "PATCH upload",
		"PUT /v2/a/b/blobs/uploads/1?digest=sha256:0&mount=no": "PUT upload",
		"GET /v2/a/b/tags/list":                                "GET other",
	} {
		method, target, _ := strings.Cut(given, " ")
		if got := requestOf(httptest.NewRequest(method, target, nil)).String(); got != want {
			t.Errorf("%s is %q, want %q", given, got, want)
		}
	}
}
