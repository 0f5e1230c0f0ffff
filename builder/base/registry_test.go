package base_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

func TestRegistryErrors(t *testing.T) {
	t.Parallel()
	refused := httptest.NewServer(nil)
	refused.Close()
	for name, c := range map[string]struct {
		ref    string
		status int // of every answer but that to the ping; 0: no answer, -1: no network
		kind   error
		parts  []string
	}{
		"no such tag":     {"mcr.microsoft.com/windows/nanoserver:ltsc1999", 404, base.ErrNotFound, []string{"read base mcr.microsoft.com/windows/nanoserver:ltsc1999: 404 Not Found; check the repository"}},
		"short name":      {"ltsc2022", 404, base.ErrNotFound, []string{"read base mcr.microsoft.com/windows/nanoserver:ltsc2022: 404"}},
		"unauthorised":    {"registry.example.com/x:v1", 401, base.ErrUnauthorized, []string{"login registry.example.com"}},
		"forbidden":       {"registry.example.com/x:v1", 403, base.ErrUnauthorized, []string{"login registry.example.com"}},
		"a path":          {"/dev/null", 404, nil, []string{"oci:/dev/null", "tar:/dev/null"}},
		"a path below":    {"./base.tar", 404, nil, []string{"tar:./base.tar"}},
		"alias refused":   {"mynanoserver", 401, base.ErrUnauthorized, []string{"401 Unauthorized; mynanoserver names no registry", "docker save -o base.tar mynanoserver", "tar:base.tar", "push it", "local Docker daemon are not read"}},
		"alias not found": {"team/nano:v1", 404, base.ErrNotFound, []string{"docker save -o base.tar team/nano:v1"}},
		"hub by its name": {"docker.io/team/nano:v1", 401, base.ErrUnauthorized, []string{"login docker.io"}},
		"broken":          {"registry.example.com/x:v1", 501, base.ErrUnreachable, []string{"try again later"}},
		"alias alone":     {"mynanoserver", -1, base.ErrUnreachable, []string{"no such host", "local Docker daemon are not read"}},
		"connection":      {strings.TrimPrefix(refused.URL, "http://") + "/x", 0, base.ErrUnreachable, []string{"check the name and the port"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options()
			if c.status < 0 {
				o = over(roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no such host") }))
			}
			if c.status > 0 {
				o = over(roundTrip(func(r *http.Request) (*http.Response, error) {
					if isHandshake(r) {
						return answer(r, 200, ""), nil
					}
					return answer(r, c.status, ""), nil
				}))
			}
			_, err := base.Resolve(testContext(t), c.ref, o)
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error %v, want a %q", err, c.kind)
			}
			wantError(t, err, c.parts...)
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%v has several lines", err)
			}
			if name == "short name" && strings.Contains(err.Error(), "Docker Hub") {
				t.Errorf("%v speaks of Docker Hub, though Microsoft's registry was asked", err)
			}
			if name == "hub by its name" && strings.Contains(err.Error(), "docker save") {
				t.Errorf("%v speaks of the daemon, though a registry was named", err)
			}
		})
	}
}

func TestNoRemote(t *testing.T) {
	t.Parallel()
	_, err := base.Resolve(testContext(t), "ltsc2022", base.Options{})
	wantError(t, err, "read base mcr.microsoft.com/windows/nanoserver:ltsc2022: registries are not read here")
}

// TestLayersAreStreamed is not parallel: it counts all that is allocated.
func TestLayersAreStreamed(t *testing.T) {
	const size = 16 << 20
	img := image(t, sample.Options{Padding: size})
	ref := newRegistry(t) + "/base:v1"
	pushImage(t, ref, img)
	for _, ref := range []string{ref, "oci:" + imageLayout(t, img), "tar:" + tarOf(t, imageLayout(t, img), true)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b, err := base.Resolve(testContext(t), ref, options())
		if err != nil {
			t.Fatal(err)
		}
		rc := must[io.ReadCloser](t)(b.Layers[0].Compressed())
		n := must[int64](t)(io.Copy(io.Discard, rc))
		if err := rc.Close(); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; n < size || got > size/4 {
			t.Errorf("%s: %d bytes allocated to read %d", ref, got, n)
		}
	}
}
