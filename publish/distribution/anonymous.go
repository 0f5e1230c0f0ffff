package distribution

import (
	"errors"
	"net/http"
)

// hiccupError is a 403 to somebody without a name who only reads. Registries that
// are open to all, Microsoft's among them, give it now and then for no reason; it is
// asked about again, though not as often as what is sure to pass.
type hiccupError struct{ *StatusError }

func (e *hiccupError) Unwrap() error { return e.StatusError }

// hiccup tells whether the answer to a read may be one.
func (r *Repository) hiccup(e *StatusError) bool {
	return e.Status == http.StatusForbidden && r.rights == Pull && !r.access.named.Load()
}

// unlessHiccup marks an answer that may be one.
func (r *Repository) unlessHiccup(err error) error {
	var status *StatusError
	if errors.As(err, &status) && r.hiccup(status) {
		return &hiccupError{status}
	}
	return err
}
