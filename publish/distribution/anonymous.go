package distribution

import (
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
)

// hiccupError is a 403 to somebody without a name who only reads. Registries that
// are open to all, Microsoft's among them, give it now and then for no reason; it is
// asked about again, though not as often as what is sure to pass.
type hiccupError struct{ *StatusError }

func (e *hiccupError) Unwrap() error { return e.StatusError }

// nameless tells whether no credentials were sent.
func (a *access) nameless() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.config == nil || *a.config == (authn.AuthConfig{})
}

// hiccup tells whether the answer to a read may be one.
func (r *Repository) hiccup(e *StatusError) bool {
	return e.Status == http.StatusForbidden && r.rights == Pull && r.access.nameless()
}
