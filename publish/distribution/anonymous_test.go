package distribution

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// fixed is a keychain with one answer.
type fixed struct{ authn.AuthConfig }

func (f fixed) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(f.AuthConfig), nil
}

// TestForbiddenToTheNameless: such an answer may pass, if nobody asked by name.
func TestForbiddenToTheNameless(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		password string
		rights   Rights
		refusals int32 // then the manifest comes
		asked    int32
		fails    bool
	}{
		"twice":              {refusals: 2, asked: 3},
		"always":             {refusals: 100, asked: 3, fails: true},
		"with a password":    {password: "right", refusals: 100, asked: 1, fails: true},
		"of a target's read": {rights: Push, refusals: 100, asked: 1, fails: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				_, _, named := req.BasicAuth()
				switch {
				case c.password != "" && !named:
					w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
					w.WriteHeader(http.StatusUnauthorized)
				case strings.HasSuffix(req.URL.Path, "/v2/"):
				case asked.Add(1) <= c.refusals:
					w.WriteHeader(http.StatusForbidden)
				default:
					_, _ = w.Write([]byte("{}"))
				}
			}))
			t.Cleanup(server.Close)
			repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/windows/nanoserver")
			if err != nil {
				t.Fatal(err)
			}
			var keychain authn.Keychain
			if c.password != "" {
				keychain = fixed{authn.AuthConfig{Username: "me", Password: c.password}}
			}
			n := NewNetwork(NetworkOptions{Policy: Policy{Sleep: func(context.Context, time.Duration) error { return nil }}})
			_, err = n.Repository(repo, keychain, c.rights).Manifest(t.Context(), "v1")
			if (err != nil) != c.fails || asked.Load() != c.asked {
				t.Errorf("%d requests and %v, want %d", asked.Load(), err, c.asked)
			}
			if c.fails && c.rights == Pull && !Unauthorized.In(err) {
				t.Errorf("%v is not about rights", err)
			}
		})
	}
}
