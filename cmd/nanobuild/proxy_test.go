package main_test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// subject is what a request to a registry is about.
type subject string

const (
	aboutPing     subject = "ping"
	aboutToken    subject = "token"
	aboutManifest subject = "manifest"
	aboutBlob     subject = "blob"
	aboutUpload   subject = "upload"
	aboutMount    subject = "mount"
	aboutOther    subject = "other"
)

// request is a method with its subject, such as HEAD and manifest.
type request struct {
	method string
	about  subject
}

func (r request) String() string { return r.method + " " + string(r.about) }

// requestOf sorts a request by its path, as the distribution specification has
// them: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
func requestOf(r *http.Request) request {
	about := aboutOther
	switch path := r.URL.Path; {
	case path == "/v2/" || path == "/v2":
		about = aboutPing
	case !strings.HasPrefix(path, "/v2/"):
		about = aboutToken
	case strings.Contains(path, "/manifests/"):
		about = aboutManifest
	case strings.Contains(path, "/blobs/uploads/") && r.Method == http.MethodPost && r.URL.Query().Has("mount"):
		about = aboutMount
	case strings.Contains(path, "/blobs/uploads/"):
		about = aboutUpload
	case strings.Contains(path, "/blobs/"):
		about = aboutBlob
	}
	return request{r.Method, about}
}

// traffic is what went through a proxy.
type traffic struct {
	requests map[request]int
	up, down map[subject]int64 // bytes of the bodies
	uploads  map[string]int    // finished uploads by the blob's digest
}

func newTraffic() traffic {
	return traffic{map[request]int{}, map[subject]int64{}, map[subject]int64{}, map[string]int{}}
}

// blobBytes are the bytes of blobs that were uploaded, apart from manifests.
func (t traffic) blobBytes() int64 { return t.up[aboutUpload] + t.up[aboutMount] }

// sent are all bytes that were uploaded.
func (t traffic) sent() int64 {
	var sum int64
	for _, n := range t.up {
		sum += n
	}
	return sum
}

// authorised is the number of requests, without those that find out how to log in.
func (t traffic) authorised() int {
	sum := 0
	for r, n := range t.requests {
		if r.about != aboutPing && r.about != aboutToken {
			sum += n
		}
	}
	return sum
}

// mostUploads is how often the blob that was uploaded most often was.
func (t traffic) mostUploads() int {
	return slices.Max(append(slices.Collect(maps.Values(t.uploads)), 0))
}

func (t traffic) String() string {
	var parts []string
	for r, n := range t.requests {
		parts = append(parts, fmt.Sprintf("%s %d", r, n))
	}
	slices.Sort(parts)
	return fmt.Sprintf("%s; %d bytes up", strings.Join(parts, ", "), t.sent())
}

var discardLog = log.New(io.Discard, "", 0)

// countingProxy stands before a registry, counts what goes through, and can be
// slow or away.
type countingProxy struct {
	host    string // localhost:PORT
	listen  string // the address behind it
	forward *httputil.ReverseProxy
	server  *http.Server

	mu      sync.Mutex
	seen    traffic
	latency time.Duration
}

// startProxy starts a proxy before the registry at host, until the test ends.
func startProxy(t testing.TB, host string) *countingProxy {
	t.Helper()
	p := &countingProxy{listen: "127.0.0.1:0", seen: newTraffic()}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: host})
			r.Out.Host = r.In.Host // the registry's Locations lead back here
		},
		Transport:      &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		ModifyResponse: p.answered,
		BufferPool:     &buffers{},
		ErrorLog:       discardLog, // clients that hang up are their own affair
	}
	p.start(t)
	t.Cleanup(p.stop)
	return p
}

// start listens, after a stop at the same address as before.
func (p *countingProxy) start(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", p.listen)
	if err != nil {
		t.Fatal(err)
	}
	p.listen = l.Addr().String()
	_, port, err := net.SplitHostPort(p.listen)
	if err != nil {
		t.Fatal(err)
	}
	p.host = net.JoinHostPort("localhost", port)
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(l) }() // until it is closed
}

// stop refuses all connections.
func (p *countingProxy) stop() { _ = p.server.Close() }

// delay makes each request wait before it is passed on.
func (p *countingProxy) delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
}

// reset returns what was counted since the last reset.
func (p *countingProxy) reset() traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.seen
	p.seen = newTraffic()
	return t
}

func (p *countingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := requestOf(r)
	p.mu.Lock()
	p.seen.requests[req]++
	latency := p.latency
	p.mu.Unlock()
	time.Sleep(latency)
	if r.Body != http.NoBody {
		r.Body = countedBody{r.Body, func(n int) { p.add(p.up, req.about, n) }}
	}
	p.forward.ServeHTTP(w, r)
}

// answered counts what comes back, before the client has it.
func (p *countingProxy) answered(res *http.Response) error {
	req := requestOf(res.Request)
	if digest := res.Request.URL.Query().Get("digest"); req.about == aboutUpload && res.StatusCode == http.StatusCreated {
		p.mu.Lock()
		p.seen.uploads[digest]++
		p.mu.Unlock()
	}
	if res.Body != http.NoBody {
		res.Body = countedBody{res.Body, func(n int) { p.add(p.down, req.about, n) }}
	}
	return nil
}

func (p *countingProxy) up() map[subject]int64   { return p.seen.up }
func (p *countingProxy) down() map[subject]int64 { return p.seen.down }

// add adds to one of the counters, which reset exchanges.
func (p *countingProxy) add(counter func() map[subject]int64, about subject, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	counter()[about] += int64(n)
}

// countedBody tells how many bytes were read.
type countedBody struct {
	io.ReadCloser
	count func(n int)
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.count(n)
	return n, err
}

// buffers hands out large buffers, so that a copy takes few turns.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buf, is := b.pool.Get().(*[]byte); is {
		return *buf
	}
	return make([]byte, 128<<10)
}

func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }
