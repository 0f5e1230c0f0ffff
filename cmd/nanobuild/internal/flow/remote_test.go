package flow

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

func reference(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// impatient are registries that are asked again at once.
func impatient() *registries {
	return newRegistries(distribution.NewNetwork(distribution.NetworkOptions{
		Policy: distribution.Policy{Sleep: func(context.Context, time.Duration) error { return nil }},
	}), nil)
}

// TestRegistriesTellKinds: every method fails with the kind that builder/base knows,
// and says what happened once.
func TestRegistriesTellKinds(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	for what, c := range map[string]struct {
		status int
		kind   error
		reason string
	}{
		"not found":    {404, base.ErrNotFound, "404 Not Found"},
		"unauthorised": {401, base.ErrUnauthorized, "401 Unauthorized"},
		"refused":      {418, base.ErrUnreachable, "418 I'm a teapot"},
		"nobody":       {0, base.ErrUnreachable, "connection refused"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server := gone
			if c.status != 0 {
				server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasSuffix(r.URL.Path, "/v2/") {
						w.WriteHeader(c.status)
					}
				}))
				t.Cleanup(server.Close)
			}
			r := impatient()
			ref := reference(t, strings.TrimPrefix(server.URL, "http://")+"/base:v1")
			d := v1.Descriptor{Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}}
			_, inManifest := r.Manifest(t.Context(), ref)
			_, inDocument := r.Document(t.Context(), ref.Context(), d)
			_, inBlob := r.Blob(t.Context(), ref.Context(), d)
			errs := map[string]error{"Manifest": inManifest, "Document": inDocument, "Blob": inBlob}
			if c.status != 404 {
				_, errs["Head"] = r.Head(t.Context(), ref)
			}
			for method, err := range errs {
				var failed *base.RemoteError
				if !errors.Is(err, c.kind) || !errors.As(err, &failed) || !strings.Contains(failed.Reason, c.reason) || strings.Contains(failed.Reason, ref.Context().Name()) {
					t.Errorf("%s: %v, want a %q with %q", method, err, c.kind, c.reason)
				}
			}
		})
	}
}

// TestRegistriesReadOn: an error in the middle of a blob is of a kind too.
func TestRegistriesReadOn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/v2/") {
			_, _ = io.WriteString(w, "x")
		}
	}))
	t.Cleanup(server.Close)
	r := impatient()
	repo := reference(t, strings.TrimPrefix(server.URL, "http://")+"/base").Context()
	rc, err := r.Blob(t.Context(), repo, v1.Descriptor{Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}})
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if _, err := io.ReadAll(rc); !errors.Is(err, base.ErrUnreachable) || !strings.Contains(err.Error(), "have the digest") {
		t.Errorf("error = %v", err)
	}
}

// TestMirrors: a base is read from its mirror and keeps its name, and an image is
// inspected there.
func TestMirrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image, err := sample.Image(sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference(t, w.host+"/mirror/windows/nanoserver:ltsc2022"), image); err != nil {
		t.Fatal(err)
	}
	const asked = "mcr.example.com/windows/nanoserver:ltsc2022"
	mirrored := NetworkOptions{RegistryMap: []string{"mcr.example.com=" + w.host + "/mirror"}}
	o := w.options(w.app(t, "out", "hi"))
	o.Bases, o.NetworkOptions, o.Targets = []string{asked}, mirrored, Targets{Repo: w.host + "/demo", Tags: []string{"v1"}}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Fatal(err)
	}
	found, err := Inspect(t.Context(), InspectOptions{Image: w.host + "/demo:v1"}, w.Deps)
	if err != nil || found.Base.Name != asked {
		t.Errorf("base %+v, %v, want %s", found.Base, err, asked)
	}
	found, err = Inspect(t.Context(), InspectOptions{Image: asked, NetworkOptions: mirrored}, w.Deps)
	if err != nil || found.Image != asked {
		t.Errorf("image %+v, %v", found, err)
	}
	mirrored.RegistryMap = append(mirrored.RegistryMap, "https://mcr.example.com=x.com")
	if _, err := Inspect(t.Context(), InspectOptions{Image: asked, NetworkOptions: mirrored}, w.Deps); stageOf(err) != StageUsage {
		t.Errorf("error = %v, want one of usage", err)
	}
}
