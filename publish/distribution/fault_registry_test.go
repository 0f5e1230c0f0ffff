package distribution_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// shelf is go-containerregistry's registry with what it lacks: blobs that belong to
// a repository, mounts, blobs in parts, uploads that must have been begun and can be
// asked how far they are. Bodies are read before the registry sees them, because it
// holds a lock while it reads.
type shelf struct {
	registry http.Handler
	blobs    *blobs

	mu      sync.Mutex
	uploads map[string]string // Location path to the Range that was told last
}

func newShelf() *shelf {
	b := &blobs{content: map[string][]byte{}}
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	return &shelf{registry: registry.New(quiet, registry.WithBlobHandler(b)), blobs: b, uploads: map[string]string{}}
}

var blobPath = regexp.MustCompile(`^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$`)

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m := blobPath.FindStringSubmatch(r.URL.Path); m != nil && question(r) {
		s.serveBlob(w, r, m[1]+" "+m[2])
		return
	}
	if !strings.Contains(r.URL.Path, "/blobs/uploads/") {
		s.registry.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodPost {
		s.begin(w, r)
		return
	}
	s.mu.Lock()
	at, known := s.uploads[r.URL.Path]
	s.mu.Unlock()
	if !known {
		_, _ = io.Copy(io.Discard, r.Body)
		lostKnown.write(w)
		return
	}
	s.goOn(w, r, at)
}

func (s *shelf) serveBlob(w http.ResponseWriter, r *http.Request, key string) {
	b, ok := s.blobs.find(key)
	if !ok {
		answer{http.StatusNotFound, `{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}`, nil}.write(w)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", path.Base(r.URL.Path))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func (s *shelf) begin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if s.blobs.mount(q.Get("from"), repositoryOf(r.URL.Path), q.Get("mount")) {
		w.Header().Set("Docker-Content-Digest", q.Get("mount"))
		w.WriteHeader(http.StatusCreated)
		return
	}
	s.registry.ServeHTTP(w, r)
	if to := w.Header().Get("Location"); to != "" {
		s.note(to, "0-0")
	}
}

// goOn is a request to an upload that has at bytes, told as a Range.
func (s *shelf) goOn(w http.ResponseWriter, r *http.Request, at string) {
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Location", r.URL.Path)
		w.Header().Set("Range", at)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		s.note(r.URL.Path, "")
		w.WriteHeader(http.StatusNoContent)
	default:
		all, err := readBody(r)
		s.blobs.largest.Store(max(s.blobs.largest.Load(), int64(len(all))))
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(all), endsWith{err}))
		s.registry.ServeHTTP(w, r)
		if r.Method == http.MethodPatch {
			s.note(r.URL.Path, cmp.Or(w.Header().Get("Range"), at))
		} else if w.Header().Get("Docker-Content-Digest") != "" {
			s.note(r.URL.Path, "")
		}
	}
}

func (s *shelf) note(upload, at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at == "" {
		delete(s.uploads, upload)
		return
	}
	s.uploads[upload] = at
}

type endsWith struct{ err error }

func (e endsWith) Read([]byte) (int, error) { return 0, cmp.Or(e.err, io.EOF) }

// repositoryOf returns the repository that a path belongs to, or "".
func repositoryOf(p string) string {
	rest, ok := strings.CutPrefix(p, "/v2/")
	if !ok {
		return ""
	}
	for _, kind := range []string{"/blobs/", "/manifests/"} {
		if repo, _, found := strings.Cut(rest, kind); found {
			return repo
		}
	}
	return ""
}

// blobs keeps the blobs of repositories apart.
type blobs struct {
	largest atomic.Int64 // body so far, in bytes: a guess at the next one

	mu      sync.Mutex
	content map[string][]byte // by "repository digest"
}

var _ registry.BlobPutHandler = (*blobs)(nil)

// blobKey names a blob. The library tells the repository of an upload with the
// path's "blobs" behind it.
func blobKey(repo string, h v1.Hash) string {
	return strings.TrimSuffix(repo, "/blobs") + " " + h.String()
}

// Get is needed by the library, but the shelf answers before it is asked.
func (b *blobs) Get(_ context.Context, repo string, h v1.Hash) (io.ReadCloser, error) {
	content, ok := b.find(blobKey(repo, h))
	if !ok {
		return nil, registry.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// Put keeps a blob, whose reader fails where it is not what its digest says.
func (b *blobs) Put(_ context.Context, repo string, h v1.Hash, rc io.ReadCloser) error {
	content := bytes.NewBuffer(make([]byte, 0, b.largest.Load()+bytes.MinRead))
	if _, err := content.ReadFrom(rc); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.content[blobKey(repo, h)] = content.Bytes()
	return nil
}

func (b *blobs) find(key string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.content[key]
	return content, ok
}

func (b *blobs) mount(from, to, digest string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.content[from+" "+digest]
	if ok {
		b.content[to+" "+digest] = content
	}
	return ok
}

// fetch asks a registry's handler itself, past all faults.
func fetch(h http.Handler, method, p string, header http.Header, body []byte) (*http.Response, []byte, error) {
	r, err := http.NewRequest(method, "http://localhost"+p, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.URL.Scheme, r.URL.Host = "", "" // as servers see it
	copyHeader(r.Header, header)
	w := newKept()
	h.ServeHTTP(w, r)
	if size := w.header.Get("Content-Length"); size != "" && method == http.MethodGet && size != strconv.Itoa(len(w.body)) {
		return nil, nil, fmt.Errorf("%s: %s bytes promised, %d came", p, size, len(w.body))
	}
	return &http.Response{StatusCode: w.code, Header: w.header}, w.body, nil
}

// kept is an answer that goes nowhere.
type kept struct {
	header http.Header
	code   int
	body   []byte
}

func newKept() *kept { return &kept{header: http.Header{}, code: http.StatusOK} }

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(code int) {
	k.code = code
	if size, err := strconv.Atoi(k.header.Get("Content-Length")); err == nil {
		k.body = make([]byte, 0, size)
	}
}

func (k *kept) Write(b []byte) (int, error) {
	k.body = append(k.body, b...)
	return len(b), nil
}

// readBody reads the body of a request, as far as it comes.
func readBody(r *http.Request) ([]byte, error) {
	all := make([]byte, max(r.ContentLength, 0))
	n, err := io.ReadFull(r.Body, all)
	if r.ContentLength < 0 {
		return io.ReadAll(r.Body)
	}
	return all[:n], err
}
