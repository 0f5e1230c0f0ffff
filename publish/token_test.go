package publish

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// withTokens puts a token server before the registry: pushing needs a token, a
// token the password.
func withTokens(host string, rec *recorder, user, password string) {
	next := rec.next
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			if u, p, _ := r.BasicAuth(); u != user || p != password {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprintf(w, `{"token":"good for %s"}`, r.URL.Query().Get("scope"))
			return
		}
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer good for repository:app:push,pull") {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, host))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestRegistryTokens(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	rec.blobs = nil // the front answers nothing itself: each request needs a token
	withTokens(host, rec, "push", "secret of push")
	keys := func(user string) RegistryOptions {
		return RegistryOptions{Keychain: NewKeychain(CredentialOptions{Environ: pair("DOTNET_CONTAINER_PUSH_REGISTRY", user), Targets: []string{host}})}
	}
	s := newTestRegistry(t, host+"/app", keys("push"))
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, testImage(t, testLayer(t, 1, 1000)), "v1")

	for _, user := range []string{"stranger", ""} {
		s := newTestRegistry(t, host+"/app", keys(user))
		for doing, err := range map[string]error{
			"check": s.Check(t.Context()), "push": second(s.PutLayer(t.Context(), testLayer(t, 2, 10))),
		} {
			var auth *AuthError
			if !errors.As(err, &auth) || auth.Anonymous != (user == "") {
				t.Errorf("%q: %s = %v, want an AuthError", user, doing, err)
				continue
			}
			if strings.Contains(err.Error(), "secret of") {
				t.Errorf("%q: the password is in %q", user, err)
			}
		}
	}
}
