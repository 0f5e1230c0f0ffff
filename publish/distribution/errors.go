package distribution

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Kind is what an [Error] is about.
type Kind int

// The kinds.
const (
	Other        Kind = iota
	Unauthorized      // the registry wants other credentials, or more rights
	NotFound          // it has no such repository, manifest or blob
	Unreachable       // no answer came from it, or none that is a registry's
	Trouble           // it answered that it cannot do it now
	Refused           // it answered that it will not do it
)

// Error is what every method of a [Repository] fails with, except when its context
// ended.
type Error struct {
	Doing      string // "push sha256:… to"
	Repository name.Repository
	Kind       Kind
	Err        error  // what happened
	Try        string // what the user can do about it; may be ""

	secrets *Secrets // a server may repeat what it was sent
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %s", e.Doing, e.where(), e.reason())
	if e.Try != "" {
		s += "; " + e.Try
	}
	return e.secrets.Redact(s)
}

func (e *Error) Unwrap() error { return e.Err }

// where is the repository, or the registry where none was asked for.
func (e *Error) where() string {
	if e.Repository == e.Repository.Repo("") {
		return e.Repository.RegistryStr()
	}
	return e.Repository.String()
}

// Reason is what happened, without what was being done and what to try. Who answered
// need not be said when it was the registry.
func (e *Error) Reason() string { return e.secrets.Redact(e.reason()) }

func (e *Error) reason() string {
	host := e.Repository.RegistryStr()
	var status *StatusError
	if errors.As(e.Err, &status) && SameHost(status.Host, host) {
		var late *tooLongError
		if errors.As(e.Err, &late) {
			return status.Answer() + "; " + late.wish()
		}
		return status.Answer()
	}
	var damaged *DamagedError
	if errors.As(e.Err, &damaged) && strings.Contains(e.Doing, damaged.What[strings.LastIndexByte(damaged.What, ' ')+1:]) {
		return damaged.Why
	}
	return briefAt(e.Err, host)
}

// In tells whether the [Error] in err is of the kind.
func (k Kind) In(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// explain adds to an error what was being done, to what, and what to try. The error
// of a context that ended stays as it is.
func (r *Repository) explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", doing, r.name, context.Cause(ctx))
	}
	var done *Error
	if errors.As(err, &done) { // the error of another request, such as one for the source of an upload
		var source *SourceError
		if errors.As(err, &source) {
			return source
		}
		return err
	}
	kind, try := r.diagnose(ctx, err)
	return &Error{Doing: doing, Repository: r.name, Kind: kind, Err: err, Try: try, secrets: r.net.o.Secrets}
}
