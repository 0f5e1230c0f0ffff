package distribution_test

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// fault is one way in which a registry, or what stands before it, misbehaves now
// and then.
type fault struct {
	name string
	hits func(*http.Request) bool // the requests that it may strike
	do   func(*exchange)          // answers such a request, badly
}

// pace is how long the client waits before it gives up, so that faults can be
// slower than that, or nearly so.
type pace struct {
	stall    time.Duration // for the next byte of a body
	question time.Duration // for the answer to GET, HEAD and DELETE
	answer   time.Duration // for any other answer, after the last byte of the request
	drip     time.Duration // between two pieces of a slow body
	commit   time.Duration // of silence before the answer of a slow registry
	patience time.Duration // when a fault says that the client has not given up at all
}

// maxStrokes is how often one request, told by method and path, is struck. A client
// that tries four times gets through.
const maxStrokes = 2

// faults is a handler that stands before a registry and lets some of the requests
// go wrong. Which ones follows from the seed alone: requests of one method and path
// are numbered, and each number has its own dice.
type faults struct {
	next  http.Handler
	kinds []fault
	rate  float64 // 0 to 1, of the requests that some fault may strike
	limit int     // strokes for each method and path
	seed  uint64
	pace  pace

	release chan struct{} // closed when the run is over: no fault holds a request longer

	mu      sync.Mutex
	asked   map[string]uint64
	struck  map[string]int
	strokes []*stroke
}

// stroke is the record of one fault.
type stroke struct {
	fault, key string
	nth        int           // 1 for the first one of the key
	cost       time.Duration // time that the fault itself takes, before anybody can know of it
	unnoticed  bool          // the client waited for more than the pace's patience
}

func newFaults(next http.Handler, seed uint64, rate float64, p pace, kinds ...fault) *faults {
	return &faults{
		next: next, kinds: kinds, rate: rate, limit: maxStrokes, seed: seed, pace: p,
		release: make(chan struct{}), asked: map[string]uint64{}, struck: map[string]int{},
	}
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{w: w, r: r, next: f.next, pace: f.pace, release: f.release}
	if kind := f.choose(x); kind != nil {
		kind.do(x)
		return
	}
	f.next.ServeHTTP(w, r)
}

// choose returns the fault that strikes the request, or nil, and records it.
func (f *faults) choose(x *exchange) *fault {
	key := requestKey(x.r)
	f.mu.Lock()
	defer f.mu.Unlock()
	x.dice = dice(f.seed, key, f.asked[key])
	f.asked[key]++
	var fit []*fault
	for i := range f.kinds {
		if f.kinds[i].hits(x.r) {
			fit = append(fit, &f.kinds[i])
		}
	}
	if len(fit) == 0 || f.struck[key] >= f.limit || x.dice.Float64() >= f.rate {
		return nil
	}
	f.struck[key]++
	kind := fit[x.dice.IntN(len(fit))]
	x.stroke = &stroke{fault: kind.name, key: key, nth: f.struck[key]}
	x.lock = &f.mu
	f.strokes = append(f.strokes, x.stroke)
	return kind
}

func dice(seed uint64, key string, number uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(key))
	return rand.New(rand.NewPCG(seed, h.Sum64()+number))
}

// record returns what happened so far.
func (f *faults) record() []stroke {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]stroke, 0, len(f.strokes))
	for _, s := range f.strokes {
		out = append(out, *s)
	}
	return out
}

var uploadID = regexp.MustCompile(`/blobs/uploads/[^/]+$`)

// requestKey tells requests apart: by method and path, without the number of an
// upload, but with the digest that ends it.
func requestKey(r *http.Request) string {
	key := r.Method + " " + uploadID.ReplaceAllString(r.URL.Path, "/blobs/uploads/*")
	if digest := r.URL.Query().Get("digest"); digest != "" {
		key += " " + digest
	}
	return key
}

// exchange is one request that a fault strikes.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	next    http.Handler // the registry
	dice    *rand.Rand
	pace    pace
	release <-chan struct{}

	lock   *sync.Mutex // guards stroke
	stroke *stroke
}

// costs notes that the fault takes that long by itself.
func (x *exchange) costs(d time.Duration) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.stroke.cost += d
}

// sleep waits, but not beyond the end of the run.
func (x *exchange) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.release:
	}
}

// hold keeps the client waiting until it goes away. After so long a time that it
// never will, it is noted as a failure of the client.
func (x *exchange) hold() {
	timer := time.NewTimer(x.pace.patience)
	defer timer.Stop()
	select {
	case <-x.release:
	case <-x.r.Context().Done():
	case <-timer.C:
		x.lock.Lock()
		defer x.lock.Unlock()
		x.stroke.unnoticed = true
	}
}

// The requests that a fault may strike.

func anyRequest(*http.Request) bool { return true }

func withBody(r *http.Request) bool { return r.ContentLength != 0 }

// question is a request that changes nothing.
func question(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// content is a request that is answered by a manifest or a blob.
func content(r *http.Request) bool {
	return r.Method == http.MethodGet && (strings.Contains(r.URL.Path, "/manifests/") || strings.Contains(r.URL.Path, "/blobs/sha256:"))
}

func manifestContent(r *http.Request) bool {
	return content(r) && strings.Contains(r.URL.Path, "/manifests/")
}

// uploadBody is a request that carries bytes of a blob.
func uploadBody(r *http.Request) bool {
	return withBody(r) && strings.Contains(r.URL.Path, "/blobs/uploads/")
}

// continued is any request to an upload that was begun.
func continued(r *http.Request) bool {
	return uploadID.MatchString(r.URL.Path) && r.Method != http.MethodDelete
}

func withRange(r *http.Request) bool { return r.Header.Get("Range") != "" }

func tokenRequest(r *http.Request) bool { return r.URL.Path == tokenPath }

// and is true where all are.
func and(tests ...func(*http.Request) bool) func(*http.Request) bool {
	return func(r *http.Request) bool {
		for _, t := range tests {
			if !t(r) {
				return false
			}
		}
		return true
	}
}

func not(test func(*http.Request) bool) func(*http.Request) bool {
	return func(r *http.Request) bool { return !test(r) }
}

func isMethod(method string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method }
}

// copyHeader gives to the headers of from.
func copyHeader(to, from http.Header) { maps.Copy(to, from) }
