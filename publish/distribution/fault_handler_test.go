package distribution_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// struck is what became of one request that a fault struck.
type struck struct {
	resp *http.Response
	body []byte
	err  error         // of the request, or of reading its answer
	took time.Duration // of the bubble's clock
	held bool          // the registry has the blob
}

// blobToPut is sent, and blobToGet is there, by requests that are no client's of ours.
var (
	blobToPut = noise(200_000)
	blobToGet = noise(150_000)
)

// strike sends one request to a registry of which the fault is always on.
func strike(t *testing.T, f fault, method string, header http.Header) (s struck) {
	t.Helper()
	f.hits = and(f.hits, isMethod(method))
	b := bedInMemory(row{rate: 1, faults: these(f), http2: strings.HasPrefix(f.name, "GOAWAY")})
	if err := newSpecimen(blobToGet).store(b.registry, b.repo); err != nil {
		t.Fatal(err)
	}
	host := b.start(1)
	client := &http.Client{Transport: b.transport()}
	path, size := "/v2/app/blobs/"+blobToGet.desc.Digest.String(), 0
	var body io.Reader
	if method == http.MethodPut {
		begun, _, err := fetch(b.registry, http.MethodPost, "/v2/app/blobs/uploads/", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		path, size = begun.Header.Get("Location")+"?digest="+blobToPut.desc.Digest.String(), len(blobToPut.content)
		body = bytes.NewReader(blobToPut.content)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+path, body)
	if err != nil {
		t.Fatal(err)
	}
	copyHeader(req.Header, header)
	req.ContentLength = int64(size)
	begin := time.Now()
	if s.resp, s.err = client.Do(req); s.err == nil {
		s.body, s.err = io.ReadAll(s.resp.Body)
		_ = s.resp.Body.Close()
	}
	s.took = time.Since(begin)
	_, s.held = b.registry.(*shelf).blobs.find("app " + blobToPut.desc.Digest.String())
	b.stop()
	if n := len(b.faults[0].record()); n != 1 {
		t.Errorf("%d strokes", n)
	}
	for _, c := range b.complaints {
		t.Error(c)
	}
	return s
}

// Each fault does what its name says.
func TestFaults(t *testing.T) {
	t.Parallel()
	whole := blobToGet.content
	reset := func(s struck) bool { return errors.Is(s.err, syscall.ECONNRESET) || errors.Is(s.err, syscall.EPIPE) }
	code := func(code int) func(struck) bool {
		return func(s struck) bool { return s.err == nil && s.resp.StatusCode == code && !s.held }
	}
	differs := func(a, b []byte) (n int) {
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				n++
			}
		}
		return n
	}
	lost := new(sessions)
	for _, c := range []struct {
		fault  fault
		method string
		ok     func(struck) bool
	}{
		{status(503), "PUT", code(503)},
		{retryAfter(429, false), "GET", func(s struck) bool { return code(429)(s) && s.resp.Header.Get("Retry-After") == "7" }},
		{retryAfter(503, true), "GET", func(s struck) bool {
			until, err := http.ParseTime(s.resp.Header.Get("Retry-After"))
			now, err2 := http.ParseTime(s.resp.Header.Get("Date"))
			return errors.Join(err, err2) == nil && until.Sub(now) == wait
		}},
		{page(200, anyRequest), "GET", func(s struck) bool { return code(200)(s) && string(s.body) == htmlPage }},
		{forbidden("forbidden", "{}", anyRequest), "GET", code(403)},
		{resetEarly(), "PUT", func(s struck) bool { return reset(s) && !s.held }},
		{closedEarly(), "PUT", func(s struck) bool { return errors.Is(s.err, io.EOF) && !s.held }},
		{resetInRequest(), "PUT", func(s struck) bool { return reset(s) && !s.held }},
		{resetInAnswer(), "GET", func(s struck) bool {
			return reset(s) && len(s.body) > 0 && len(s.body) < len(whole) && bytes.HasPrefix(whole, s.body)
		}},
		{answerLost(), "PUT", func(s struck) bool { return reset(s) && s.held }},
		{dripIn(), "PUT", func(s struck) bool { return s.err == nil && s.held && s.took == pieces*defaults.drip }},
		{dripOut(), "GET", func(s struck) bool {
			return s.err == nil && bytes.Equal(s.body, whole) && s.took == pieces*defaults.drip
		}},
		{slowCommit(), "PUT", func(s struck) bool { return s.err == nil && s.held && s.took == defaults.commit }},
		{shortAnswer(), "GET", func(s struck) bool {
			return s.err == nil && len(s.body) < len(whole) && s.resp.ContentLength == int64(len(s.body)) && bytes.HasPrefix(whole, s.body)
		}},
		{longAnswer(), "GET", func(s struck) bool { return s.err == nil && len(s.body) > len(whole) && bytes.HasPrefix(s.body, whole) }},
		{corruptAnswer(), "GET", func(s struck) bool { return len(s.body) == len(whole) && differs(s.body, whole) == 1 }},
		{corruptRequest(), "PUT", func(s struck) bool { return code(400)(s) && bytes.Contains(s.body, []byte("DIGEST_INVALID")) }},
		{cutJSON(content), "GET", func(s struck) bool {
			return len(s.body) == len(whole)/2 && s.resp.Header.Get("Docker-Content-Digest") == ""
		}},
		{lostUpload(lost, "lost", lostRange), "PUT", func(s struck) bool { return code(416)(s) && s.resp.Header.Get("Range") == "0-0" }},
		{goAway(), "PUT", func(s struck) bool { return s.err == nil && s.held }},
		{goAwayAtOnce(), "GET", func(s struck) bool { return s.err == nil || strings.Contains(s.err.Error(), "GOAWAY") }},
	} {
		t.Run(c.fault.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if s := strike(t, c.fault, c.method, nil); !c.ok(s) {
					t.Errorf("%s: %+v, %v, %d bytes, after %s; stored: %t", c.method, s.resp, s.err, len(s.body), s.took, s.held)
				}
			})
		})
	}
}

// Faults that stop wait for as long as anybody does, and note who waits for ever.
func TestFaultsThatStall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  fault
		method string
		held   bool
	}{
		{stallInRequest(), http.MethodPut, false},
		{stallInAnswer(), http.MethodGet, false},
		{noAnswer(false, anyRequest), http.MethodPut, false},
		{noAnswer(true, anyRequest), http.MethodPut, true},
	} {
		t.Run(c.fault.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := strike(t, c.fault, c.method, nil)
				if s.err == nil || s.took < defaults.patience || s.held != c.held {
					t.Errorf("%v after %s, stored: %t", s.err, s.took, s.held)
				}
			})
		})
	}
}

// A seed says which requests are struck, whatever their order, each at most twice.
func TestFaultsOfASeed(t *testing.T) {
	t.Parallel()
	of := func(seed uint64, order ...string) []string {
		f := newFaults(http.NotFoundHandler(), seed, often, defaults, status(500), status(502))
		for range 10 {
			for _, path := range order {
				_, _, _ = fetch(f, http.MethodGet, path, nil, nil)
			}
		}
		var all []string
		for _, s := range f.record() {
			all = append(all, s.key+" "+s.fault)
		}
		slices.Sort(all)
		return all
	}
	paths := []string{"/v2/", "/v2/a/blobs/uploads/1", "/v2/a/blobs/uploads/2?digest=sha256:ab", "/v2/a/manifests/v1"}
	first := of(1, paths...)
	if diff := cmp.Diff(first, of(1, paths[3], paths[1], paths[0], paths[2])); diff != "" {
		t.Errorf("another order (-first +second):\n%s", diff)
	}
	if len(first) > maxStrokes*len(paths) || len(first) == 0 {
		t.Errorf("strokes: %q", first)
	}
	if cmp.Equal(first, of(2, paths...)) {
		t.Error("another seed strikes the same")
	}
}

func TestRequestKeys(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/v2/":                                    "PUT /v2/",
		"/v2/a/b/blobs/uploads/":                  "PUT /v2/a/b/blobs/uploads/",
		"/v2/a/b/blobs/uploads/17?_state=xyz":     "PUT /v2/a/b/blobs/uploads/*",
		"/v2/a/blobs/uploads/17?digest=sha256:ab": "PUT /v2/a/blobs/uploads/* sha256:ab",
		"/v2/a/blobs/sha256:ab":                   "PUT /v2/a/blobs/sha256:ab",
		"/v2/a/manifests/latest?x=y":              "PUT /v2/a/manifests/latest",
	} {
		r, err := http.NewRequest(http.MethodPut, "http://localhost"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := requestKey(r); got != want {
			t.Errorf("requestKey(%s) = %q, want %q", address, got, want)
		}
	}
}

var _ net.Conn = (*wire)(nil)
