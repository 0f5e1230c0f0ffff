package publish

import "fmt"

// UsageError is a name, tag or folder that the user must change: nothing was
// tried with it. The program ends with exit code 2.
type UsageError struct {
	What   string // what it is meant to be: "tag", "repository"
	Value  string // as it was given
	Reason string // what is wrong with it
	Try    string // a value, or words, that would do; may be empty
}

func (e *UsageError) Error() string {
	s := fmt.Sprintf("%s %q: %s", e.What, e.Value, e.Reason)
	if e.Try != "" {
		s += fmt.Sprintf("; try %s", e.Try)
	}
	return s
}
