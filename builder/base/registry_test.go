package base_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

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
		"no such tag":     {"mcr.microsoft.com/windows/nanoserver:ltsc1999", 404, base.ErrNotFound, []string{"check the repository mcr.microsoft.com/windows/nanoserver", "ltsc1999"}},
		"short name":      {"ltsc2022", 404, base.ErrNotFound, []string{"read base mcr.microsoft.com/windows/nanoserver:ltsc2022"}},
		"unauthorised":    {"registry.example.com/x:v1", 401, base.ErrUnauthorized, []string{"docker login registry.example.com"}},
		"forbidden":       {"registry.example.com/x:v1", 403, base.ErrUnauthorized, []string{"docker login registry.example.com"}},
		"a path":          {"/dev/null", 404, nil, []string{"oci:/dev/null", "tar:/dev/null"}},
		"a path below":    {"./base.tar", 404, nil, []string{"tar:./base.tar"}},
		"alias refused":   {"mynanoserver", 401, base.ErrUnauthorized, []string{"docker save -o base.tar mynanoserver", "tar:base.tar", "push it", "local Docker daemon are not read"}},
		"alias not found": {"team/nano:v1", 404, base.ErrNotFound, []string{"docker save -o base.tar team/nano:v1"}},
		"hub by its name": {"docker.io/team/nano:v1", 401, base.ErrUnauthorized, []string{"docker login"}},
		"broken":          {"registry.example.com/x:v1", 501, base.ErrUnreachable, []string{"try again later"}},
		"alias alone":     {"mynanoserver", -1, base.ErrUnreachable, []string{"no such host", "local Docker daemon are not read"}},
		"connection":      {strings.TrimPrefix(refused.URL, "http://") + "/x", 0, base.ErrUnreachable, []string{"check the host name", "HTTPS_PROXY"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := base.Options{}
			if c.status < 0 {
				o.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no such host") })
			}
			if c.status > 0 {
				o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "/v2/") {
						return answer(r, 200, ""), nil
					}
					return answer(r, c.status, ""), nil
				})
			}
			_, err := base.Resolve(testContext(t), c.ref, o)
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error %v, want a %q", err, c.kind)
			}
			wantError(t, err, c.parts...)
			if name == "short name" && strings.Contains(err.Error(), "Docker Hub") {
				t.Errorf("%v speaks of Docker Hub, though Microsoft's registry was asked", err)
			}
			if name == "hub by its name" && strings.Contains(err.Error(), "docker save") {
				t.Errorf("%v speaks of the daemon, though a registry was named", err)
			}
		})
	}
}

// TestLongAnswers: of a web page in the place of an answer only the start is shown.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 404, 418, 501} {
		_, err := base.Resolve(testContext(t), "registry.example.com/x:v1", base.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				return answer(r, 200, ""), nil
			}
			return answer(r, status, "<html>"+strings.Repeat("é", 9000)), nil
		})})
		wantError(t, err, "<html>", "…")
		if len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) {
			t.Errorf("%d: an error of %d bytes: %v", status, len(err.Error()), err)
		}
	}
}

// recorder answers no https and says which http requests were sent.
type recorder struct {
	mu   sync.Mutex
	sent []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "https" {
		return nil, http.ErrSchemeMismatch
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, req.URL.Host)
	return answer(req, 404, ""), nil
}

func TestPlainHTTPOnlyWhereAllowed(t *testing.T) {
	t.Parallel()
	for host, allowed := range map[string]bool{
		"10.1.2.3:5000": false, "192.168.0.9": false, "172.16.0.1:80": false, "registry.local:5000": false, "registry.example.com": false,
		"localhost:5000": true, "127.0.0.1:5000": true, "127.0.0.2:5000": true, "[::1]:5000": true, "r.localhost:5000": false,
		"10.9.9.9:5000": true, "good.example.com": true,
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			_, err := base.Resolve(testContext(t), host+"/x:v1", base.Options{
				Transport: r,
				PlainHTTP: func(h string) bool { return slices.Contains([]string{"10.9.9.9:5000", "good.example.com"}, h) },
			})
			if allowed != (len(r.sent) > 0) {
				t.Errorf("sent over http to %q", r.sent)
			}
			if allowed {
				if !errors.Is(err, base.ErrNotFound) {
					t.Errorf("%v, want not found", err)
				}
				return
			}
			if !errors.Is(err, base.ErrUnreachable) {
				t.Errorf("%v, want unreachable", err)
			}
			wantError(t, err, "--insecure "+host)
		})
	}
}

