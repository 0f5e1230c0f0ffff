package distribution_test

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// sessions remembers the uploads that were lost, since what is lost stays so.
type sessions struct {
	mu   sync.Mutex
	lost map[string]answer
}

// answer is what a request to a lost upload gets.
type answer struct {
	code   int
	text   string
	header http.Header
}

func (s *sessions) lose(id string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = map[string]answer{}
	}
	s.lost[id] = a
}

func (s *sessions) find(id string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.lost[id]
	return a, ok
}

// before stands before a registry and answers for the uploads that are lost.
func (s *sessions) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := s.find(path.Base(r.URL.Path)); ok && uploadID.MatchString(r.URL.Path) {
			_, _ = io.Copy(io.Discard, r.Body)
			a.write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a answer) write(w http.ResponseWriter) {
	copyHeader(w.Header(), a.header)
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, a.text)
}

// lostUpload is a registry that has forgotten an upload between two requests, or in
// the middle of one.
func lostUpload(s *sessions, name string, a answer) fault {
	return fault{name, continued, func(x *exchange) {
		s.lose(path.Base(x.r.URL.Path), a)
		if x.dice.IntN(2) > 0 {
			_, _ = io.Copy(io.Discard, x.r.Body)
		}
		a.write(x.w)
	}}
}

// The ways of registries to say that an upload is lost.
var (
	lostKnown   = answer{http.StatusNotFound, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown to registry"}]}`, nil}
	lostBare    = answer{http.StatusNotFound, "404 page not found\n", nil}
	lostInvalid = answer{http.StatusBadRequest, `{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"blob upload invalid"}]}`, nil}
	lostStream  = answer{http.StatusBadRequest, `{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"Stream uploads after first write are not allowed"}]}`, nil}
	lostRange   = answer{http.StatusRequestedRangeNotSatisfiable, "", http.Header{"Range": {"0-0"}}}
)

// wrongOffset is a registry that lies about how much of an upload it has.
func wrongOffset() fault {
	return fault{"wrong Range in the answer to a chunk", and(continued, isMethod(http.MethodPatch)), func(x *exchange) {
		a := x.answer()
		if a.header.Get("Range") != "" {
			a.header.Set("Range", []string{"0-7", "0-99999999", "bytes=0-", "-1-5", ""}[x.dice.IntN(5)])
		}
		x.write(a, a.body, len(a.body))
	}}
}

// onceWritten is Gitea's way: an upload takes one write, and when that breaks no
// other. https://github.com/dotnet/sdk-container-builds/issues/471
func onceWritten(s *sessions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := &watched{ReadCloser: r.Body}
			r.Body = body
			next.ServeHTTP(w, r)
			if body.failed && strings.Contains(r.URL.Path, "/blobs/uploads/") {
				s.lose(path.Base(r.URL.Path), lostStream)
			}
		}))
	}
}

// watched remembers whether a body broke.
type watched struct {
	io.ReadCloser
	failed bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.failed = w.failed || err != nil && err != io.EOF
	return n, err
}

func rangeText(start, size int) string {
	return fmt.Sprintf("bytes %d-%d/%d", start, size-1, size)
}
