package publish

import (
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// TagError says that a tag could not be moved, and what became of the others.
type TagError struct {
	Name   string   // of the sink
	Moved  []string // these name the new image
	Failed string   // this one was refused; among Moved if only the look at it after that failed
	Back   []string // these name again what they did before
	Left   []string // these were not tried
	Done   []string // sinks that were finished before, as Commit returned them
	Unsure bool     // nobody knows whether Failed moved: no answer came
	Err    error
}

func (e *TagError) Error() string {
	s := fmt.Sprintf("tag %s:%s: %s; the image itself is there; tags moved: %s", e.Name, e.Failed, placeless(e.Err), listOrNone(e.Moved))
	if e.Unsure {
		s += "; whether " + e.Failed + " moved is not known"
	}
	if len(e.Back) > 0 {
		s += "; put back: " + strings.Join(e.Back, ", ")
	}
	if len(e.Left) > 0 {
		s += "; not tried: " + strings.Join(e.Left, ", ")
	}
	if len(e.Done) > 0 {
		s += "; finished before: " + strings.Join(e.Done, ", ")
	}
	return s
}

func (e *TagError) Unwrap() error { return e.Err }

// placeless is the text of an error about a manifest without the place, which the
// words around it name.
func placeless(err error) string {
	switch e := err.(type) { //nolint:errorlint // one that is wrapped has words around it
	case interface{ reason() string }:
		return e.reason()
	case *distribution.Error:
		if e.Try == "" {
			return e.Reason()
		}
		return e.Reason() + "; " + e.Try
	}
	return err.Error()
}

func listOrNone(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}
