//go:build !nosign

package sign

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// TestKeylessTrouble: what keeps a signature from being made is said with who did what
// and what to do, without any token, and nothing is written.
func TestKeylessTrouble(t *testing.T) {
	t.Parallel()
	breaks := func(service sigstore.Service, status int, body string) func(*testing.T, *sigstore.Sigstore, *SignerOptions) {
		return func(_ *testing.T, s *sigstore.Sigstore, _ *SignerOptions) { s.Break(service, status, body) }
	}
	claims := func(change func(map[string]any)) func(*testing.T, *sigstore.Sigstore, *SignerOptions) {
		return func(_ *testing.T, s *sigstore.Sigstore, o *SignerOptions) {
			o.Keyless.Token = func(context.Context) (string, error) {
				c := sigstore.Claims(someone, theIssuer)
				change(c)
				return s.TokenOf(c), nil
			}
		}
	}
	tests := []struct {
		name    string
		options sigstore.Options
		change  func(*testing.T, *sigstore.Sigstore, *SignerOptions)
		says    []string
		lacks   string
	}{
		{name: "Fulcio is down", change: breaks(sigstore.Fulcio, 503, "upstream"), says: []string{"certificate authority http://127.0.0.1", "503", "upstream", "try again"}},
		{name: "Fulcio refuses", change: breaks(sigstore.Fulcio, 403, `{"code":7,"message":"the issuer\nis not known"}`), says: []string{"403 Forbidden: the issuer is not known; check that it trusts", "--fulcio-url"}},
		{name: "Fulcio has a page", change: breaks(sigstore.Fulcio, 404, "<html>nothing here"), says: []string{"404 Not Found; check the address (--fulcio-url)"}},
		{name: "Fulcio has no certificate", change: breaks(sigstore.Fulcio, 200, "{}"), says: []string{"read the answer", "0 certificates"}},
		{name: "Fulcio repeats the token", change: func(_ *testing.T, s *sigstore.Sigstore, o *SignerOptions) {
			token := s.Token(someone, theIssuer)
			o.Keyless.Token = func(context.Context) (string, error) { return token, nil }
			s.Break(sigstore.Fulcio, 400, "the token "+token+" is bad")
		}, says: []string{"the token … is bad"}},
		{name: "a token of another's", change: func(t *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
			other := sigstore.Start(t, sigstore.Options{})
			o.Keyless.Token = func(context.Context) (string, error) { return other.Token(someone, theIssuer), nil }
		}, says: []string{"401", "identity token", "trusts the issuer"}},
		{name: "another audience", change: claims(func(c map[string]any) { c["aud"] = "https://github.com/nanobuild" }), says: []string{`"https://github.com/nanobuild"`, "audience sigstore"}},
		{name: "audiences", change: claims(func(c map[string]any) { c["aud"] = []string{"a", "b"} }), says: []string{`"a b"`, "audience sigstore"}},
		{name: "nobody", change: claims(func(c map[string]any) { delete(c, "sub"); delete(c, "email") }), says: []string{"names nobody"}},
		{name: "an old token", change: claims(func(c map[string]any) { c["exp"] = time.Now().Add(-90 * time.Second).Unix() }), says: []string{"has ended at", "1m3", "right before signing"}},
		{name: "no token", change: func(_ *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
			o.Keyless.Token = func(context.Context) (string, error) { return "", errors.New("nobody is here") }
		}, says: []string{"sign ", "nobody is here"}},
		{name: "the log is down", change: breaks(sigstore.Rekor, 502, "<html>"), says: []string{"transparency log http://127.0.0.1", "502 Bad Gateway", "--rekor-url"}},
		{name: "the log needs a login", change: breaks(sigstore.Rekor, 401, "who are you"), says: []string{"401 Unauthorized: who are you"}},
		{name: "the log takes no such signature", change: breaks(sigstore.Rekor, 400, `{"code":400,"message":"error verifying: bad entry"}`), says: []string{"400 Bad Request: error verifying: bad entry", "another log", "--rekor-url"}, lacks: "--attest-sbom"},
		{name: "the log has no proof", options: sigstore.Options{Unproven: true}, says: []string{"transparency log", "no proof that the log holds"}},
		{name: "the log answers nonsense", change: breaks(sigstore.Rekor, 201, `{"a":{"body":1}}`), says: []string{"the entry is not complete"}},
		{name: "a proof beside the certificate", options: sigstore.Options{Detached: "AAAA"}, change: func(_ *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
			o.Keyless.TrustedRoot = nil
		}, says: []string{"beside the certificate", "--trusted-root"}},
		{name: "a foreign log", options: sigstore.Options{ForeignLog: true}, says: []string{"not valid for the trusted root (--trusted-root)"}},
		{name: "a forged log", options: sigstore.Options{ForgedLog: true}, says: []string{"not valid for the trusted root (--trusted-root)"}},
		{name: "ended certificates", options: sigstore.Options{Lifetime: -time.Minute}, says: []string{"its certificate was valid from", "clock"}},
		{name: "ended certificates and no root", options: sigstore.Options{Lifetime: -time.Minute}, change: func(_ *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
			o.Keyless.TrustedRoot = nil
		}, says: []string{"its certificate was valid from", "clock"}},
		{name: "ended certificates by timestamps", options: sigstore.Options{Lifetime: -time.Minute}, change: func(_ *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
			o.Keyless.TrustedRoot, o.Keyless.Rekor = nil, "none"
		}, says: []string{"its certificate was valid from", "clock"}},
		{name: "a large timestamp", change: breaks(sigstore.TSA, 200, strings.Repeat("\x30\x80", maxStamp)), says: []string{"more than the 64 KiB"}},
		{name: "the timestamp authority is down", change: breaks(sigstore.TSA, 500, ""), says: []string{"timestamp authority http://127.0.0.1", "500", "--timestamp-url"}},
		{name: "the timestamp is nonsense", change: breaks(sigstore.TSA, 200, "nonsense"), says: []string{"read the timestamp of http://127.0.0.1"}},
	}
	for _, format := range []Format{Tags, Bundle} {
		for _, test := range tests {
			t.Run(string(format)+" "+test.name, func(t *testing.T) {
				t.Parallel()
				s := sigstore.Start(t, test.options)
				o := keylessOptions(t, s, format)
				if test.change != nil {
					test.change(t, s, &o)
				}
				mustRefuse(t, s, o, test.says, test.lacks)
			})
		}
	}
}

