package distribution

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func bodyOfBytes(t *testing.T, content []byte) (v1.Hash, *Body) {
	t.Helper()
	digest, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return digest, NewBody(int64(len(content)), func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	})
}

// A proxy that takes no part as large as the registry wants parts to be ends an
// upload, not in a loop.
func TestPartsThatFitNowhere(t *testing.T) {
	t.Parallel()
	for _, least := range []string{"", "1000000", "99999999"} {
		var asked atomic.Int64
		repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Method == http.MethodPost {
				w.Header().Set("Location", "/upload")
				w.Header().Set("OCI-Chunk-Min-Length", least)
				w.WriteHeader(http.StatusAccepted)
				return
			}
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		})
		digest, body := bodyOfBytes(t, make([]byte, 5_000_000))
		err := quick(new([]string)).Repository(repo, nil, Push).Upload(t.Context(), nil, digest, body)
		if !Refused.In(err) || asked.Load() > 20 {
			t.Errorf("least %q: %d requests, Upload = %v", least, asked.Load(), err)
		}
	}
}

// What is stored is stored by the method for it: net/http turns a redirected PUT into
// a GET, whose success means nothing.
func TestRedirectedUploads(t *testing.T) {
	t.Parallel()
	for status, follows := range map[int]bool{301: false, 302: false, 303: false, 307: true, 308: true} {
		var stored atomic.Bool
		repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				w.Header().Set("Location", "/upload")
				w.WriteHeader(http.StatusAccepted)
			case r.URL.Path == "/store" && r.Method == http.MethodPut:
				stored.Store(true)
				w.WriteHeader(http.StatusCreated)
			case r.Method == http.MethodPut:
				http.Redirect(w, r, "/store", status)
			case r.Method == http.MethodHead:
				w.WriteHeader(http.StatusNotFound)
			}
		})
		r := quick(new([]string)).Repository(repo, nil, Push)
		digest, body := bodyOfBytes(t, []byte("a layer"))
		for what, err := range map[string]error{
			"blob":     r.Upload(t.Context(), nil, digest, body),
			"manifest": r.PutManifest(t.Context(), "v1", []byte("{}"), "application/json"),
		} {
			if (err == nil) != follows || stored.Load() != follows {
				t.Errorf("%d, %s: stored %v, %v", status, what, stored.Load(), err)
			}
		}
	}
}

// A success that is not the one for something stored is looked into.
func TestDoubtfulSuccess(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 202, 204} {
		repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.Method {
			case http.MethodPost:
				w.Header().Set("Location", "/upload")
				w.WriteHeader(http.StatusAccepted)
			case http.MethodPut:
				w.WriteHeader(status)
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		})
		r := quick(new([]string)).Repository(repo, nil, Push)
		digest, body := bodyOfBytes(t, []byte("a layer"))
		if err := r.Upload(t.Context(), nil, digest, body); err == nil {
			t.Errorf("%d: the blob counts as stored", status)
		}
		if err := r.PutManifest(t.Context(), "v1", []byte("{}"), "application/json"); err == nil {
			t.Errorf("%d: the manifest counts as stored", status)
		}
	}
}

// A source that fails is not the registry's fault, and its error stays whole.
func TestUploadOfABrokenSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk went away")
	repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", "/upload")
		w.WriteHeader(http.StatusAccepted)
	})
	opened := 0
	body := NewBody(1<<20, func(int64) (io.ReadCloser, error) {
		opened++
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), failing{broken})), nil
	})
	err := quick(new([]string)).Repository(repo, nil, Push).Upload(t.Context(), nil, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, body)
	var source *SourceError
	if !errors.Is(err, broken) || !errors.As(err, &source) || Unreachable.In(err) || opened != 1 {
		t.Errorf("opened %d times, Upload = %v", opened, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Parts go on reading where the one before ended: a layer that comes from another
// registry is not read anew for each.
func TestPartsReadTheirSourceOnce(t *testing.T) {
	t.Parallel()
	var has atomic.Int64
	content := make([]byte, 10<<20)
	digest, _ := bodyOfBytes(t, content)
	repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Location", "/upload")
		switch r.Method {
		case http.MethodPut:
			if has.Add(n) == int64(len(content)) {
				w.WriteHeader(http.StatusCreated)
				return
			}
		case http.MethodPatch:
			has.Add(n)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	var opened, read, closed atomic.Int64
	body := NewBody(int64(len(content)), func(offset int64) (io.ReadCloser, error) {
		opened.Add(1)
		return &countedSource{Reader: bytes.NewReader(content[offset:]), read: &read, closed: &closed}, nil
	})
	n := NewNetwork(NetworkOptions{ChunkSize: 1 << 20})
	if err := n.Repository(repo, nil, Push).Upload(t.Context(), nil, digest, body); err != nil {
		t.Fatal(err)
	}
	if opened.Load() != 1 || closed.Load() != 1 || read.Load() != int64(len(content)) {
		t.Errorf("opened %d times, closed %d times, read %d bytes of %d", opened.Load(), closed.Load(), read.Load(), len(content))
	}
}

type countedSource struct {
	io.Reader
	read, closed *atomic.Int64
}

func (c *countedSource) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c *countedSource) Close() error {
	c.closed.Add(1)
	return nil
}

// Some registries give their answers the type of a web page, which makes them none.
func TestAnswersOfTheWrongType(t *testing.T) {
	t.Parallel()
	repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Location", "/upload")
		switch r.Method {
		case http.MethodPost, http.MethodPatch:
			w.WriteHeader(http.StatusAccepted)
		case http.MethodPut:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, "true")
		case http.MethodGet:
			_, _ = io.WriteString(w, ` {"schemaVersion":2}`)
		}
	})
	r := quick(new([]string)).Repository(repo, nil, Push)
	digest, body := bodyOfBytes(t, []byte("a layer"))
	if err := r.Upload(t.Context(), nil, digest, body); err != nil {
		t.Error(err)
	}
	if err := r.PutManifest(t.Context(), "v1", []byte("{}"), "application/json"); err != nil {
		t.Error(err)
	}
	if doc, err := r.Manifest(t.Context(), "v1"); err != nil || string(doc.Content) != ` {"schemaVersion":2}` {
		t.Errorf("Manifest = %q, %v", doc.Content, err)
	}
}
