package distribution

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// gate is a registry with a token server in one, that has one manifest.
type gate struct {
	t      *testing.T
	public bool                                 // may be read with a token for nobody
	post   int                                  // status of a POST for a token; 0 trades, -1 refuses as OAuth has it
	admits func(user, password string) bool     // who gets a token by GET
	trades func(identity string) (string, bool) // refresh token and whether one is given

	gives   string // a token for tokens, with one that a password got
	forbids string // the path that is forbidden once

	mu     sync.Mutex
	tokens []string // how each was got: "GET bob repository:app:push,pull", …
	dead   int      // tokens up to this one are good no more
}

func (g *gate) start() name.Repository {
	g.t.Helper()
	server := httptest.NewServer(g)
	g.t.Cleanup(server.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/app")
	if err != nil {
		g.t.Fatal(err)
	}
	return repo
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	forbidden := r.URL.Path == g.forbids
	if forbidden {
		g.forbids = ""
	}
	g.mu.Unlock()
	if forbidden {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.URL.Path == "/token" {
		g.token(w, r)
		return
	}
	g.mu.Lock()
	dead := g.dead
	g.mu.Unlock()
	var n int
	var user string
	_, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer token-%d-%s", &n, &user)
	if err != nil || n <= dead || user == "nobody" && !g.public {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="gate",error="invalid_token"`, r.Host))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.URL.Path != "/v2/" {
		_, _ = w.Write([]byte(`{}`))
	}
}

func (g *gate) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	user, refresh := "nobody", ""
	if r.Method == http.MethodPost {
		if g.post < 0 { // RFC 6749 §5.2
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"the token has expired"}`))
			return
		}
		if g.post > 0 {
			w.WriteHeader(g.post)
			return
		}
		var ok bool
		if refresh, ok = g.trades(r.PostFormValue("refresh_token")); !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		user = "identity"
	} else if name, password, ok := r.BasicAuth(); ok {
		if !g.admits(name, password) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		user, refresh = name, g.gives
	}
	g.tokens = append(g.tokens, fmt.Sprintf("%s %s %s %s", r.Method, user, r.FormValue("service"), r.FormValue("scope")))
	answer := map[string]any{"token": fmt.Sprintf("token-%d-%s", len(g.tokens), user), "refresh_token": refresh}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		g.t.Error(err)
	}
}

func (g *gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = len(g.tokens)
}

type keys authn.AuthConfig

func (k keys) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig(k)), nil
}

