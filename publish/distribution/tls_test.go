package distribution

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/authority"
)

// tlsServer starts a server with a certificate of the authority, which speaks HTTP/2
// and answers with the protocol and the name of the client.
func tlsServer(t *testing.T, a *authority.Authority, clients tls.ClientAuthType) (host string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = io.WriteString(w, r.Proto+" "+name)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{local(t, a)}, ClientAuth: clients, ClientCAs: a.Pool()}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestTransportTrusts(t *testing.T) {
	t.Parallel()
	a := authority.New(t)
	host, strict := tlsServer(t, a, tls.NoClientCert), tlsServer(t, a, tls.RequireAndVerifyClientCert)
	dir := t.TempDir()
	cert, key := authority.Text(t, local(t, a))
	at := func(host, file string) string { return filepath.Join("certs.d", folderName(host), file) }
	write(t, dir, map[string][]byte{
		"ca.PEM":                    a.PEM,
		at(host, "ca.crt"):          a.PEM,
		at(strict, "client.cert"):   cert,
		at(strict, "client.key"):    key,
		at(strict, "README"):        []byte("no certificate"),
		at(strict, "elsewhere.crt"): a.PEM,
	})
	certs := []string{filepath.Join(dir, "none"), filepath.Join(dir, "certs.d")}
	if runtime.GOOS != "windows" { // where links need a right
		linked := filepath.Join(dir, "linked")
		if err := os.Symlink(filepath.Join(dir, "certs.d"), linked); err != nil {
			t.Fatal(err)
		}
		certs[1] = linked
	}
	only := func(allowed string) func(string) bool { return func(host string) bool { return host == allowed } }
	for name, c := range map[string]struct {
		host    string
		options TLSOptions
		want    string // answer
	}{
		"nothing":            {host, TLSOptions{}, ""},
		"file":               {host, TLSOptions{CAFiles: []string{filepath.Join(dir, "ca.PEM")}}, "HTTP/2.0 nobody"},
		"folder":             {host, TLSOptions{CertsDirs: certs}, "HTTP/2.0 nobody"},
		"any":                {host, TLSOptions{SkipVerify: only(host)}, "HTTP/2.0 nobody"},
		"any for another":    {host, TLSOptions{SkipVerify: only(strict)}, ""},
		"client":             {strict, TLSOptions{CertsDirs: certs}, "HTTP/2.0 test"},
		"client, any server": {strict, TLSOptions{CertsDirs: certs, SkipVerify: only(strict)}, "HTTP/2.0 test"},
		"client without":     {strict, TLSOptions{CAFiles: []string{filepath.Join(dir, "ca.PEM")}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport, err := NewTransport(&http.Transport{}, c.options)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: transport}
			defer client.CloseIdleConnections()
			resp, err := client.Get("https://" + c.host)
			if (err == nil) != (c.want != "") {
				t.Fatalf("error = %v, want %q", err, c.want)
			}
			if err != nil {
				return
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != c.want {
				t.Errorf("answer %q, %v; want %q", body, err, c.want)
			}
		})
	}
}

func TestTransportSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	a, dir := authority.New(t), t.TempDir()
	cert, key := authority.Text(t, local(t, a))
	_, otherKey := authority.Text(t, local(t, a))
	write(t, dir, map[string][]byte{
		"no-key.test/x.cert": cert, "no-cert.test/x.key": key,
		"other-key.test/x.cert": cert, "other-key.test/x.key": otherKey,
		"no-pem.test/x.crt": []byte("hello"), "folder.test/x.crt/y": nil,
		"huge.test/x.crt": append(bytes.Repeat([]byte("#\n"), maxCertificates/2), a.PEM...),
		"fine.test/x.crt": a.PEM, "port.test:443/x.key": key, "text": nil,
	})
	for host, want := range map[string][]string{
		"no-key.test": {"x.cert", "x.key is missing"}, "no-cert.test:443": {"x.key", "x.cert is missing"},
		"other-key.test": {"x.cert and", "x.key", "match"}, "no-pem.test": {"x.crt", "PEM"},
		"folder.test": {"x.crt", "it is no file"}, "huge.test": {"x.crt", "more than 1048576 bytes"},
		"PORT.test": {"x.key", "x.cert is missing"}, "text": {"text"},
	} {
		if runtime.GOOS == "windows" && host == "PORT.test" {
			continue // the colon is none there
		}
		transport, err := NewTransport(&http.Transport{}, TLSOptions{CertsDirs: []string{dir}})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPut, "https://"+host+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		body := &closing{Reader: strings.NewReader("x")}
		req.Body = body
		_, err = transport.RoundTrip(req)
		var broken *CertificateError
		if !errors.As(err, &broken) || !body.closed {
			t.Errorf("%s: %v, body closed: %v", host, err, body.closed)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q in it", host, err, part)
			}
		}
	}
	for _, file := range []string{"nowhere.pem", "text", "no-pem.test/x.crt", "huge.test/x.crt", "folder.test"} {
		_, err := NewTransport(&http.Transport{}, TLSOptions{CAFiles: []string{filepath.Join(dir, file)}})
		if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, file)) {
			t.Errorf("authorities of %s: %v", file, err)
		}
	}
}

// Hosts without certificates of their own share one pool, and no host leads out of
// the folders.
func TestTransportSharesItsPool(t *testing.T) {
	t.Parallel()
	a, dir := authority.New(t), t.TempDir()
	write(t, dir, map[string][]byte{"certs.d/own.test/ca.crt": a.PEM, "up.crt": a.PEM, "certs.d/ca.crt": a.PEM})
	found, err := NewTransport(&http.Transport{}, TLSOptions{CertsDirs: []string{filepath.Join(dir, "certs.d")}})
	if err != nil {
		t.Fatal(err)
	}
	transport := found.(*tlsTransport)
	for host, shared := range map[string]bool{"a.test": true, "own.test": false, "own.test:444": true, "..": true, ".": true, "": true, "own.test/../..": true} {
		got, err := transport.special(host)
		if err != nil || (got == transport.shared) != shared {
			t.Errorf("%q: shared %v, %v; want %v", host, got == transport.shared, err, shared)
		}
	}
}

// A transport that has authorities of its own keeps them.
func TestTransportKeepsTheBase(t *testing.T) {
	t.Parallel()
	a, b := authority.New(t), authority.New(t)
	host, dir := tlsServer(t, a, tls.NoClientCert), t.TempDir()
	write(t, dir, map[string][]byte{"b.PEM": b.PEM})
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Pool()}}
	transport, err := NewTransport(base, TLSOptions{CAFiles: []string{filepath.Join(dir, "b.PEM")}})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + host)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := base.TLSClientConfig.RootCAs; !got.Equal(a.Pool()) {
		t.Error("the base was changed")
	}
}
