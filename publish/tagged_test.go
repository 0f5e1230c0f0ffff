package publish

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

func TestTagged(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	for family, img := range map[string]v1.Image{
		"docker": testImage(t, foreignLayer("stays at home"), testLayer(t, 1, 1000)), "oci": ociImage(t, testLayer(t, 2, 1000)),
	} {
		mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, family)
		rec.take("")
		s := newTestRegistry(t, host+"/app", RegistryOptions{})
		got, err := s.Tagged(t.Context(), []string{"new", family, "never-asked"})
		if err != nil {
			t.Fatal(err)
		}
		m, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"GET /v2/app/manifests/new", "GET /v2/app/manifests/" + family, "GET /v2/app/blobs/" + m.Config.Digest.String()}
		if diff := cmp.Diff(want, rec.take("GET /v2/app", "HEAD ")); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", family, diff)
		}
		manifest, merr := img.RawManifest()
		config, cerr := img.RawConfigFile()
		if err := errors.Join(merr, cerr); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&Found{Tag: family, Manifest: manifest, Config: config}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", family, diff)
		}
		if diff := cmp.Diff([]v1.Hash{m.Layers[len(m.Layers)-1].Digest, m.Config.Digest}, s.o.Places.Blobs(s.repo)); diff != "" {
			t.Errorf("%s: blobs known (-want +got):\n%s", family, diff)
		}
		if s.o.Places.isConfirmed(s.repo, m.Config.Digest) {
			t.Errorf("%s: what a manifest names was not seen", family)
		}
	}
}

// Of an index, the first image for Windows tells what there is to know of ours.
func TestTaggedIndex(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	children := threeBuilds(t, testLayer(t, 1, 1000))
	linux := platformed(t, testImage(t, testLayer(t, 2, 1000)), v1.Platform{OS: "linux", Architecture: "amd64"})
	pushed(t, host+"/app", indexOf(t, append([]Child{{Image: linux}}, children...)))
	rec.take("")
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	got, err := s.Tagged(t.Context(), []string{"v1"})
	if err != nil || got == nil {
		t.Fatalf("Tagged = %v, %v", got, err)
	}
	d, err := imageDocument(children[0].Image)
	if err != nil {
		t.Fatal(err)
	}
	if got.Tag != "v1" || !bytes.Equal(got.Manifest, d.raw) {
		t.Errorf("Tagged = %s, %s", got.Tag, got.Manifest)
	}
	if n := len(rec.take("GET /v2/app", "HEAD ")); n != 3 {
		t.Errorf("%d requests, want one for the index, the manifest and the config", n)
	}
	if blobs := s.o.Places.Blobs(s.repo); len(blobs) != 3 {
		t.Errorf("blobs known: %v", blobs)
	}
}

func TestTaggedNothing(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	repo := mustRepo(t, host+"/app")
	if err := remote.WriteIndex(repo.Tag("index"), empty.Index); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(repo.Tag("artifact"), mutate.ConfigMediaType(empty.Image, "application/vnd.example.config+json")); err != nil {
		t.Fatal(err)
	}
	mustPut(t, newTestRegistry(t, repo.Name(), RegistryOptions{}), testImage(t, testLayer(t, 1, 1000)), "image")
	for _, tags := range [][]string{nil, {"new"}, {"new", "newer"}, {"index", "image"}, {"artifact", "image"}} {
		if got, err := newTestRegistry(t, repo.Name(), RegistryOptions{}).Tagged(t.Context(), tags); got != nil || err != nil {
			t.Errorf("Tagged(%v) = %+v, %v", tags, got, err)
		}
	}
	rec.refuseWith(func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/manifests/image") {
			return http.StatusForbidden, "DENIED" // as some registries say that nothing is there
		}
		return 0, ""
	})
	if got, err := newTestRegistry(t, repo.Name(), RegistryOptions{}).Tagged(t.Context(), []string{"image"}); got != nil || err != nil {
		t.Errorf("Tagged = %+v, %v", got, err)
	}
}

// What a registry answers is not believed.
func TestTaggedChecksAnswers(t *testing.T) {
	t.Parallel()
	img := testImage(t, testLayer(t, 1, 1000))
	change := func(part string, change func(w http.ResponseWriter, body []byte) []byte) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, part) {
					next.ServeHTTP(w, r)
					return
				}
				answer := httptest.NewRecorder()
				next.ServeHTTP(answer, r)
				for k, v := range answer.Header() {
					w.Header()[k] = v
				}
				w.Header().Del("Content-Length")
				_, _ = w.Write(change(w, answer.Body.Bytes()))
			})
		}
	}
	spaced := func(_ http.ResponseWriter, b []byte) []byte { return append(b, ' ') }
	huge := func(w http.ResponseWriter, b []byte) []byte {
		w.Header().Del("Docker-Content-Digest")
		return append(b, bytes.Repeat([]byte{' '}, distribution.MaxDocument)...)
	}
	for name, c := range map[string]struct {
		front func(http.Handler) http.Handler
		says  string
	}{
		"another manifest": {change("/manifests/", spaced), "came with the digest"},
		"another config":   {change("/blobs/", spaced), "came with the digest"},
		"a huge manifest":  {change("/manifests/", huge), "more than 4 MiB"},
		"a huge config":    {change("/blobs/", huge), "more than 4 MiB"},
		"no JSON": {change("/manifests/", func(w http.ResponseWriter, _ []byte) []byte {
			w.Header().Del("Docker-Content-Digest")
			return []byte("<html>")
		}), "manifest"},
		"no config": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/blobs/") {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				next.ServeHTTP(w, r)
			})
		}, "404"},
		"an error": {func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})
		}, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
			rec.next = c.front(rec.next)
			s := newTestRegistry(t, host+"/app", RegistryOptions{})
			got, err := s.Tagged(t.Context(), []string{"v1"})
			if got != nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Tagged = %+v, %v; want an error that says %q", got, err, c.says)
			}
			if blobs := s.o.Places.Blobs(s.repo); len(blobs) > 0 {
				t.Errorf("learned %v from it", blobs)
			}
		})
	}
}

// OCI lets a manifest leave its media type out, and some registries tell no digest.
func TestTaggedSparseAnswers(t *testing.T) {
	t.Parallel()
	img := ociImage(t, testLayer(t, 1, 1000))
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":%q,"size":%d,"digest":%q},"layers":[]}`, m.Config.MediaType, m.Config.Size, m.Config.Digest)
	s := newTestRegistry(t, "r.example.com/app", RegistryOptions{Network: testNetwork(roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		switch {
		case strings.Contains(r.URL.Path, "/manifests/"):
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1)+"; charset=utf-8")
			_, _ = w.WriteString(manifest)
		case strings.Contains(r.URL.Path, "/blobs/"):
			_, _ = w.Write(config)
		}
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}))})
	got, err := s.Tagged(t.Context(), []string{"v1"})
	if err != nil {
		t.Fatal(err)
	}
	want := &Found{Tag: "v1", Manifest: []byte(manifest), Config: config}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Tagged (-want +got):\n%s", diff)
	}
}
