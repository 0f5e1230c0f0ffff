package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/testdata/authority"
)

// The secrets that are planted, each of a shape of its own, and with characters that
// are escaped in addresses.
const (
	plantedPassword  = "pl4nted/p@ss+word=1&more"
	plantedToken     = "pl4nted.Bearer.t0ken-of_the.registry"
	plantedIdentity  = "pl4nted-Identity-t0ken-of-the-user"
	plantedRefresh   = "pl4nted-Refresh-t0ken-of-the-server"
	plantedSignature = "pl4ntedX0Amz0Signature0f0d1e2d3c4b5a"
	plantedState     = "pl4nted+State/of=the-upload"
	plantedProxy     = "pl4nted:pr0xy/password"
)

var plants = []string{plantedPassword, plantedToken, plantedIdentity, plantedRefresh, plantedSignature, plantedState, plantedProxy}

// traces are what any planted secret has in it, one for each way to write it: most
// texts have none of them, and are not looked at closer.
var traces = []string{"pl4nted", base64.StdEncoding.EncodeToString([]byte("nte")), base64.StdEncoding.EncodeToString([]byte("4nt")), base64.StdEncoding.EncodeToString([]byte("l4n"))}

// leaks are the planted secrets that a text holds in any spelling.
func leaks(text []byte) []string {
	if !slices.ContainsFunc(traces, func(trace string) bool { return bytes.Contains(text, []byte(trace)) }) {
		return nil
	}
	var found []string
	for _, secret := range plants {
		for how, form := range spelledSecret(secret) {
			if bytes.Contains(text, []byte(form)) {
				found = append(found, fmt.Sprintf("%s, %s", secret, how))
			}
		}
	}
	return found
}

// spelledSecret returns the ways to write a secret, by their names.
func spelledSecret(secret string) map[string]string {
	forms := map[string]string{
		"as it is": secret, "in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
		"quoted": strings.Trim(fmt.Sprintf("%q", secret), `"`),
	}
	for before := range 3 { // what stands before it shifts the characters
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		forms[fmt.Sprintf("in base64 behind %d bytes", before)] = text[4 : len(text)-4]
		text = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		forms[fmt.Sprintf("in base64 of addresses behind %d bytes", before)] = text[4 : len(text)-4]
	}
	return forms
}

// secretWorld is a scene whose servers know the planted secrets, and whose registry
// hands out addresses that are secret themselves.
type secretWorld struct {
	*scene
	repeats *regexp.Regexp // requests, "METHOD host/path", that are refused with all that was sent; nil is none
	status  int            // of such an answer

	mu      sync.Mutex
	seen    map[string]bool  // secrets that were sent to a server
	looked  map[string]int64 // sizes of the temporary files that were looked into while requests came
	leaking []string         // what lay in them
}

func newSecretWorld(t *testing.T, a *authority.Authority, args ...string) *secretWorld {
	t.Helper()
	w := &secretWorld{scene: newScene(t, a, args...), seen: map[string]bool{}, looked: map[string]int64{}}
	w.cache = t.TempDir()
	w.hold(t, baseRef, ourImage(t, sampleOptions()))
	w.serve(t, registryHost, w.watch(http.HandlerFunc(w.answerRegistry)))
	w.serve(t, tokensHost, w.watch(http.HandlerFunc(w.answerToken)))
	w.serve(t, storageHost, w.watch(http.HandlerFunc(w.answerStorage)))
	return w
}

// watch notes which secrets come, and looks into the temporary files meanwhile.
func (w *secretWorld) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w.note(req)
		if w.repeats != nil && w.repeats.MatchString(req.Method+" "+req.Host+req.URL.Path) {
			w.repeat(rw, req)
			return
		}
		next.ServeHTTP(rw, req)
	})
}

