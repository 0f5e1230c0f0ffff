// Package sigstore is a whole sigstore for tests on one server of this machine: an
// issuer of OpenID Connect tokens with the endpoint that GitHub Actions has, a
// certificate authority as Fulcio, a transparency log as Rekor, and a timestamp
// authority. Its keys, tokens and certificates are new at each start.
package sigstore

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Service is one part of a sigstore.
type Service string

// The services.
const (
	OIDC   Service = "oidc"
	Fulcio Service = "fulcio"
	Rekor  Service = "rekor"
	TSA    Service = "tsa"
)

// Each service has a place of its own, so that one that is asked for another answers 404.
const (
	fulcioPath = "/fulcio"
	rekorPath  = "/rekor"
	stampPath  = "/tsa/api/v1/timestamp"
)

// Options say what a sigstore has and how it misbehaves. The zero value is a good one.
type Options struct {
	NoLog bool // it has no transparency log
	NoTSA bool // it has no timestamp authority

	// Lifetime is how long certificates are valid from their issue on; 0 is ten
	// minutes. With a negative one they have ended already when they are issued.
	Lifetime time.Duration

	// Ended is how many certificates, the first ones, have ended already when they are
	// issued.
	Ended int

	// Detached is what comes beside a certificate as the proof that a log has it, in
	// base64; "" is none.
	Detached string

	// LogLimit is the number of bytes from which on the log refuses an entry; 0 is no
	// limit. LogLimitStatus is what it answers then, with the body that Rekor has for a
	// 400 and a proxy before it for any other; 0 is 413.
	LogLimit       int
	LogLimitStatus int

	// ForeignLog has entries signed by a log that the trusted root does not know.
	ForeignLog bool
	// ForgedLog has entries that name the log of the trusted root and are signed by
	// another key.
	ForgedLog bool
	// Unproven has entries without proof of inclusion and without promise of it.
	Unproven bool
}

// Sigstore runs until the test ends. It is safe for concurrent use.
type Sigstore struct {
	t       testing.TB
	options Options
	server  *httptest.Server
	pki     *pki
	log     *tree

	mu       sync.Mutex
	broken   map[Service]answer
	requests []Request
	secrets  []string
	entries  [][]byte
	issued   int // certificates
}

// Request is one that a service was asked.
type Request struct {
	Service      Service
	Method, Path string
	Bytes        int64 // of the body, as its length is declared
	Authorized   bool  // it came with credentials
}

// answer is what a broken service says to everything.
type answer struct {
	status int
	body   string
}

// Start serves a sigstore.
func Start(t testing.TB, o Options) *Sigstore {
	t.Helper()
	if o.Lifetime == 0 {
		o.Lifetime = 10 * time.Minute
	}
	if o.LogLimitStatus == 0 {
		o.LogLimitStatus = http.StatusRequestEntityTooLarge
	}
	keys, err := newPKI()
	if err != nil {
		t.Fatalf("make the keys of a sigstore: %v", err)
	}
	s := &Sigstore{t: t, options: o, pki: keys, log: &tree{}, broken: map[Service]answer{}}
	s.server = httptest.NewServer(s.handler())
	t.Cleanup(s.server.Close)
	return s
}

func (s *Sigstore) handler() http.Handler {
	mux := http.NewServeMux()
	serve := func(service Service, pattern string, handle http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if broken, is := s.note(service, r); is {
				http.Error(w, broken.body, broken.status)
				return
			}
			handle(w, r)
		})
	}
	serve(OIDC, "GET /actions/token", s.actionsToken)
	serve(OIDC, "GET /.well-known/openid-configuration", s.discovery)
	serve(OIDC, "GET /keys", s.keySet)
	serve(Fulcio, "POST "+fulcioPath+"/api/v2/signingCert", s.signingCert)
	if !s.options.NoLog {
		serve(Rekor, "POST "+rekorPath+"/api/v1/log/entries", s.addEntry)
		serve(Rekor, "GET "+rekorPath+"/api/v1/log/entries", s.entryByIndex)
		serve(Rekor, "GET "+rekorPath+"/api/v1/log/entries/{id}", s.entryByID)
		serve(Rekor, "GET "+rekorPath+"/api/v1/log/publicKey", s.logKey)
	}
	if !s.options.NoTSA {
		serve(TSA, "POST "+stampPath, s.timestamp)
	}
	return mux
}

func (s *Sigstore) note(service Service, r *http.Request) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{service, r.Method, r.URL.Path, r.ContentLength, r.Header.Get("Authorization") != ""})
	broken, is := s.broken[service]
	return broken, is
}

// Break has a service answer every request with a status and a body; status 0 repairs
// it.
func (s *Sigstore) Break(service Service, status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status == 0 {
		delete(s.broken, service)
		return
	}
	s.broken[service] = answer{status, body}
}

// Requests returns what was asked until now, in that order.
func (s *Sigstore) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count returns how often a service was asked until now.
func (s *Sigstore) Count(service Service) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Service == service {
			n++
		}
	}
	return n
}

// Entries returns the canonical entries of the log, in their order.
func (s *Sigstore) Entries() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.entries...)
}

// Secrets returns every token that was issued until now, which must be found nowhere
// else.
func (s *Sigstore) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.secrets...)
}

// must fails the test over what cannot happen with keys and documents of its own.
func (s *Sigstore) must(err error) {
	if err != nil {
		s.t.Errorf("sigstore for tests: %v", err)
	}
}

// URL is the server's address, without a slash at its end.
func (s *Sigstore) URL() string { return s.server.URL }

// FulcioURL is the address of the certificate authority, as clients are given it.
func (s *Sigstore) FulcioURL() string { return s.server.URL + fulcioPath }

// RekorURL is the address of the log, as clients are given it.
func (s *Sigstore) RekorURL() string { return s.server.URL + rekorPath }

// TSAURL is the address of the timestamp authority, with its path.
func (s *Sigstore) TSAURL() string { return s.server.URL + stampPath }
