package distribution

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// What must never be seen by anybody.
const (
	plantedPassword  = "hunter2 & planted"
	plantedToken     = "planted.token-of_theirs"
	plantedSignature = "PlantedSignature0123"
)

// gossip is a registry that repeats all that it was told, and hands out signed
// addresses. At the paths in failing it fails, in one way after the other.
type gossip struct {
	scheme string // of its challenge
	paths  []string

	mu    sync.Mutex
	count int
}

func (g *gossip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	user, password, _ := r.BasicAuth()
	told := fmt.Sprintf("you sent %v, that is %s and %s, to %s", r.Header, user, password, r.URL)
	if strings.HasPrefix(r.URL.Path, "/token") {
		if g.fails("/token") {
			g.fail(w, told)
			return
		}
		fmt.Fprintf(w, `{"token":%q}`, plantedToken)
		return
	}
	if r.Header.Get("Authorization") == "" && r.URL.Path == "/v2/" {
		w.Header().Set("WWW-Authenticate", strings.ReplaceAll(g.scheme, "HOST", r.Host))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	for _, path := range g.paths {
		if strings.HasPrefix(r.Method+r.URL.Path, path) {
			g.fail(w, told)
			return
		}
	}
	switch {
	case r.Method == http.MethodPost:
		w.Header().Set("Location", "/upload?_state="+plantedSignature)
		w.WriteHeader(http.StatusAccepted)
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/"):
		http.Redirect(w, r, "/storage?X-Amz-Signature="+plantedSignature, http.StatusTemporaryRedirect)
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func (g *gossip) fails(path string) bool {
	for _, p := range g.paths {
		if p == path {
			return true
		}
	}
	return false
}

func (g *gossip) fail(w http.ResponseWriter, told string) {
	g.mu.Lock()
	g.count++
	n := g.count
	g.mu.Unlock()
	switch n % 4 {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, told)
	case 2:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"errors":[{"code":"UNKNOWN","message":%q,"detail":{"told":%q}}]}`, told, told)
	case 3:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":%q}]}`, told)
	}
}

func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	for scheme, challenge := range map[string]string{"basic": `Basic realm="x"`, "bearer": `Bearer realm="http://HOST/token",service="x"`} {
		for _, path := range []string{"/token", "GET/v2/", "POST/v2/", "PUT/upload", "PATCH/upload", "GET/storage", "PUT/v2/", "HEAD/v2/", "GET/v2/team/app/manifests"} {
			t.Run(scheme+" "+path, func(t *testing.T) {
				t.Parallel()
				server := httptest.NewServer(&gossip{scheme: challenge, paths: []string{path}})
				t.Cleanup(server.Close)
				var mu sync.Mutex
				var said []string
				tell := func(text string) {
					mu.Lock()
					defer mu.Unlock()
					said = append(said, text)
				}
				for _, err := range askForAll(t, strings.TrimPrefix(server.URL, "http://"), tell) {
					for ; err != nil; err = errors.Unwrap(err) {
						var outer *Error
						if errors.As(err, &outer) { // what the user sees; what it wraps is for programs
							tell(err.Error())
							tell(outer.Reason())
						}
					}
				}
				if len(said) == 0 && (scheme != "basic" || path != "/token") {
					t.Fatal("nothing failed")
				}
				for _, text := range said {
					for _, secret := range plantedForms() {
						if strings.Contains(text, secret) {
							t.Errorf("%q is told: %s", secret, text)
						}
					}
				}
			})
		}
	}
}

func plantedForms() []string {
	return []string{
		"hunter2", "planted", plantedToken, plantedSignature, "Planted",
		base64.StdEncoding.EncodeToString([]byte("me:" + plantedPassword)), base64.StdEncoding.EncodeToString([]byte(plantedPassword))[4:20],
	}
}

// askForAll does everything that a registry is asked for, and returns what failed.
func askForAll(t *testing.T, host string, tell func(string)) []error {
	t.Helper()
	repo, err := name.NewRepository(host + "/team/app")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	n := NewNetwork(NetworkOptions{
		Transport: transport, Notice: tell, Secrets: new(Secrets),
		Policy: Policy{Pause: time.Millisecond, MaxPause: time.Millisecond},
	})
	r := n.Repository(repo, only{authn.AuthConfig{Username: "me", Password: plantedPassword}}, Push)
	content := []byte("content")
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	body := NewBody(size, func(offset int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content[offset:])), nil })
	ctx := t.Context()
	_, manifestErr := r.Manifest(ctx, "v1")
	_, headErr := r.Head(ctx, "v1")
	_, blobErr := r.Document(ctx, v1.Descriptor{Digest: digest, Size: size})
	_, hasErr := r.HasBlob(ctx, digest)
	_, _, mountErr := r.Mount(ctx, digest, repo.Repo("other"))
	return []error{
		r.Ping(ctx), r.CheckPush(ctx), headErr, manifestErr, blobErr, hasErr, mountErr, r.Upload(ctx, nil, digest, body),
		r.PutManifest(ctx, "v1", []byte(`{"schemaVersion":2}`), "application/vnd.oci.image.manifest.v1+json"),
		n.Login(ctx, repo.Registry, authn.AuthConfig{Username: "me", Password: plantedPassword}),
	}
}