func quick(notices *[]string) *Network {
	var mu sync.Mutex
	return NewNetwork(NetworkOptions{
		Policy: Policy{Pause: time.Millisecond},
		Notice: func(s string) {
			mu.Lock()
			defer mu.Unlock()
			*notices = append(*notices, s)
		},
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	bob := func(user, password string) bool { return user == "bob" && password == "right" }
	const push, pull = "gate repository:app:push,pull", "gate repository:app:pull"
	for what, c := range map[string]struct {
		gate   *gate
		keys   keys
		rights Rights
		kind   Kind // of the error; -1 is none
		tokens []string
		notice string
	}{
		"a password":                {&gate{admits: bob}, keys{Username: "bob", Password: "right"}, Push, -1, []string{"GET bob " + push}, ""},
		"a wrong one":               {&gate{admits: bob}, keys{Username: "bob", Password: "wrong"}, Push, Unauthorized, nil, ""},
		"none":                      {&gate{}, keys{}, Pull, Unauthorized, []string{"GET nobody " + pull, "GET nobody " + pull, "GET nobody " + pull, "GET nobody " + pull, "GET nobody " + pull, "GET nobody " + pull}, ""},
		"none is needed":            {&gate{public: true}, keys{}, Pull, -1, []string{"GET nobody " + pull}, ""},
		"a dead one to read":        {&gate{public: true, admits: bob}, keys{Username: "bob", Password: "old"}, Pull, -1, []string{"GET nobody " + pull}, "refuses the stored credentials"},
		"a dead one to push":        {&gate{public: true, admits: bob}, keys{Username: "bob", Password: "old"}, Push, Unauthorized, nil, ""},
		"an identity token":         {&gate{trades: func(s string) (string, bool) { return "", s == "me" }}, keys{IdentityToken: "me"}, Push, -1, []string{"POST identity " + push}, ""},
		"one that is dead by OAuth": {&gate{public: true, post: -1}, keys{IdentityToken: "me"}, Pull, -1, []string{"GET nobody " + pull}, "refuses the stored credentials"},
		"the same, to push":         {&gate{public: true, post: -1}, keys{IdentityToken: "me"}, Push, Unauthorized, nil, ""},
		"a dead identity token":     {&gate{trades: func(string) (string, bool) { return "", false }}, keys{IdentityToken: "me"}, Push, Unauthorized, nil, ""},
		"no POST for tokens, 404":   {&gate{post: 404, admits: func(u, p string) bool { return p == "me" }}, keys{Username: "u", IdentityToken: "me", Password: "me"}, Push, -1, []string{"GET u " + push}, ""},
		"no POST for tokens, 405":   {&gate{post: 405, admits: func(u, p string) bool { return p == "me" }}, keys{Username: "u", IdentityToken: "me", Password: "me"}, Push, -1, []string{"GET u " + push}, ""},
		"a token of the registry":   {&gate{}, keys{RegistryToken: "token-1-x"}, Push, -1, nil, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			g := c.gate
			g.t = t
			var notices []string
			_, err := quick(&notices).Repository(g.start(), c.keys, c.rights).Manifest(t.Context(), "v1")
			if c.kind < 0 && err != nil || c.kind >= 0 && !c.kind.In(err) {
				t.Errorf("Manifest = %v, want kind %d", err, c.kind)
			}
			if diff := cmp.Diff(c.tokens, g.tokens); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
			if got := strings.Join(notices, "\n"); (c.notice == "") != (got == "") || !strings.Contains(got, c.notice) {
				t.Errorf("notices = %q, want %q", got, c.notice)
			}
		})
	}
}

// The token for tokens that a server gives is the one to trade next.
func TestRefreshTokensChange(t *testing.T) {
	t.Parallel()
	var traded []string
	g := &gate{t: t, trades: func(s string) (string, bool) {
		traded = append(traded, s)
		return fmt.Sprintf("next-%d", len(traded)), true
	}}
	r := quick(new([]string)).Repository(g.start(), keys{IdentityToken: "first"}, Push)
	for range 3 {
		if _, err := r.Manifest(t.Context(), "v1"); err != nil {
			t.Fatal(err)
		}
		g.expire()
	}
	if want := []string{"first", "next-1", "next-2"}; !cmp.Equal(want, traded) {
		t.Errorf("traded %q, want %q", traded, want)
	}
}

// A token that dies is renewed once, however many need it.
func TestTokensAreRenewedOnce(t *testing.T) {
	t.Parallel()
	g := &gate{t: t, admits: func(string, string) bool { return true }}
	r := quick(new([]string)).Repository(g.start(), keys{Username: "bob", Password: "x"}, Push)
	for range 3 {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := r.Manifest(t.Context(), "v1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		g.expire()
	}
	if len(g.tokens) != 3 {
		t.Errorf("%d tokens were asked for, want 3", len(g.tokens))
	}
}

// A registry that refuses without asking for anything may take a password.
func TestForbiddenWithoutAChallenge(t *testing.T) {
	t.Parallel()
	repo := stubborn(t, func(w http.ResponseWriter, r *http.Request) {
		if user, _, ok := r.BasicAuth(); !ok || user != "bob" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	for user, want := range map[string]Kind{"bob": -1, "eve": Unauthorized, "": Unauthorized} {
		err := quick(new([]string)).Repository(repo, keys{Username: user}, Push).CheckPush(t.Context())
		if want < 0 && err != nil || want >= 0 && !want.In(err) {
			t.Errorf("%q: CheckPush = %v", user, err)
		}
	}
}

// A token for tokens that dies before the password it came for is forgotten.
func TestRefreshTokensDie(t *testing.T) {
	t.Parallel()
	for _, rights := range []Rights{Pull, Push} {
		g := &gate{t: t, admits: func(string, string) bool { return true }, trades: func(string) (string, bool) { return "", false }, gives: "refresh"}
		r := quick(new([]string)).Repository(g.start(), keys{Username: "bob", Password: "right"}, rights)
		for range 3 {
			if _, err := r.Manifest(t.Context(), "v1"); err != nil {
				t.Fatal(err)
			}
			g.expire()
		}
		if len(g.tokens) != 3 {
			t.Errorf("tokens = %q, want three by password", g.tokens)
		}
	}
}

// Registries that are open to all forbid the handshake or the token now and then.
func TestForbiddenForAMoment(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"/v2/", "/token", "/v2/app/manifests/v1"} {
		g := &gate{t: t, public: true, forbids: place}
		if _, err := quick(new([]string)).Repository(g.start(), nil, Pull).Manifest(t.Context(), "v1"); err != nil {
			t.Errorf("%s: %v", place, err)
		}
		g = &gate{t: t, public: true, forbids: place}
		if err := quick(new([]string)).Repository(g.start(), nil, Push).Ping(t.Context()); place == "/v2/" && !Unauthorized.In(err) {
			t.Errorf("%s: Ping = %v, want the answer when pushing", place, err)
		}
	}
}
