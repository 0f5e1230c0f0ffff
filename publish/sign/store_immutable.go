package sign

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// ImmutableError says that the registry does not let a tag move under which signatures
// lie.
type ImmutableError struct {
	Repository string
	Tag        string
	Answer     string // the registry's
	Err        error
}

func (e *ImmutableError) Error() string {
	try := "use --sign-format bundle from the first signature of an image on, which needs no such tag where the registry lists referrers"
	if !strings.Contains(e.Tag, ".") { // it has none of the suffixes
		try = "the registry has no list of referrers and keeps it under this tag: exempt tags that begin with sha256- from immutability"
	}
	return fmt.Sprintf("write the tag %s of %s: tags are immutable there (%s); %s", e.Tag, e.Repository, e.Answer, try)
}

func (e *ImmutableError) Unwrap() error { return e.Err }

// explainImmutable is err, or an [ImmutableError] where that is the reason for it.
// Only where the tag was there before, an answer without words for it can mean that.
func explainImmutable(repo *distribution.Repository, tag string, there bool, err error) error {
	var status *distribution.StatusError
	if !errors.As(err, &status) || !strings.HasSuffix(status.Path, "/"+tag) {
		return err
	}
	if status.RefusesMove() && status.CallsImmutable() || there && (status.RefusesMove() || status.Status == http.StatusMethodNotAllowed) {
		return &ImmutableError{Repository: repo.Name().String(), Tag: tag, Answer: status.Answer(), Err: err}
	}
	return err
}
