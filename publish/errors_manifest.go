package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// FormatError says that the registry takes no manifests of Docker's family.
type FormatError struct {
	Repository name.Repository
	MediaType  types.MediaType // the one refused
	Err        error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("put the manifest into %s: %v: the registry takes no %s; try --format oci", e.Repository, e.Err, e.MediaType)
}

func (e *FormatError) Unwrap() error { return e.Err }

// KindError says that a tag names something of another kind, and that the registry
// does not let a tag change its kind.
type KindError struct {
	Repository name.Repository
	Tag        string
	Holds      types.MediaType // what the tag names now; may be empty
	Wanted     types.MediaType // what it should name
	Err        error
}

func (e *KindError) Error() string {
	holds := "another kind of manifest"
	if e.Holds != "" {
		holds = "a manifest of type " + string(e.Holds)
	}
	return fmt.Sprintf("put the manifest into %s:%s: %v: the tag holds %s, and the registry does not let it turn into %s; use another tag, or delete this one first", e.Repository, e.Tag, e.Err, holds, e.Wanted)
}

func (e *KindError) Unwrap() error { return e.Err }

// explainManifest is explain for a manifest of type mt that was refused under ref.
func (r *Registry) explainManifest(ctx context.Context, ref string, mt types.MediaType, err error) error {
	var status *transport.Error
	if ctx.Err() != nil || !errors.As(err, &status) || !refusesManifest(status) {
		return r.explain(ctx, "put the manifest "+ref+" into", err)
	}
	old := r.named(ref).mediaType
	switch {
	case old != "" && old.IsIndex() != mt.IsIndex(), strings.Contains(status.Error(), kindWords):
		return &KindError{Repository: r.repo, Tag: ref, Holds: old, Wanted: mt, Err: quietError{err}}
	case isDocker(mt) && namesDocker(status):
		return &FormatError{Repository: r.repo, MediaType: mt, Err: quietError{err}}
	}
	return r.explain(ctx, "put the manifest "+ref+" into", err)
}

// kindWords are zot's for a tag that would change its kind, with MANIFEST_INVALID:
// https://github.com/project-zot/zot/issues/3005
const kindWords = "changing manifest media-type"

// refusesManifest tells whether the registry minds the manifest itself, and not the
// rights, the tag or the moment.
func refusesManifest(e *transport.Error) bool {
	switch e.StatusCode {
	case http.StatusUnsupportedMediaType:
		return true
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict, http.StatusUnprocessableEntity:
	default:
		return false
	}
	return slices.ContainsFunc(e.Errors, func(d transport.Diagnostic) bool {
		return d.Code == transport.ManifestInvalidErrorCode || d.Code == transport.UnsupportedErrorCode
	})
}

// namesDocker tells whether the answer minds a media type of Docker's: by its
// status, or by naming one (https://github.com/project-zot/zot/issues/622).
func namesDocker(e *transport.Error) bool {
	return e.StatusCode == http.StatusUnsupportedMediaType || strings.Contains(e.Error(), "application/vnd.docker.")
}

func isDocker(mt types.MediaType) bool {
	return mt == types.DockerManifestSchema2 || mt == types.DockerManifestList
}
