//go:build !nosign

package sign

import (
	"crypto/x509"
	"errors"
	"time"
)

// lateError says that a certificate was not valid when it was used, as the log or the
// timestamp authority will tell every verifier for ever.
type lateError struct {
	certificate *x509.Certificate
	why         *refusal
}

func (e *lateError) Error() string {
	return "what was signed would not count: " + e.why.Error() + "; sign again, and if that does not help, the clock of the certificate authority or of the transparency log is wrong"
}

// inTime makes something, and does so once more with a new certificate where the held
// one was not valid when it was used: the machine may have slept, or the log have been
// slow.
func inTime[T any](k *keyless, do func() (T, error)) (T, error) {
	result, err := do()
	var late *lateError
	if !errors.As(err, &late) {
		return result, err
	}
	if c := k.held.Load(); c != nil && c.chain[0].Equal(late.certificate) {
		c.old.Store(true)
	}
	return do()
}

// late returns a [lateError] unless all that proves the time of a signature says that
// its certificate was valid then. It needs no trusted root: who made the proof is not
// looked at.
func (e *evidence) late() error {
	times, err := e.times()
	if err != nil {
		return err
	}
	if len(times) == 0 {
		return errors.New("nothing proves the time at which it was made")
	}
	for _, at := range times {
		if from, to := e.certificate.NotBefore, e.certificate.NotAfter; at.Before(from) || at.After(to) {
			return &lateError{e.certificate, expired(at, from, to)}
		}
	}
	return nil
}

// times are those that logs and authorities tell.
func (e *evidence) times() (all []time.Time, err error) {
	for _, entry := range e.entries {
		if at := entry.IntegratedTime(); !at.IsZero() {
			all = append(all, at)
		}
	}
	for _, stamp := range e.stamps {
		read, err := parseStamp(stamp)
		if err != nil {
			return nil, err
		}
		all = append(all, read.Time)
	}
	return all, nil
}
