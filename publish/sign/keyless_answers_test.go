//go:build !nosign

package sign

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestAskAgain: a service that is ill or busy for a moment is asked again, one that
// refuses is not.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answers []int
		status  int
		asked   int64
	}{
		{[]int{503, 200}, 200, 2}, {[]int{429, 502, 201}, 201, 3}, {[]int{500, 500, 500, 200}, 500, 3},
		{[]int{400, 200}, 400, 1}, {[]int{403, 200}, 403, 1}, {[]int{0, 200}, 200, 2},
	} {
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			status := test.answers[asked.Add(1)-1]
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		s := service{what: "the service", address: server.URL, via: http.DefaultTransport, pauses: []time.Duration{1, 1}}
		got, err := s.ask(t.Context(), http.MethodPost, "/", nil, []byte("body"))
		if err != nil || got.status != test.status || asked.Load() != test.asked {
			t.Errorf("%v: %+v after %d requests, %v", test.answers, got, asked.Load(), err)
		}
	}
}

// TestAnswerIsBounded: no service fills the memory.
func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range maxReply/1024 + 1 {
			_, _ = w.Write(make([]byte, 1024))
		}
	}))
	t.Cleanup(server.Close)
	s := service{what: "the service", address: server.URL, flag: "--x-url", via: http.DefaultTransport}
	_, err := s.ask(t.Context(), http.MethodGet, "/", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "more than 4 MiB") {
		t.Errorf("ask: %v", err)
	}
}

// TestMessage: what a service says is shown on one short line.
func TestMessage(t *testing.T) {
	t.Parallel()
	s := service{secrets: []string{"planted", ""}}
	for body, want := range map[string]string{
		`{"message":"a\u001b[0m\nb"}`: "a [0m b",
		"plain planted\ttext\n":       "plain … text",
		"\n<html>":                    "",
		"":                            "",
		"\xff" + strings.Repeat("é", maxMessage): strings.Repeat("é", maxMessage/2) + "…",
	} {
		if got := s.message(&reply{body: []byte(body)}); got != want {
			t.Errorf("message(%q) = %q; want %q", body, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status, size int
		refuses      bool
	}{
		{400, 1, false}, {400, largeEntry, true}, {413, 1, true}, {422, 1, false}, {422, largeEntry, true}, {401, largeEntry, false}, {404, largeEntry, false},
		{500, 1, false}, {503, largeEntry - 1, false}, {500, largeEntry, true}, {502, largeEntry, true},
	} {
		if got := refuses(test.status, test.size); got != test.refuses {
			t.Errorf("refuses(%d, %d) = %v", test.status, test.size, got)
		}
	}
}

// TestHungUp: only a connection that stood can have been closed over what was sent.
func TestHungUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		hung bool
	}{
		{io.EOF, true}, {io.ErrUnexpectedEOF, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true}, {&net.OpError{Op: "write", Err: syscall.EPIPE}, true},
		{&net.OpError{Op: "write", Err: syscall.Errno(10053)}, true}, {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, false},
		{errors.New("stream error: stream ID 1; INTERNAL_ERROR"), true}, {errors.New("http2: server sent GOAWAY and closed the connection"), true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false}, {&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, false},
		{x509.UnknownAuthorityError{}, false}, {errors.New("no answer within 30s"), false},
	} {
		if got := hungUp(&serviceError{err: test.err}); got != test.hung {
			t.Errorf("hungUp(%v) = %v", test.err, got)
		}
	}
}

// TestReadEntry: an entry counts with all of its proofs alone; the library would end
// the program over one without.
func TestReadEntry(t *testing.T) {
	t.Parallel()
	const proof = `"inclusionProof":{"rootHash":"` + "00" + `","logIndex":0,"treeSize":1,"hashes":[],"checkpoint":"x"}`
	const whole = `{"id":{"body":"e30=","integratedTime":1,"logID":"00","logIndex":0,"verification":{"signedEntryTimestamp":"AA==",` + proof + `}}}`
	if id, all, err := readEntry([]byte(whole)); err != nil || id != "id" || len(all) != 1 {
		t.Fatalf("readEntry = %q, %v, %v", id, all, err)
	}
	for _, part := range []string{
		`"body":"e30=",`, `"integratedTime":1,`, `"logID":"00",`, `"logIndex":0,`, `"signedEntryTimestamp":"AA==",`,
		`"rootHash":"00",`, `"treeSize":1,`, `,"checkpoint":"x"`, `,` + proof,
	} {
		if !strings.Contains(whole, part) {
			t.Fatalf("the entry has no %s", part)
		}
		if _, _, err := readEntry([]byte(strings.Replace(whole, part, "", 1))); err == nil {
			t.Errorf("taken without %s", part)
		}
	}
	for _, body := range []string{"", "{}", "[]", `{"a":{},"b":{}}`} {
		if _, _, err := readEntry([]byte(body)); err == nil {
			t.Errorf("%q is taken", body)
		}
	}
	if _, _, err := readEntry([]byte(strings.Replace(whole, `,`+proof, "", 1))); !errors.Is(err, errUnproven) {
		t.Errorf("without proof: %v", err)
	}
}

func FuzzReadEntry(f *testing.F) {
	f.Add([]byte(`{"id":{"body":"e30=","integratedTime":1,"logID":"00","logIndex":0,"verification":{"signedEntryTimestamp":"AA==","inclusionProof":{"rootHash":"00","logIndex":0,"treeSize":1,"hashes":[],"checkpoint":"x"}}}}`))
	f.Add([]byte(`{"":{"verification":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		id, all, err := readEntry(body)
		if err == nil && all[id].Verification.InclusionProof.RootHash == nil {
			t.Error("taken without a proof")
		}
	})
}

func FuzzReadChain(f *testing.F) {
	f.Add([]byte(`{"signedCertificateEmbeddedSct":{"chain":{"certificates":["-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]}}}`))
	f.Add([]byte(`{"signedCertificateDetachedSct":{"chain":{"certificates":["x"]}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		chain, _, err := readChain(body)
		if err == nil && (len(chain) == 0 || len(chain) > maxChain) {
			t.Errorf("%d certificates", len(chain))
		}
	})
}
