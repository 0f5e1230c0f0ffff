package publish

import (
	"fmt"
	"strings"
)

// TagError says that a tag could not be moved, and what became of the others.
type TagError struct {
	Name   string   // of the sink
	Moved  []string // these name the new image
	Failed string   // this one was refused
	Back   []string // these name again what they did before
	Left   []string // these were not tried
	Done   []string // sinks that were finished before, as Commit returned them
	Err    error
}

func (e *TagError) Error() string {
	s := fmt.Sprintf("tag %s:%s: %v; the image itself is there; tags moved: %s", e.Name, e.Failed, e.Err, listOrNone(e.Moved))
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

func listOrNone(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}
