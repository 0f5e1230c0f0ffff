package publish

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// openings counts how often a layer's bytes are opened.
type openings struct {
	v1.Layer
	n *atomic.Int64
}

func (o openings) Compressed() (io.ReadCloser, error) {
	o.n.Add(1)
	return o.Layer.Compressed()
}

// troubled answers the first requests for which it is asked by trouble.
func troubled(rec *recorder, times int, is func(*http.Request) bool, trouble http.HandlerFunc) {
	var mu sync.Mutex
	next := rec.next
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		hit := times > 0 && is(r)
		if hit {
			times--
		}
		mu.Unlock()
		if hit {
			trouble(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func blobPut(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/uploads/")
}

func manifestPut(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
}

// answers reads the whole body, so that the number of bytes sent is known.
func answers(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	}
}

// cutsOff breaks the connection in the middle of the body.
func cutsOff(w http.ResponseWriter, r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, 1000)
	panic(http.ErrAbortHandler)
}

func TestUploadsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]http.HandlerFunc{
		"408": answers(408), "429": answers(429), "500": answers(500), "502": answers(502), "503": answers(503), "504": answers(504),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for times := range 3 {
				host, rec := newServer(t)
				troubled(rec, times, blobPut, trouble)
				layer := openings{testLayer(t, 1, 50_000), new(atomic.Int64)}
				put, err := newTestRegistry(t, host+"/app", RegistryOptions{}).PutLayer(t.Context(), layer)
				size, _ := layer.Size()
				if want := (Put{How: Uploaded, Bytes: size * int64(times+1)}); err != nil || put != want {
					t.Errorf("after %d troubles: PutLayer = %+v, %v; want %+v", times, put, err, want)
				}
				if got := layer.n.Load(); got != int64(times+1) {
					t.Errorf("after %d troubles: opened %d times", times, got)
				}
				if got := len(rec.take("POST ")); got != times+1 {
					t.Errorf("after %d troubles: %d uploads were begun, want a new one for each try", times, got)
				}
			}
		})
	}
}

func TestUploadsSurviveCutConnections(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	troubled(rec, 2, blobPut, cutsOff)
	layer := testLayer(t, 1, 3_000_000)
	put, err := newTestRegistry(t, host+"/app", RegistryOptions{}).PutLayer(t.Context(), layer)
	size, _ := layer.Size()
	if err != nil || put.How != Uploaded || put.Bytes <= size || put.Bytes > 3*size {
		t.Errorf("PutLayer = %+v, %v; want more than the %d bytes of one try", put, err, size)
	}
}

func TestUploadOfNothing(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	put, err := newTestRegistry(t, host+"/app", RegistryOptions{}).PutLayer(t.Context(), static.NewLayer(nil, types.OCILayer))
	if err != nil || put != (Put{How: Uploaded}) {
		t.Errorf("PutLayer = %+v, %v", put, err)
	}
}

func TestUploadsAreGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trouble http.HandlerFunc
		tries   int
	}{
		"503": {answers(503), 6}, "cut off": {cutsOff, 6}, "400": {answers(400), 2}, "501": {answers(501), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			troubled(rec, 99, blobPut, c.trouble)
			s := newTestRegistry(t, host+"/app", RegistryOptions{})
			layer := testLayer(t, 1, 3_000_000)
			if put, err := s.PutLayer(t.Context(), layer); err == nil || put != (Put{}) {
				t.Errorf("PutLayer = %+v, %v", put, err)
			}
			if got := len(rec.take("PUT ")); got != c.tries {
				t.Errorf("%d tries, want %d", got, c.tries)
			}
			if s.o.Places.Has(s.repo, digestOf(t, layer)) {
				t.Error("a blob that did not arrive counts as there")
			}
		})
	}
}

func TestManifestsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]http.HandlerFunc{"500": answers(500), "429": answers(429), "cut off": cutsOff} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			troubled(rec, 2, manifestPut, trouble)
			img := testImage(t, testLayer(t, 1, 1000))
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
			var puts int
			for _, q := range rec.take("PUT ") {
				if strings.Contains(q, "/manifests/sha256:") {
					puts++
				}
			}
			if puts != 3 {
				t.Errorf("the manifest was put %d times, want 3", puts)
			}
		})
	}
}

type builderError struct{}

func (builderError) Error() string { return "the record was wrong" }

// unopened is a layer whose bytes cannot be made.
type unopened struct {
	v1.Layer
	err error
}

func (u unopened) Compressed() (io.ReadCloser, error) { return nil, u.err }

// A layer's own trouble is not the registry's, whatever it looks like.
func TestSourceTroubleIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	good := testLayer(t, 1, 300_000)
	hiccup := &transport.Error{StatusCode: http.StatusServiceUnavailable}
	failing := func(err error) func(io.ReadCloser) io.ReadCloser {
		return func(rc io.ReadCloser) io.ReadCloser {
			return struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(rc, 1000), readerFunc(func([]byte) (int, error) { return 0, err })), rc}
		}
	}
	for name, layer := range map[string]v1.Layer{
		"when opened":                unopened{good, builderError{}},
		"when read":                  brokenLayer{good, failing(builderError{})},
		"another registry, opened":   unopened{good, errors.Join(builderError{}, hiccup)},
		"another registry, read":     brokenLayer{good, failing(errors.Join(builderError{}, hiccup))},
		"another connection, midway": brokenLayer{good, failing(errors.Join(builderError{}, io.ErrUnexpectedEOF))},
		"right after the last byte": brokenLayer{good, func(rc io.ReadCloser) io.ReadCloser {
			return struct {
				io.Reader
				io.Closer
			}{io.MultiReader(rc, readerFunc(func([]byte) (int, error) { return 0, builderError{} })), rc}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			counted := openings{layer, new(atomic.Int64)}
			s := newTestRegistry(t, host+"/app", RegistryOptions{})
			_, err := s.PutLayer(t.Context(), counted)
			var mine builderError
			var source *SourceError
			if !errors.As(err, &mine) || !errors.As(err, &source) || distribution.Unreachable.In(err) {
				t.Errorf("PutLayer = %v, want a SourceError around the layer's own", err)
			}
			if n := counted.n.Load(); n != 1 {
				t.Errorf("opened %d times", n)
			}
			if has, err := newTestRegistry(t, host+"/app", RegistryOptions{}).Has(t.Context(), digestOf(t, good)); has || err != nil {
				t.Errorf("Has = %v, %v", has, err)
			}
			if n := len(rec.take("POST ")); n != 1 {
				t.Errorf("%d uploads were begun", n)
			}
		})
	}
}

func TestCancellationEndsWaiting(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	stop := errors.New("the user pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	troubled(rec, 1, blobPut, func(w http.ResponseWriter, r *http.Request) {
		answers(503)(w, r)
		time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	})
	slow := distribution.NewNetwork(distribution.NetworkOptions{Policy: distribution.Policy{Pause: time.Hour}})
	s := newTestRegistry(t, host+"/app", RegistryOptions{Network: slow})
	if _, err := s.PutLayer(ctx, testLayer(t, 1, 1000)); !errors.Is(err, stop) {
		t.Errorf("PutLayer = %v, want the cause of the cancellation", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
