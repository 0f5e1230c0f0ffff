package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// pauses are the waits before the tries after the first.
func pauses() []time.Duration { return []time.Duration{time.Second, 3 * time.Second} }

// try calls f until it succeeds, fails for good, or the tries are used up.
func (c *client) try(ctx context.Context, f func() error) error {
	for _, pause := range c.pauses {
		err := f()
		if err == nil || !passing(err) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	return f()
}

// passing tells whether a request that failed with err may work when it is sent
// again: the connection broke, or the registry has trouble of its own. An error of
// the blob's source never passes.
func passing(err error) bool {
	if forGood(err) {
		return false
	}
	var status *transport.Error
	if errors.As(err, &status) {
		return slices.Contains([]int{
			http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		}, status.StatusCode)
	}
	var network *url.Error
	return errors.As(err, &network)
}

// forGood tells whether a request was not answered for a reason that stays.
func forGood(err error) bool {
	var body bodyError
	plain, helper, address := (*PlainHTTPError)(nil), (*CredentialsError)(nil), (*addressError)(nil)
	certificate := (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &body) || errors.As(err, &plain) || errors.As(err, &helper) || errors.As(err, &address) || errors.As(err, &certificate)
}

// blips sends requests without a body again after hiccups of a moment, and
// questions also after an error of the registry's own. A request with a body is
// spent by its first try, so only its sender can repeat it.
type blips struct{ once, again, question http.RoundTripper }

func newBlips(next http.RoundTripper) *blips {
	passing := []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	return &blips{
		once:     next,
		again:    transport.NewRetry(next, transport.WithRetryStatusCodes(passing...)),
		question: transport.NewRetry(next, transport.WithRetryStatusCodes(slices.Concat(passing, []int{http.StatusRequestTimeout, http.StatusInternalServerError})...)),
	}
}

func (b *blips) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case req.Body != nil && req.Body != http.NoBody:
		return b.once.RoundTrip(req)
	case req.Method == http.MethodGet || req.Method == http.MethodHead:
		return b.question.RoundTrip(req)
	}
	return b.again.RoundTrip(req)
}