func mustRefuse(t *testing.T, s *sigstore.Sigstore, o SignerOptions, says []string, lacks string) {
	t.Helper()
	g := newGround(t, ggcrRegistry(true))
	before := g.holds(t)
	done, err := keylessSigner(t, o).Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
	if err == nil || done != (Signed{}) {
		t.Fatalf("Sign = %+v, %v", done, err)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if lacks != "" && strings.Contains(err.Error(), lacks) {
		t.Errorf("%q says %q", err, lacks)
	}
	for _, secret := range s.Secrets() {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q shows a token", err)
		}
	}
	if after := g.holds(t); after != before {
		t.Errorf("something was written: %s", after)
	}
}

// TestLogRefusesLargeEntry: what the log finds too large is not attested. The
// signature and the other attestations are.
func TestLogRefusesLargeEntry(t *testing.T) {
	t.Parallel()
	large, err := json.Marshal(map[string]string{"spdxVersion": "SPDX-2.3", "comment": strings.Repeat("a", 200<<10)})
	if err != nil {
		t.Fatal(err)
	}
	small := writtenPredicates()[1]
	for _, format := range []Format{Tags, Bundle} {
		for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusBadGateway} {
			t.Run(string(format)+" "+http.StatusText(status), func(t *testing.T) {
				t.Parallel()
				s := sigstore.Start(t, sigstore.Options{LogLimit: 100 << 10, LogLimitStatus: status})
				g := newGround(t, ggcrRegistry(true))
				signer := keylessSigner(t, keylessOptions(t, s, format))
				done, err := signer.Sign(t.Context(), g.repo, g.subject, Statement{PredicateSPDX, large}, small)
				var refused *LogRefusedError
				if !errors.As(err, &refused) || done != (Signed{true, 1}) {
					t.Fatalf("Sign = %+v, %v", done, err)
				}
				if refused.Status != status || refused.Bytes < 200<<10 || refused.Log != s.RekorURL() {
					t.Errorf("%+v", refused)
				}
				for _, want := range []string{PredicateSPDX, "--attest-sbom=false", "bytes"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q does not say %q", err, want)
					}
				}
				g.mustHold(t, judgment{someone, theIssuer, s.TrustedRoot(), format, true, true}, small)
			})
		}
	}
}

// TestLogDropsLargeEntry: a log that closes the connection over a large entry refuses
// it, too.
func TestLogDropsLargeEntry(t *testing.T) {
	t.Parallel()
	dropping := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(dropping.Close)
	for _, test := range []struct {
		size    int
		refused bool
	}{{1 << 10, false}, {largeEntry, true}} {
		l := logClient{service{what: "the log", address: dropping.URL, via: http.DefaultTransport}}
		_, err := l.add(t.Context(), make([]byte, test.size))
		var refused *LogRefusedError
		if err == nil || errors.As(err, &refused) != test.refused {
			t.Errorf("%d bytes: %v", test.size, err)
		}
	}
}

// TestLogOutOfReach: a log that nobody reaches has refused nothing, however large the
// entry is.
func TestLogOutOfReach(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	l := logClient{service{what: "the log", address: gone.URL, flag: "--rekor-url", via: http.DefaultTransport}}
	_, err := l.add(t.Context(), make([]byte, largeEntry))
	var refused *LogRefusedError
	if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), "ask the log "+gone.URL) || !strings.Contains(err.Error(), "check the address (--rekor-url)") {
		t.Errorf("add: %v", err)
	}
}

