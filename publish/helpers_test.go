package publish

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/publish/credentials"
)

// The error of a push with a broken helper reaches the user through the sink.
func TestRegistryBrokenHelper(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	k := credentials.New(credentials.Options{Environ: []string{`DOCKER_AUTH_CONFIG={"credsStore": "nanobuild-is-not-there"}`}}).For(host)
	s := newTestRegistry(t, host+"/app", RegistryOptions{Keychain: k})
	for doing, err := range map[string]error{
		"check": s.Check(t.Context()), "push": second(s.PutLayer(t.Context(), testLayer(t, 1, 10))),
	} {
		var broken *credentials.Error
		if !errors.As(err, &broken) {
			t.Errorf("%s = %v, want the error of the credentials", doing, err)
		}
	}
}
