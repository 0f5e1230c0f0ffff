package publish

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

// roundTripper answers without a network, so that hosts can have any name.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// onlyHTTP plays a host that speaks no TLS.
func onlyHTTP(seen *atomic.Int64, h http.Handler) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme == "https" {
			return nil, errors.New("http: server gave HTTP response to HTTPS client")
		}
		seen.Add(1)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	})
}

func TestGuardRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"10.0.0.5:5000", "192.168.1.4", "172.16.0.9:80", "build.localhost:5000", "registry.corp"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			repo, err := name.NewRepository(host+"/team/app", name.Insecure) // as if the library chose http
			if err != nil {
				t.Fatal(err)
			}
			for allowed := range map[bool]bool{false: true, true: true} {
				var seen atomic.Int64
				s, err := NewRegistry(repo, RegistryOptions{
					Transport: onlyHTTP(&seen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.Method == http.MethodPost {
							w.Header().Set("Location", "/v2/team/app/blobs/uploads/1")
							w.WriteHeader(http.StatusAccepted)
						}
					})),
					PlainHTTP: func(h string) bool { return allowed && h == host },
				})
				if err != nil {
					t.Fatal(err)
				}
				err = s.Check(t.Context())
				if allowed {
					if err != nil {
						t.Errorf("allowed: %v", err)
					}
					continue
				}
				var plain *PlainHTTPError
				if !errors.As(err, &plain) || !strings.Contains(err.Error(), "--insecure "+host) {
					t.Errorf("refused: %v", err)
				}
				if seen.Load() != 0 {
					t.Errorf("%d requests went over http", seen.Load())
				}
			}
		})
	}
}

// A loopback registry that points its client elsewhere over http.
func TestGuardRefusesRedirectsAndRealms(t *testing.T) {
	t.Parallel()
	const elsewhere = "tokens.example.com"
	for what, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"realm": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, elsewhere))
			w.WriteHeader(http.StatusUnauthorized)
		},
	} {
		for _, allowed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s allowed=%v", what, allowed), func(t *testing.T) {
				t.Parallel()
				var seen atomic.Int64
				s := newTestRegistry(t, "localhost:5000/app", RegistryOptions{
					Transport: onlyHTTP(new(atomic.Int64), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Host == elsewhere {
							seen.Add(1)
							w.WriteHeader(http.StatusTeapot)
							return
						}
						handler(w, r)
					})),
					PlainHTTP: func(h string) bool { return Loopback(h) || allowed && h == elsewhere },
				})
				err := s.Check(t.Context())
				var plain *PlainHTTPError
				if got := errors.As(err, &plain) && plain.Host == elsewhere; got == allowed {
					t.Errorf("Check = %v", err)
				}
				if (seen.Load() > 0) != allowed {
					t.Errorf("%d requests reached %s", seen.Load(), elsewhere)
				}
			})
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:5000": true, "127.0.0.1": true, "127.0.0.1:5000": true,
		"127.8.9.10:80": true, "::1": true, "[::1]": true, "[::1]:5000": true, "::ffff:127.0.0.1": true,
		"": false, "128.0.0.1": false, "10.0.0.1:5000": false, "localhost.example.com": false, "x.localhost": false,
		"127.0.0.1.example.com": false, "0.0.0.0": false, "::2": false, "localhost:": true, "127.1": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %v", host, got)
		}
	}
}
