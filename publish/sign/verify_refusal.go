//go:build !nosign

package sign

import (
	"fmt"
	"slices"
	"strconv"
)

// refusal is why one piece of evidence does not count.
type refusal struct {
	reason Reason
	why    string // about "it", the piece
}

func (r *refusal) Error() string { return r.why }

func refuse(reason Reason, format string, args ...any) *refusal {
	return &refusal{reason, fmt.Sprintf(format, args...)}
}

// telling orders reasons by how far a signature came before it was refused: the one
// that came farthest is most likely the one that was meant.
func telling(r Reason) int {
	return slices.Index([]Reason{WrongKey, Untrusted, WrongIdentity, WrongIssuer, Tampered, NotLogged, Expired, OtherImage, WrongAnnotation}, r)
}

// maxShown is how much of a foreign text a message repeats, in bytes.
const maxShown = 200

// shown quotes a foreign text for a message, so that it can neither fill nor fake one.
func shown(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return strconv.Quote(s)
}