func TestRedirectToPlainHTTP(t *testing.T) {
	t.Parallel()
	var plain []string
	_, err := base.Resolve(testContext(t), "registry.example.com/x:v1", base.Options{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme == "http" {
				plain = append(plain, r.URL.String())
			}
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				return answer(r, 200, ""), nil
			}
			resp := answer(r, 307, "")
			resp.Header.Set("Location", "http://cdn.example.com/blob")
			return resp, nil
		}),
	})
	wantError(t, err, "--insecure cdn.example.com")
	if len(plain) > 0 {
		t.Errorf("sent %q", plain)
	}
}

func TestRedirectsInACircle(t *testing.T) {
	t.Parallel()
	sent := 0
	_, err := base.Resolve(testContext(t), "registry.example.com/x:v1", base.Options{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				return answer(r, 200, ""), nil
			}
			if sent++; sent > 100 {
				return answer(r, 404, ""), nil
			}
			resp := answer(r, 307, "")
			resp.Header.Set("Location", r.URL.String())
			return resp, nil
		}),
	})
	wantError(t, err, "stopped after 10 redirects")
}

func TestHugeManifest(t *testing.T) {
	t.Parallel()
	huge := `{"schemaVersion":2,"manifests":[]}` + strings.Repeat(" ", 5<<20)
	_, err := base.Resolve(testContext(t), "registry.example.com/x:v1", base.Options{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				return answer(r, 200, ""), nil
			}
			return answer(r, 200, huge), nil
		}),
	})
	wantError(t, err, "more than 4194304 bytes")
}

// fixed is a keychain with one answer.
type fixed struct{ authn.AuthConfig }

func (f fixed) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(f.AuthConfig), nil
}

func TestCredentialsAndUserAgent(t *testing.T) {
	t.Parallel()
	var agents []string
	_, err := base.Resolve(testContext(t), "registry.example.com/x:v1", base.Options{
		Keychain: fixed{authn.AuthConfig{Username: "me", Password: "secret"}}, UserAgent: "nanobuild/test",
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if agents = append(agents, r.UserAgent()); !strings.HasSuffix(r.URL.Path, "/v2/") {
				if user, pass, ok := r.BasicAuth(); !ok || user != "me" || pass != "secret" {
					t.Errorf("%s without the credentials", r.URL)
				}
			}
			resp := answer(r, 401, "")
			resp.Header.Set("WWW-Authenticate", `Basic realm="x"`)
			return resp, nil
		}),
	})
	if !errors.Is(err, base.ErrUnauthorized) {
		t.Errorf("%v", err)
	}
	for _, a := range agents {
		if !strings.HasPrefix(a, "nanobuild/test") {
			t.Errorf("user agent %q", a)
		}
	}
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
		b, err := base.Resolve(testContext(t), ref, base.Options{})
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

func TestLayerOfRegistryIsChecked(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{})
	ref := newRegistry(t) + "/base:v1"
	pushImage(t, ref, img)
	layer := digest(t, must[[]v1.Layer](t)(img.Layers())[0])
	b, err := base.Resolve(testContext(t), ref, base.Options{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err == nil && strings.HasSuffix(r.URL.Path, layer.String()) {
				body := must[[]byte](t)(io.ReadAll(resp.Body))
				body[len(body)/2] ^= 1
				resp.Body = io.NopCloser(strings.NewReader(string(body)))
			}
			return resp, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	rc := must[io.ReadCloser](t)(b.Layers[0].Compressed())
	if _, err := io.Copy(io.Discard, rc); err == nil {
		t.Error("a damaged layer was read without an error")
	}
}
