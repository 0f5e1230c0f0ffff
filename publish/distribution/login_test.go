package distribution

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// loginServer is a registry that knows the user me with the password right, and
// the identity token id. It wants what its kind says.
func loginServer(t *testing.T, kind string) name.Registry {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		known := user == "me" && password == "right"
		switch {
		case req.URL.Path == "/token" && req.URL.Query().Has("scope"):
			http.Error(w, "a login asks for no rights", http.StatusBadRequest)
		case req.URL.Path == "/token" && (known || req.Method == http.MethodPost && req.FormValue("refresh_token") == "id"):
			fmt.Fprint(w, `{"token": "t0ken"}`)
		case req.URL.Path == "/token":
			http.Error(w, `{"details": "wrong user name or password"}`, http.StatusUnauthorized)
		case kind == "none", kind == "basic" && known, kind == "bearer" && req.Header.Get("Authorization") == "Bearer t0ken":
		case kind == "website":
			http.NotFound(w, req)
		case kind == "basic":
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}`, http.StatusUnauthorized)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test"`, server.URL))
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	registry, err := name.NewRegistry(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func TestLogin(t *testing.T) {
	t.Parallel()
	right := authn.AuthConfig{Username: "me", Password: "right"}
	wrong := authn.AuthConfig{Username: "me", Password: "wr0ng"}
	for what, c := range map[string]struct {
		kind  string
		given authn.AuthConfig
		want  Kind
		says  string // "" is a success
	}{
		"basic":                 {"basic", right, 0, ""},
		"basic, wrong":          {"basic", wrong, Unauthorized, "who are you?"},
		"token server":          {"bearer", right, 0, ""},
		"token server, wrong":   {"bearer", wrong, Unauthorized, "wrong user name or password"},
		"identity token":        {"bearer", authn.AuthConfig{IdentityToken: "id"}, 0, ""},
		"identity token, wrong": {"bearer", authn.AuthConfig{IdentityToken: "wr0ng"}, Unauthorized, "wrong user name or password"},
		"open registry":         {"none", wrong, 0, ""},
		"no registry":           {"website", right, NotFound, "does not answer like a registry"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			registry := loginServer(t, c.kind)
			n := NewNetwork(NetworkOptions{Policy: Policy{Pause: time.Millisecond, MaxPause: time.Millisecond}})
			err := n.Login(t.Context(), registry, c.given)
			if c.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Kind != c.want {
				t.Fatalf("error = %v, want one of kind %d", err, c.want)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "log in to "+registry.String()+": ") || !strings.Contains(text, c.says) || strings.Contains(text, "wr0ng") {
				t.Errorf("error = %q, want %q in it and no password", text, c.says)
			}
		})
	}
}
