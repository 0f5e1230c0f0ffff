package distribution

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// access is the right to use a repository: what its registry wants to see, and the
// token that it gave. All workers share it, so that a token is renewed once.
type access struct {
	repository *Repository
	keychain   authn.Keychain
	scopes     []string

	turn      chan struct{} // taken by who reads or changes what follows, also while the registry is asked
	now       *grant        // nil before the handshake
	challenge challenge
	config    *authn.AuthConfig // nil before they were looked for
	named     atomic.Bool       // credentials are shown to the registry
	forgone   atomic.Bool       // there were some, which it refused
	stale     *atomic.Bool      // the token will be refused soon
	expiry    *time.Timer
	refresh   string // a token for tokens, which the token server gave
}

// grant is what one request needs to be let in. It is never changed.
type grant struct {
	scheme string // http or https
	header string // of Authorization; "" is none
}

func (g *grant) bearer() bool { return strings.HasPrefix(g.header, "Bearer ") }

func newAccess(r *Repository, keychain authn.Keychain, scopes ...string) *access {
	return &access{repository: r, keychain: keychain, scopes: scopes, turn: make(chan struct{}, 1), stale: new(atomic.Bool)}
}

// enter waits for the turn.
func (a *access) enter(ctx context.Context) error {
	select {
	case a.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *access) leave() { <-a.turn }

// grant returns what requests need now, after a handshake if there was none. A
// failed handshake is tried anew by the next caller.
func (a *access) grant(ctx context.Context) (*grant, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.leave()
	if a.now != nil && !a.stale.Load() {
		return a.now, nil
	}
	if a.now == nil {
		scheme, c, err := a.repository.handshake(ctx)
		if err != nil {
			return nil, finalError{err}
		}
		a.challenge = c
		a.now = &grant{scheme: scheme}
	}
	before := a.now
	if err := a.meet(ctx); err != nil {
		a.now = before
		if before.header != "" && passing(err) { // it is good for a while yet
			a.stale.Store(false)
			return before, nil
		}
		if before.header == "" {
			a.now = nil
		}
		return nil, finalError{err}
	}
	return a.now, nil
}

// renew returns another grant after the registry refused one, or nil where there is
// no other.
func (a *access) renew(ctx context.Context, refused *grant, resp *http.Response) (*grant, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.leave()
	if a.now != nil && a.now != refused {
		return a.now, nil // somebody else was faster
	}
	c := challengeOf(resp.Header)
	if resp.StatusCode == http.StatusForbidden {
		// Whoever asks for nothing and refuses everything may still take a password.
		c = challenge{scheme: "basic"}
		if refused.header != "" {
			return nil, nil
		}
	}
	if c.scheme == "" {
		return nil, nil
	}
	a.challenge, a.now = c, &grant{scheme: refused.scheme}
	if err := a.meet(ctx); err != nil {
		a.now = refused
		a.stale.Store(true) // so that nobody sends a body with it
		return nil, finalError{err}
	}
	if a.now.header != refused.header {
		return a.now, nil
	}
	if !a.forgo() {
		return nil, nil
	}
	if err := a.meet(ctx); err != nil {
		return nil, finalError{err}
	}
	return a.now, nil
}

// forgo gives credentials up that a registry we only read from refuses: what is
// public can be read without any.
func (a *access) forgo() bool {
	if a.repository.rights == Push || a.config == nil || *a.config == (authn.AuthConfig{}) {
		return false
	}
	a.repository.net.o.Notice(fmt.Sprintf("%s refuses the stored credentials; asking without any", a.repository.name.RegistryStr()))
	a.config, a.refresh = &authn.AuthConfig{}, ""
	a.named.Store(false)
	a.forgone.Store(true)
	a.now = &grant{scheme: a.now.scheme}
	return true
}

// meet makes a grant that meets the challenge; the caller has the turn.
func (a *access) meet(ctx context.Context) error {
	if a.challenge.scheme == "" {
		return nil
	}
	if err := a.credentials(ctx); err != nil {
		return err
	}
	header := basic(a.config)
	if a.challenge.scheme == "bearer" {
		token, err := a.token(ctx)
		if refused(err) && a.forgo() {
			token, err = a.token(ctx)
		}
		if err != nil {
			return err
		}
		header = "Bearer " + token
	}
	a.stale.Store(false)
	a.now = &grant{scheme: a.now.scheme, header: header}
	return nil
}

func refused(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.unauthorized()
}

func (a *access) credentials(ctx context.Context) error {
	if a.config != nil {
		return nil
	}
	found, err := authn.Resolve(ctx, a.keychain, a.repository.name)
	if err != nil {
		return err
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return err
	}
	for _, secret := range []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken} {
		a.repository.net.o.Secrets.Add(secret)
	}
	a.config = config
	a.named.Store(*config != (authn.AuthConfig{}))
	return nil
}

// anonymous tells whether there are no credentials for the registry.
func (a *access) anonymous(ctx context.Context) bool {
	if a.enter(ctx) != nil {
		return false
	}
	defer a.leave()
	return a.credentials(ctx) == nil && *a.config == (authn.AuthConfig{})
}

func basic(c *authn.AuthConfig) string {
	switch {
	case c.Auth != "":
		return "Basic " + c.Auth
	case c.Username != "" || c.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
	}
	return ""
}

// handshake finds out how the registry is spoken to. A host that may be spoken to
// over http is tried with https first.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
func (r *Repository) handshake(ctx context.Context) (scheme string, c challenge, err error) {
	err = r.net.try(ctx, r.host, func(ctx context.Context) error {
		var err error
		scheme, c, err = r.greet(ctx)
		return r.unlessHiccup(err)
	})
	return scheme, c, err
}

func (r *Repository) greet(ctx context.Context) (string, challenge, error) {
	if scheme := r.host.known(); scheme != "" {
		c, err := r.greetBy(ctx, scheme)
		return scheme, c, err
	}
	c, secure := r.greetBy(ctx, "https")
	if secure == nil {
		return "https", c, nil
	}
	var answer *StatusError
	if errors.As(secure, &answer) || !r.net.o.PlainHTTP(r.name.RegistryStr()) {
		return "", c, secure
	}
	c, err := r.greetBy(ctx, "http")
	if err == nil {
		return "http", c, nil
	}
	if errors.Is(secure, http.ErrSchemeMismatch) {
		return "", c, err // it speaks http, so that is what counts
	}
	return "", c, secure
}

func (r *Repository) greetBy(ctx context.Context, scheme string) (challenge, error) {
	u := &url.URL{Scheme: scheme, Host: r.name.RegistryStr(), Path: "/v2/"}
	resp, err := r.sendOnce(ctx, &grant{scheme: scheme}, request{method: http.MethodGet, url: u})
	if err != nil {
		return challenge{}, err
	}
	defer finish(resp)
	switch resp.StatusCode {
	case http.StatusOK:
		r.host.speaks(scheme)
		return challenge{}, nil
	case http.StatusUnauthorized:
		r.host.speaks(scheme)
		return challengeOf(resp.Header), nil
	}
	return challenge{}, refusal(resp)
}

func (h *host) known() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.scheme
}

func (h *host) speaks(scheme string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scheme = scheme
}