// TestLogHasEntryAlready: an entry that the log has already is read from there.
func TestLogHasEntryAlready(t *testing.T) {
	t.Parallel()
	s := sigstore.Start(t, sigstore.Options{})
	o := keylessOptions(t, s, Bundle)
	g := newGround(t, ggcrRegistry(true))
	via := &repeating{RoundTripper: o.Transport}
	o.Transport = via
	g.mustSign(t, keylessSigner(t, o))
	if via.conflicts != 1 {
		t.Errorf("%d conflicts; want one", via.conflicts)
	}
	g.mustHold(t, judgment{someone, theIssuer, s.TrustedRoot(), Bundle, true, true})
}

// repeating sends each new entry twice and returns the second answer.
type repeating struct {
	http.RoundTripper
	conflicts int
}

func (r *repeating) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, entriesPath) || req.Method != http.MethodPost {
		return r.RoundTripper.RoundTrip(req)
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	first, err := r.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	_ = first.Body.Close()
	again := req.Clone(req.Context())
	again.Body = body
	second, err := r.RoundTripper.RoundTrip(again)
	if err == nil && second.StatusCode == http.StatusConflict {
		r.conflicts++
	}
	return second, err
}

// TestKeylessStops: a context that ends does so in the middle of a request to any
// service, with the reason for it.
func TestKeylessStops(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/actions/token", "/api/v2/signingCert", entriesPath, "/api/v1/timestamp"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := sigstore.Start(t, sigstore.Options{})
			o := keylessOptions(t, s, Bundle)
			ctx, cancel := context.WithCancelCause(t.Context())
			o.Transport = hanging{o.Transport, path, func() { cancel(errors.New("it is late")) }}
			o.Environ = s.ActionsEnviron()
			o.Keyless.Token = TokenFrom(TokenOptions{Environment: o.Environment})
			g := newGround(t, ggcrRegistry(true))
			_, err := keylessSigner(t, o).Sign(ctx, g.repo, g.subject)
			if err == nil || !strings.Contains(err.Error(), "it is late") {
				t.Errorf("Sign: %v", err)
			}
		})
	}
}

// hanging calls a function instead of one request, which it never answers.
type hanging struct {
	http.RoundTripper
	path string
	on   func()
}

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, h.path) {
		return h.RoundTripper.RoundTrip(r)
	}
	h.on()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestKeylessOptions: options that could sign nothing are refused before anybody is
// asked.
func TestKeylessOptions(t *testing.T) {
	t.Parallel()
	token := func(context.Context) (string, error) { return "", nil }
	for name, test := range map[string]struct {
		keyless Keyless
		says    string
	}{
		"no token":       {Keyless{}, "needs an identity token"},
		"no proof":       {Keyless{Token: token, Rekor: "none"}, "--timestamp-url"},
		"clear":          {Keyless{Token: token, Fulcio: "http://fulcio.example"}, "in the clear"},
		"Fulcio's flag":  {Keyless{Token: token, Fulcio: "fulcio.example"}, "--fulcio-url"},
		"Rekor's flag":   {Keyless{Token: token, Rekor: "ftp://rekor.example"}, "--rekor-url"},
		"TSA's flag":     {Keyless{Token: token, TSA: "/stamp"}, "--timestamp-url"},
		"password":       {Keyless{Token: token, Fulcio: "https://me:planted@fulcio.example"}, "--fulcio-url"},
		"root":           {Keyless{Token: token, TrustedRoot: []byte("{}")}, "--trusted-root"},
		"signing config": {Keyless{Token: token, SigningConfig: []byte("{}")}, "--signing-config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewSigner(t.Context(), SignerOptions{Keyless: &test.keyless})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("NewSigner: %v", err)
			}
			if strings.Contains(err.Error(), "planted") {
				t.Errorf("%q shows a password", err)
			}
		})
	}
}

// TestPublicInstance: who names no services signs with sigstore's public ones.
func TestPublicInstance(t *testing.T) {
	t.Parallel()
	got, err := servicesOf(Keyless{})
	if err != nil || got.fulcio != publicFulcio || len(got.logs) != 1 || got.logs[0] != publicRekor || got.stamps != nil {
		t.Errorf("servicesOf = %+v, %v", got, err)
	}
}

// TestRedirectIsRefused: no service may send a token or a signature elsewhere.
func TestRedirectIsRefused(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	s := service{what: "the authority", address: server.URL, flag: "--fulcio-url", via: http.DefaultTransport}
	_, err := s.ask(t.Context(), http.MethodPost, "/", http.Header{"Authorization": {"Bearer planted"}}, []byte("{}"))
	if err == nil || !strings.Contains(err.Error(), "it leads to "+strings.TrimPrefix(other.URL, "http://")) || strings.Contains(err.Error(), "planted") {
		t.Errorf("ask: %v", err)
	}
	if asked {
		t.Error("the other server was asked")
	}
}
