package publish

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
)

func TestLocations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, location, want string }{
		{"https://r.example.com/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=x%3D", "https://r.example.com/v2/a/blobs/uploads/1?_state=x%3D"},
		{"https://r.example.com/v2/a/blobs/uploads/", "1", "https://r.example.com/v2/a/blobs/uploads/1"},
		{"https://r.example.com/v2/", "http://r.example.com/up", "https://r.example.com/up"},
		{"https://r.example.com/v2/", "https://r.example.com:443/up", "https://r.example.com/up"},
		{"https://r.example.com/v2/", "https://R.Example.com/up", "https://r.example.com/up"},
		{"http://10.0.0.5:5000/v2/", "http://10.0.0.5:5000/up", "http://10.0.0.5:5000/up"},
		{"http://10.0.0.5:5000/v2/", "https://10.0.0.5:6000/up", "https://10.0.0.5:6000/up"},
		{"https://r.example.com/v2/", "https://storage.example.org/up?sig=1", "https://storage.example.org/up?sig=1"},
		{"https://r.example.com/v2/", "https://203.0.113.9/up", "https://203.0.113.9/up"},
		{"https://r.example.com/v2/", "https://10.0.0.5/up", ""},
		{"https://r.example.com/v2/", "https://169.254.169.254/latest", ""},
		{"https://r.example.com/v2/", "https://[fd00:ec2::254]/latest", ""},
		{"https://r.example.com/v2/", "https://[::ffff:192.168.0.1]/", ""},
		{"https://r.example.com/v2/", "http://127.0.0.1:8080/", ""},
		{"https://r.example.com/v2/", "http://localhost:8080/", ""},
		{"https://r.example.com/v2/", "http://0.0.0.0/", ""},
		{"https://r.example.com/v2/", "", ""},
		{"https://r.example.com/v2/", "http://[bad", ""},
	} {
		from, err := url.Parse(c.from)
		if err != nil {
			t.Fatal(err)
		}
		resp := &http.Response{Header: http.Header{}, Request: &http.Request{URL: from}}
		if c.location != "" {
			resp.Header.Set("Location", c.location)
		}
		got, err := location(resp)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s → %q: got %s, want an error", c.from, c.location, got)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s → %q: got %s, %v; want %s", c.from, c.location, got, err, c.want)
		}
	}
}

// A registry that keeps uploads on another server: that one must not see the
// credentials.
func TestUploadsElsewhereGetNoCredentials(t *testing.T) {
	t.Parallel()
	for name, scheme := range map[string]string{"basic": "Basic realm=\"x\"", "token": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			rec.blobs = nil
			var mu sync.Mutex
			var seen []string
			storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				seen = append(seen, r.Method+" "+r.Header.Get("Authorization")+r.Header.Get("Cookie"))
				mu.Unlock()
				r.URL.Host, r.Host = host, host
				rec.next.ServeHTTP(w, r)
			}))
			t.Cleanup(storage.Close)
			next := rec.next
			rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Host == host && r.Header.Get("Authorization") == "" && r.Method != http.MethodPut && scheme != "" {
					w.Header().Set("WWW-Authenticate", scheme)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if r.Method == http.MethodPost {
					w.Header().Set("Location", storage.URL+"/v2/app/blobs/uploads/1?sig=abc")
					w.Header().Set("Set-Cookie", "a=b")
					w.WriteHeader(http.StatusAccepted)
					return
				}
				next.ServeHTTP(w, r)
			})
			if scheme == "" {
				front := rec.next
				withTokens(host, rec, "push", "secret of push")
				token := rec.next
				rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPut { // forwarded by the storage
						front.ServeHTTP(w, r)
						return
					}
					token.ServeHTTP(w, r)
				})
			}
			keys := anyHost{NewKeychain(CredentialOptions{Environ: pair("DOTNET_CONTAINER_PUSH_REGISTRY", "push"), Targets: []string{"127.0.0.1"}})}
			put, err := newTestRegistry(t, host+"/app", RegistryOptions{Keychain: keys}).PutLayer(t.Context(), testLayer(t, 1, 1000))
			if err != nil || put.How != Uploaded {
				t.Fatalf("PutLayer = %+v, %v", put, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if fmt.Sprint(seen) != "[PUT ]" {
				t.Errorf("the other server saw %q, want one PUT without credentials", seen)
			}
		})
	}
}

// A redirect of an upload is followed with the whole body.
func TestUploadsAreRedirected(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	troubled(rec, 1, blobPut, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
	})
	s := newTestRegistry(t, host+"/app", RegistryOptions{Keychain: authn.NewMultiKeychain()})
	if put, err := s.PutLayer(t.Context(), testLayer(t, 1, 1000)); err != nil || put.How != Uploaded {
		t.Errorf("PutLayer = %+v, %v", put, err)
	}
}

func TestPrivateAddressIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var posts int
	s := newTestRegistry(t, "r.example.com/app", RegistryOptions{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			switch r.Method {
			case http.MethodHead:
				w.WriteHeader(http.StatusNotFound)
			case http.MethodPost:
				posts++
				w.Header().Set("Location", "https://169.254.169.254/latest/meta-data")
				w.WriteHeader(http.StatusAccepted)
			case http.MethodPut:
				t.Errorf("sent a body to %s", r.URL)
			}
			resp := w.Result()
			resp.Request = r
			return resp, nil
		}),
	})
	_, err := s.PutLayer(t.Context(), testLayer(t, 1, 1000))
	var address *addressError
	if !errors.As(err, &address) || !strings.Contains(err.Error(), "169.254.169.254") {
		t.Errorf("PutLayer = %v", err)
	}
	if posts != 1 {
		t.Errorf("%d tries", posts)
	}
}
