package distribution

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// try calls f until it succeeds, fails for good, or the policy allows no more. It
// is the loop in which requests wait and are sent again.
func (n *Network) try(ctx context.Context, h *host, f func(context.Context) error) error {
	return n.tryAtMost(ctx, n.policy.Tries, h, f)
}

func (n *Network) tryAtMost(ctx context.Context, tries int, h *host, f func(context.Context) error) error {
	var late atomic.Bool
	defer time.AfterFunc(n.policy.Total, func() { late.Store(true) }).Stop()
	for i := 1; ; i++ {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		most := tries
		var hiccup *hiccupError
		if !h.answered() || errors.As(err, &hiccup) {
			most = min(most, n.policy.FirstTries)
		}
		if i >= most || late.Load() || !passing(err) {
			return err
		}
		pause := n.policy.pause(i)
		if asked := retryAfter(err); asked > n.policy.MaxRetryAfter {
			return &tooLongError{asked: asked, err: err}
		} else if asked > 0 {
			pause = asked
		}
		n.o.Notice(fmt.Sprintf("%s; next try in %s", n.o.Secrets.Redact(brief(err)), pause.Round(time.Millisecond)))
		if err := n.policy.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// tooLongError says that a registry wants us to come back later than anybody waits.
type tooLongError struct {
	asked time.Duration
	err   error
}

func (e *tooLongError) Error() string {
	return fmt.Sprintf("%v; %s", e.err, e.wish())
}

func (e *tooLongError) wish() string { return "it asks to wait for " + waitText(e.asked) }

func (e *tooLongError) Unwrap() error { return e.err }

// finalError ends the tries of a request because one within it, such as the one for
// a token, has used up its own.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// repeatableError is an answer that would stay if the same was sent to the same place,
// and may not when the whole step is done again: an upload begun anew, a manifest put
// a moment later.
type repeatableError struct{ *StatusError }

func (e *repeatableError) Unwrap() error { return e.StatusError }

// passing tells whether what failed with err may work when it is tried again.
func passing(err error) bool {
	if forGood(err) {
		return false
	}
	var again *repeatableError
	var hiccup *hiccupError
	if errors.As(err, &again) || errors.As(err, &hiccup) {
		return true
	}
	var status *StatusError
	if errors.As(err, &status) {
		return status.passing()
	}
	var stalled *StallError
	var damaged *DamagedError
	var network *url.Error
	return errors.As(err, &stalled) || errors.As(err, &damaged) || errors.As(err, &network) || cut(err)
}

// cut tells whether a connection broke while an answer was read.
func cut(err error) bool {
	var ended *cutError
	return errors.As(err, &ended) || errors.Is(err, io.ErrUnexpectedEOF)
}

// forGood tells whether a request failed for a reason that stays.
func forGood(err error) bool {
	var final finalError
	var source *SourceError
	var plain *PlainHTTPError
	var address *AddressError
	var redirects *redirectError
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var proxy *ProxyError
	var files *CertificateError
	switch {
	case errors.As(err, &final), errors.As(err, &plain), errors.As(err, &address), errors.As(err, &redirects),
		errors.As(err, &certificate), errors.As(err, &files):
		return true
	case errors.As(err, &proxy):
		return !passingStatus(proxy.Status)
	case errors.As(err, &source):
		return !source.damaged()
	case errors.As(err, &name):
		return name.IsNotFound
	}
	// A server that wants another certificate of ours says so by an alert, whose type
	// crypto/tls does not export.
	return errors.Is(err, http.ErrSchemeMismatch) || strings.Contains(err.Error(), "remote error: tls: ")
}

// passingStatus are the answers after which a request may be sent again, whatever
// it is: what we send has the same effect once or twice.
func passingStatus(code int) bool {
	return slices.Contains([]int{
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}, code)
}

func retryAfter(err error) time.Duration {
	var status *StatusError
	if errors.As(err, &status) {
		return status.RetryAfter
	}
	return 0
}
