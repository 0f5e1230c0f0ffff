package distribution

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// brief is the text of an error of a request, without what nobody needs to know.
func brief(err error) string { return briefAt(err, "") }

// briefAt is the same for words that name the host already: who was asked need not be
// said again then.
func briefAt(err error, host string) string {
	for {
		switch e := err.(type) { //nolint:errorlint // what is wrapped has words around it
		case finalError:
			err = e.error
		case *partError:
			err = e.err
		case *url.Error:
			return requestText(e, host)
		default:
			return err.Error()
		}
	}
}

// requestText leaves the query out of an address: that of an upload is the key to it.
func requestText(e *url.Error, host string) string {
	reason := plainWords(e.Err)
	u, err := url.Parse(e.URL)
	if err != nil || SameHost(u.Host, host) || tellsPlace(e.Err) {
		return reason
	}
	return fmt.Sprintf("%s %s%s: %s", strings.ToUpper(e.Op), u.Host, u.Path, reason)
}

// tellsPlace tells whether an error says by itself where a request went.
func tellsPlace(err error) bool {
	var plain *PlainHTTPError
	var address *AddressError
	var proxy *ProxyError
	return errors.As(err, &plain) || errors.As(err, &address) || errors.As(err, &proxy)
}

// plainWords is an error of net/http in the words of its readers.
func plainWords(err error) string {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return certificateText(certificate.Err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it answers in plain http where https was spoken"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer came"
	}
	return err.Error()
}

// certificateText is what is wrong with the certificate of a server. Go's guess at a
// cause is left out: it speaks of the authorities of this machine.
func certificateText(err error) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "x509: "), " (possibly because of")
	text = strings.Replace(text, "certificate signed by unknown", "certificate is signed by an unknown", 1)
	if strings.HasPrefix(text, "certificate ") {
		return "its " + text
	}
	return "its certificate cannot be trusted: " + text
}

// waitText is a wait as people write it: 1h, not 1h0m0s.
func waitText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