func (w *secretWorld) note(req *http.Request) {
	if req.Method == http.MethodPost && req.Host == tokensHost {
		_ = req.ParseForm() // what is no form has no secret
	}
	_, password, _ := req.BasicAuth()
	sent := []string{
		password, strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), req.Form.Get("refresh_token"),
		req.URL.Query().Get("X-Amz-Signature"), req.URL.Query().Get("_state"),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range sent {
		w.seen[s] = true
	}
	_ = filepath.WalkDir(w.temp, func(p string, _ os.DirEntry, _ error) error {
		if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() && info.Size() != w.looked[p] {
			w.looked[p] = info.Size()
			w.leaking = append(w.leaking, leaksIn(p)...)
		}
		return nil // what is gone by now holds nothing
	})
}

// saw tells whether a secret came to a server.
func (w *secretWorld) saw(secret string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[secret]
}

// leaked is what lay in temporary files.
func (w *secretWorld) leaked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.leaking)
}

// repeat answers with what the client sent, as debugging servers do.
func (w *secretWorld) repeat(rw http.ResponseWriter, req *http.Request) {
	_, password, _ := req.BasicAuth()
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Location", "https://10.1.2.3/next?X-Amz-Signature="+plantedSignature)
	rw.WriteHeader(w.status)
	said := fmt.Sprintf("%s https://%s%s, Authorization: %s, %s %s", req.Method, req.Host, req.URL, req.Header.Get("Authorization"), password, req.Form.Get("refresh_token"))
	fmt.Fprintf(rw, `{"errors": [{"code": "DENIED", "message": %q, "detail": {"url": %q, "token": %q}}]}`, said, req.URL.String(), req.Header.Get("Authorization"))
}

func (w *secretWorld) answerRegistry(rw http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") != "Bearer "+plantedToken {
		wantsToken("https://"+tokensHost+"/token", plantedToken, nil).ServeHTTP(rw, req)
		return
	}
	if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/sha256:") {
		signed := url.URL{Scheme: "https", Host: storageHost, Path: req.URL.Path, RawQuery: url.Values{"X-Amz-Signature": {plantedSignature}, "X-Amz-Expires": {"1200"}}.Encode()}
		http.Redirect(rw, req, signed.String(), http.StatusTemporaryRedirect)
		return
	}
	w.working().ServeHTTP(stateful{rw}, req)
}

// stateful adds the state to the address at which an upload goes on.
type stateful struct{ http.ResponseWriter }

func (s stateful) WriteHeader(code int) {
	if at := s.Header().Get("Location"); strings.Contains(at, "/uploads/") {
		s.Header().Set("Location", at+"?"+url.Values{"_state": {plantedState}}.Encode())
	}
	s.ResponseWriter.WriteHeader(code)
}

func (w *secretWorld) answerToken(rw http.ResponseWriter, req *http.Request) {
	user, password, _ := req.BasicAuth()
	identity := req.Form.Get("refresh_token")
	if (user != "me" || password != plantedPassword) && identity != plantedIdentity && identity != plantedRefresh {
		says("", http.StatusUnauthorized, "UNAUTHORIZED", "wrong credentials").write(rw)
		return
	}
	fmt.Fprintf(rw, `{"token": %q, "access_token": %q, "refresh_token": %q}`, plantedToken, plantedToken, plantedRefresh)
}

func (w *secretWorld) answerStorage(rw http.ResponseWriter, req *http.Request) {
	if req.URL.Query().Get("X-Amz-Signature") != plantedSignature {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	w.registry.ServeHTTP(rw, req)
}

// leaksIn are the planted secrets in a file, packed or not.
func leaksIn(file string) []string {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil // it is gone by now
	}
	var found []string
	for _, leak := range append(leaks(content), leaks(unpacked(content))...) {
		found = append(found, file+": "+leak)
	}
	return found
}

// unpacked is the content of a gzip file, as far as there is one.
func unpacked(content []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(r) // of one that is not finished, what is there
	return text
}

// leaksInRegistry looks into the manifest and the config of an image.
func (w *secretWorld) leaksInRegistry(t *testing.T, ref string) []string {
	t.Helper()
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(tag, remote.WithTransport(direct{w.registry}))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return append(leaks(manifest), leaks(config)...)
}
