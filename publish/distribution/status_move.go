package distribution

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// RefusesMove tells whether the registry minds that a tag moves. Each has its own way
// to say so: 409 is the protocol's, Amazon ECR answers 400 with TAG_INVALID, Harbor
// 412, others 403. Azure answers 405 for a locked tag, without a word of it, so that
// only who knows that the tag was there can tell; nor do these answers tell anything
// where it was not.
func (e *StatusError) RefusesMove() bool {
	switch e.Status {
	case http.StatusConflict, http.StatusPreconditionFailed:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed:
		return e.has(transport.TagInvalidErrorCode) || e.CallsImmutable()
	}
	return false
}

// immutable matches the words in which registries say that a tag is there to stay: not
// those of a push that is blocked by a policy.
var immutable = regexp.MustCompile(`immutable|\blocked\b|overwrit|already exists`)

// CallsImmutable tells whether the registry says in words that the tag stays as it is.
func (e *StatusError) CallsImmutable() bool {
	return immutable.MatchString(strings.ToLower(e.said()))
}
