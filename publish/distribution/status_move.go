package distribution

import (
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// RefusesMove tells whether the registry minds that a tag moves. Each has its own way
// to say so: 409 is the protocol's, Amazon ECR answers 400 with TAG_INVALID, Harbor
// 412, others 403. Azure answers 405 for a locked tag, without a word of it, so that
// only who knows that the tag was there can tell.
func (e *StatusError) RefusesMove() bool {
	switch e.Status {
	case http.StatusConflict, http.StatusPreconditionFailed:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed:
		return e.has(transport.TagInvalidErrorCode) || e.mentions("immutable", "locked", "overwrit", "already exists")
	}
	return false
}
