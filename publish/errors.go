package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// AuthError says that the registry wants other credentials, or more rights.
type AuthError struct {
	Repository name.Repository
	Doing      string // "push sha256:… to"
	Anonymous  bool   // no credentials were found for the host
	Err        error
}

func (e *AuthError) Error() string {
	why := "the registry refused the credentials it was given, or they lack the right to push"
	if e.Anonymous {
		why = "no credentials were found for this host"
	}
	return fmt.Sprintf("%s %s: %v: %s; %s", e.Doing, e.Repository, e.Err, why, credentialsRemedy(e.Repository.RegistryStr()))
}

func (e *AuthError) Unwrap() error { return e.Err }

// UnreachableError says that no answer came from the host.
type UnreachableError struct {
	Repository name.Repository
	Doing      string
	Err        error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s %s: no answer from %s: %v; check the name, the network and the proxy (HTTPS_PROXY, NO_PROXY)", e.Doing, e.Repository, e.Repository.RegistryStr(), e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// NotFoundError says that the registry knows no such repository.
type NotFoundError struct {
	Repository name.Repository
	Doing      string
	Err        error
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s %s: %v: the registry has no such repository; check the name, and create it where the registry does not do so by itself (Amazon ECR, Harbor projects, Google Artifact Registry)", e.Doing, e.Repository, e.Err)
}

func (e *NotFoundError) Unwrap() error { return e.Err }

// TagError says that a tag could not be moved, and what became of the others.
type TagError struct {
	Name   string   // of the sink
	Moved  []string // these name the new image
	Failed string   // this one was refused
	Left   []string // these were not tried
	Done   []string // sinks that were finished before, as Commit returned them
	Err    error
}

func (e *TagError) Error() string {
	s := fmt.Sprintf("tag %s:%s: %v; the image itself is there; tags moved: %s", e.Name, e.Failed, e.Err, listOrNone(e.Moved))
	if len(e.Left) > 0 {
		s += "; not tried: " + strings.Join(e.Left, ", ")
	}
	if len(e.Done) > 0 {
		s += "; finished before: " + strings.Join(e.Done, ", ")
	}
	return s
}

func (e *TagError) Unwrap() error { return e.Err }

func listOrNone(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}

// explain turns what the client library says into an error with a remedy.
func (r *Registry) explain(ctx context.Context, doing string, err error) error {
	err = quietError{err}
	var mismatch *MismatchError
	var source *SourceError
	var plain *PlainHTTPError
	var helper *CredentialsError
	var status *transport.Error
	var network *url.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", doing, r.repo, context.Cause(ctx))
	case errors.As(err, &mismatch):
		return fmt.Errorf("%s %s: %w", doing, r.repo, mismatch)
	case errors.As(err, &source):
		return fmt.Errorf("%s %s: %w", doing, r.repo, source)
	case errors.As(err, &plain):
		return fmt.Errorf("%s %s: %w", doing, r.repo, plain)
	case errors.As(err, &helper):
		return fmt.Errorf("%s %s: %w", doing, r.repo, helper)
	case errors.As(err, &status):
		return r.explainStatus(ctx, doing, status, err)
	case errors.As(err, &network):
		return &UnreachableError{Repository: r.repo, Doing: doing, Err: err}
	}
	return fmt.Errorf("%s %s: %w", doing, r.repo, err)
}

func (r *Registry) explainStatus(ctx context.Context, doing string, status *transport.Error, err error) error {
	switch status.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		auth, rerr := authn.Resolve(ctx, r.o.Keychain, r.repo)
		return &AuthError{Repository: r.repo, Doing: doing, Anonymous: rerr == nil && auth == authn.Anonymous, Err: err}
	case http.StatusNotFound:
		return &NotFoundError{Repository: r.repo, Doing: doing, Err: err}
	}
	return fmt.Errorf("%s %s: %w", doing, r.repo, err)
}

// quietError leaves the queries of addresses out of its text, since that of an
// upload is the key to it, and the rest of a web page that answers for a registry.
type quietError struct{ err error }

var addressQuery = regexp.MustCompile(`(https?://[^\s"?]+)\?[^\s"]*`)

// maxText is the longest text of an error that is shown, in bytes.
const maxText = 600

func (e quietError) Error() string {
	s := addressQuery.ReplaceAllString(e.err.Error(), "$1")
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

func (e quietError) Unwrap() error { return e.err }
