package distribution

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"sync"
)

// TLSOptions say whom to trust and who we are.
type TLSOptions struct {
	// CAFiles are PEM files with certificates of authorities that are trusted besides
	// those of the system.
	CAFiles []string
	// SkipVerify tells for which hosts, ports included where they are not 443, any
	// certificate does. Nil means for none.
	SkipVerify func(host string) bool
	// CertsDirs are folders as Docker has them: below each one HOST or HOST:PORT
	// (without the colon on Windows), and in that authorities in *.crt, and client
	// certificates in *.cert with their keys in *.key. What several of them say of a
	// host is added up.
	//
	// https://docs.docker.com/engine/security/certificates/
	CertsDirs []string
}

// NewTransport returns a transport that is as base, but for TLS. Hosts of which
// nothing special is known share one pool of connections; the others have pools of
// their own. It fails where a file of authorities cannot be read. Folders of
// certificates are read when their host is first asked; what is wrong with them is
// a [CertificateError] of the request.
func NewTransport(base *http.Transport, o TLSOptions) (http.RoundTripper, error) {
	shared := base.Clone()
	if len(o.CAFiles) > 0 {
		pool, err := authorities(shared.TLSClientConfig, o.CAFiles)
		if err != nil {
			return nil, err
		}
		trust(shared, func(c *tls.Config) { c.RootCAs = pool })
	}
	return &tlsTransport{options: o, shared: shared, hosts: map[string]way{}}, nil
}

// tlsTransport has a transport for each host with certificates of its own.
type tlsTransport struct {
	options TLSOptions
	shared  *http.Transport

	mu    sync.Mutex
	hosts map[string]way
}

// way returns the transport for one host, which it makes when it is first called.
type way func() (*http.Transport, error)

// RoundTrip implements http.RoundTripper.
func (t *tlsTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		return t.shared.RoundTrip(req)
	}
	own, err := t.way(strings.TrimSuffix(strings.ToLower(req.URL.Host), ":443"))()
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must; nothing was sent
		}
		return nil, err
	}
	return own.RoundTrip(req)
}

// CloseIdleConnections closes the connections to all hosts that nobody uses now, as
// that of http.Client asks for.
func (t *tlsTransport) CloseIdleConnections() {
	t.shared.CloseIdleConnections()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, way := range t.hosts {
		if own, err := way(); err == nil {
			own.CloseIdleConnections()
		}
	}
}

func (t *tlsTransport) way(host string) way {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, ok := t.hosts[host]
	if !ok {
		w = sync.OnceValues(func() (*http.Transport, error) { return t.special(host) })
		t.hosts[host] = w
	}
	return w
}

// special returns the transport for a host.
func (t *tlsTransport) special(host string) (*http.Transport, error) {
	found, err := readCertificates(t.options.CertsDirs, host)
	if err != nil {
		return nil, err
	}
	skip := t.options.SkipVerify != nil && t.options.SkipVerify(host)
	if found.empty() && !skip {
		return t.shared, nil
	}
	own := t.shared.Clone()
	config := own.TLSClientConfig
	var pool *x509.CertPool
	if len(found.authorities) > 0 {
		if pool, err = authorities(config, found.authorities); err != nil {
			return nil, err
		}
	}
	trust(own, func(c *tls.Config) {
		if pool != nil {
			c.RootCAs = pool
		}
		c.Certificates = append(c.Certificates, found.pairs...)
		c.InsecureSkipVerify = c.InsecureSkipVerify || skip
	})
	return own, nil
}

// trust changes the TLS of a transport, which still offers HTTP/2: net/http gives
// that up where a configuration was set by hand.
func trust(t *http.Transport, change func(*tls.Config)) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLSClientConfig != nil {
		config = t.TLSClientConfig.Clone()
	}
	change(config)
	t.TLSClientConfig = config
	t.ForceAttemptHTTP2 = true
}

// authorities returns those that a configuration trusts, and those of the files.
func authorities(config *tls.Config, files []string) (*x509.CertPool, error) {
	var pool *x509.CertPool
	if config != nil && config.RootCAs != nil {
		pool = config.RootCAs.Clone()
	} else {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			pool = x509.NewCertPool() // a system without authorities: those of the files count
		}
	}
	for _, file := range files {
		text, err := readSmall(file)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, &CertificateError{File: file, Err: errNoCertificate}
		}
	}
	return pool, nil
}
