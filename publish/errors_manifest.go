package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// FormatError says that the registry takes no manifests of Docker's family.
type FormatError struct {
	Repository name.Repository
	MediaType  types.MediaType // the one refused
	Err        error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("put the manifest into %s: %s", e.Repository, e.reason())
}

func (e *FormatError) reason() string {
	return fmt.Sprintf("%v; it takes no %s: publish with --format oci", e.Err, e.MediaType)
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
	return fmt.Sprintf("put the manifest into %s:%s: %s", e.Repository, e.Tag, e.reason())
}

func (e *KindError) reason() string {
	holds := "another kind of manifest"
	if e.Holds != "" {
		holds = "a manifest of type " + string(e.Holds)
	}
	return fmt.Sprintf("%v; the tag holds %s, and the registry does not let it turn into %s; use another tag, or delete this one first", e.Err, holds, e.Wanted)
}

func (e *KindError) Unwrap() error { return e.Err }

// ImmutableError says that a tag names another image, and that the registry lets no
// tag move.
type ImmutableError struct {
	Repository name.Repository
	Tag        string
	Err        error
}

func (e *ImmutableError) Error() string {
	return fmt.Sprintf("put the manifest into %s:%s: %s", e.Repository, e.Tag, e.reason())
}

func (e *ImmutableError) reason() string {
	return fmt.Sprintf("%v; this tag names another image and may not move: use a new tag, or delete this one first", e.Err)
}

func (e *ImmutableError) Unwrap() error { return e.Err }

// answer is a registry's refusal without the request, which the words around it
// name.
type answer struct{ *distribution.StatusError }

func (a answer) Error() string { return a.Answer() }
func (a answer) Unwrap() error { return a.StatusError }

// explainManifest finds the reason for which the document was refused under ref.
func (r *Registry) explainManifest(ctx context.Context, ref string, d *document, err error) error {
	var status *distribution.StatusError
	if ctx.Err() != nil || !errors.As(err, &status) {
		return err
	}
	old, mt := r.named(ref), d.mediaType
	switch {
	case r.refusesForeign(d, status):
		return &ForeignError{Repository: r.repo, Layers: d.foreignLayers(), Sent: r.o.Nondistributable, Err: answer{status}}
	case old.MediaType != "" && old.MediaType.IsIndex() != mt.IsIndex() && refusesManifest(status), strings.Contains(status.Error(), kindWords):
		return &KindError{Repository: r.repo, Tag: ref, Holds: old.MediaType, Wanted: mt, Err: answer{status}}
	case isDocker(mt) && refusesManifest(status) && namesDocker(status):
		return &FormatError{Repository: r.repo, MediaType: mt, Err: answer{status}}
	case !strings.Contains(ref, ":") && (status.RefusesMove() || old.Digest != (v1.Hash{}) && status.Status == http.StatusMethodNotAllowed):
		return &ImmutableError{Repository: r.repo, Tag: ref, Err: answer{status}}
	}
	return err
}

// kindWords are zot's for a tag that would change its kind, with MANIFEST_INVALID:
// https://github.com/project-zot/zot/issues/3005
const kindWords = "changing manifest media-type"

// refusesManifest tells whether the registry minds the manifest itself, and not the
// rights, the tag or the moment.
func refusesManifest(e *distribution.StatusError) bool {
	switch e.Status {
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
func namesDocker(e *distribution.StatusError) bool {
	return e.Status == http.StatusUnsupportedMediaType || strings.Contains(e.Error(), "application/vnd.docker.")
}

func isDocker(mt types.MediaType) bool {
	return mt == types.DockerManifestSchema2 || mt == types.DockerManifestList
}
