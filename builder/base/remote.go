package base

import (
	"context"
	"errors"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Remote reads what registries hold. What it returns has the digest that was asked
// for or that it tells. Its methods, and the readers it opens, fail with a
// *[RemoteError], or with the error of a context that ended. All of it is safe for
// concurrent use.
type Remote interface {
	// Head returns the digest of what ref names; the zero Hash where the registry
	// says that there is nothing.
	Head(ctx context.Context, ref name.Reference) (v1.Hash, error)
	// Manifest returns the manifest or list that ref names, of at most 4 MiB.
	Manifest(ctx context.Context, ref name.Reference) (Served, error)
	// Document returns a small blob, such as a config, of at most 4 MiB.
	Document(ctx context.Context, repo name.Repository, d v1.Descriptor) ([]byte, error)
	// Blob opens a blob; one that the registry does not have is read from the
	// descriptor's URLs, if it has any. Reading fails before the last byte where
	// digest or size are not those of d.
	Blob(ctx context.Context, repo name.Repository, d v1.Descriptor) (io.ReadCloser, error)
}

// Served is a manifest or list as a registry served it.
type Served struct {
	Digest    v1.Hash
	MediaType types.MediaType // "" where the registry does not tell
	Raw       []byte
}

// RemoteError is what a [Remote] fails with.
type RemoteError struct {
	Kind   error  // ErrNotFound, ErrUnauthorized or ErrUnreachable; nil is any other
	Reason string // what happened, without what was being done: "404 Not Found"
	Try    string // what the user can do about it; may be ""
	Err    error  // where it comes from
}

func (e *RemoteError) Error() string {
	if e.Try == "" {
		return e.Reason
	}
	return e.Reason + "; " + e.Try
}

// Unwrap returns the kind, and where the error comes from.
func (e *RemoteError) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

// elsewhere tells whether what failed at one place may be found at another.
func elsewhere(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrUnreachable)
}
