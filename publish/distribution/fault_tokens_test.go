package distribution_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokenPath is where the token service of the tests is.
const tokenPath = "/token"

// The only user of the tests.
const user, password = "robot", "p4ssw0rd-of-the-bench"

// tokens is a registry that wants a token for each request, and the service that
// hands them out. Tokens die young: after so many requests, or after a while.
//
// https://distribution.github.io/distribution/spec/auth/token/
type tokens struct {
	next http.Handler
	uses int           // requests that a token is good for; 0 is any number
	life time.Duration // 0 is for ever
	mute bool          // the service does not tell how long a token lives

	mu     sync.Mutex
	issued map[string]*token
	served int
}

type token struct {
	uses    int
	expires time.Time
	scopes  []string
}

func (t *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == tokenPath {
		t.serve(w, r)
		return
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if t.spend(bearer, r) {
		t.next.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	challenge := fmt.Sprintf("Bearer realm=%q,service=%q", baseURL(r)+tokenPath, r.Host)
	if s := wantedScope(r); s != "" {
		challenge += fmt.Sprintf(",scope=%q", s)
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
}

// serve hands out a token to whoever knows the password.
func (t *tokens) serve(w http.ResponseWriter, r *http.Request) {
	u, p, _ := r.BasicAuth()
	if r.Method == http.MethodPost {
		u, p = r.PostFormValue("username"), r.PostFormValue("password")
	}
	if u != user || p != password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.served++
	name := fmt.Sprintf("token-%d", t.served)
	if t.issued == nil {
		t.issued = map[string]*token{}
	}
	_ = r.ParseForm()
	made := &token{uses: t.uses, scopes: strings.Fields(strings.Join(r.Form["scope"], " "))}
	expires := ""
	if t.life > 0 {
		made.expires = time.Now().Add(t.life)
		if !t.mute {
			expires = fmt.Sprintf(`,"expires_in":%d`, int(t.life/time.Second))
		}
	}
	t.issued[name] = made
	_, _ = fmt.Fprintf(w, `{"token":%q%s}`, name, expires)
}

// spend tells whether the token is good for the request, and uses it up by that much.
func (t *tokens) spend(name string, r *http.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tok, ok := t.issued[name]
	if !ok || t.life > 0 && time.Now().After(tok.expires) {
		return false
	}
	if t.uses > 0 {
		if tok.uses == 0 {
			return false
		}
		tok.uses--
	}
	return tok.covers(wantedScope(r))
}

func (t *token) covers(scope string) bool {
	if scope == "" {
		return true
	}
	repo, actions := cutLast(scope, ":")
	for _, s := range t.scopes {
		r, have := cutLast(s, ":")
		if r == repo && strings.Contains(have, actions) {
			return true
		}
	}
	return false
}

// wantedScope is what a token must allow for the request.
func wantedScope(r *http.Request) string {
	repo := repositoryOf(r.URL.Path)
	switch {
	case repo == "":
		return ""
	case question(r):
		return "repository:" + repo + ":pull"
	}
	return "repository:" + repo + ":push,pull"
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	return s[:max(i, 0)], s[i+1:]
}

// requests is how often a token was asked for with success.
func (t *tokens) requests() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.served
}

func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
