package flow

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// traffic stands before a registry, counts what comes, and gives each repository
// blobs of its own, which can be mounted from one to another.
type traffic struct {
	next http.Handler

	mu       sync.Mutex
	requests []string        // "HEAD manifests hello", "PUT blobs hello", "ping"
	sent     int64           // bytes of blobs
	holds    map[string]bool // repository and digest
}

var registryPath = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs)/(.+)$`)

func (t *traffic) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	m := registryPath.FindStringSubmatch(req.URL.Path)
	if m == nil {
		t.note("ping", "", "")
		t.next.ServeHTTP(w, req)
		return
	}
	repo, kind, what, query := m[1], m[2], m[3], req.URL.Query()
	upload := kind == "blobs" && strings.HasPrefix(what, "uploads/")
	switch {
	case upload && query.Has("mount") && t.has(query.Get("from"), query.Get("mount")):
		t.note("MOUNT", kind, repo)
		t.hold(repo, query.Get("mount"))
		w.Header().Set("Location", "/v2/"+repo+"/blobs/"+query.Get("mount"))
		w.WriteHeader(http.StatusCreated)
		return
	case kind == "blobs" && !upload && req.Method == http.MethodHead && !t.has(repo, what):
		t.note(req.Method, kind, repo)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	t.note(req.Method, kind, repo)
	if upload {
		req.Body = &countedBody{req.Body, t}
		if req.Method == http.MethodPut {
			t.hold(repo, query.Get("digest"))
		}
	}
	t.next.ServeHTTP(w, req)
}

func (t *traffic) note(method, kind, repo string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, strings.TrimSpace(method+" "+kind+" "+repo))
}

func (t *traffic) has(repo, digest string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.holds[repo+"@"+digest]
}

func (t *traffic) hold(repo, digest string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holds == nil {
		t.holds = map[string]bool{}
	}
	t.holds[repo+"@"+digest] = true
}

// lose makes a repository forget all its blobs.
func (t *traffic) lose(repo string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.holds {
		if strings.HasPrefix(key, repo+"@") {
			delete(t.holds, key)
		}
	}
}

// since returns what came since the last call, sorted.
func (t *traffic) since() (requests []string, sent int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	requests, sent = t.requests, t.sent
	t.requests, t.sent = nil, 0
	slices.Sort(requests)
	return requests, sent
}

type countedBody struct {
	io.ReadCloser
	t *traffic
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.t.mu.Lock()
	c.t.sent += int64(n)
	c.t.mu.Unlock()
	return n, err
}
