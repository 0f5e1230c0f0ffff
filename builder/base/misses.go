package base

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// miss is a place that did not give what was asked of it.
type miss struct {
	repo name.Repository
	err  error
}

// reason is what happened there, without what to try.
func (m miss) reason() string {
	var failed *RemoteError
	if errors.As(m.err, &failed) {
		return failed.Reason
	}
	return m.err.Error()
}

// misses are the places that were asked, in order. The last of them decides what
// kind of error they are: it is the one that has to have it.
type misses []miss

// maxReasons is how many lines tell what happened where.
const maxReasons = 3

func (m misses) Error() string {
	last := len(m) - 1
	if last == 0 {
		return fmt.Sprintf("at %s: %v", m[0].repo, m[0].err)
	}
	var lines []string
	for _, each := range m[:last] {
		lines = append(lines, fmt.Sprintf("%s: %s", each.repo, each.reason()))
	}
	lines = append(lines, fmt.Sprintf("%s: %v", m[last].repo, m[last].err))
	for len(lines) > maxReasons {
		lines[1] = lines[0] + "; " + lines[1]
		lines = lines[1:]
	}
	return "no place that was asked gives it\n  " + strings.Join(lines, "\n  ")
}

func (m misses) Unwrap() error { return m[len(m)-1].err }
