package distribution

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// clientID names us to token servers.
const clientID = "nanobuild"

// tokenAnswer is what a token server says.
//
// https://distribution.github.io/distribution/spec/auth/token/
type tokenAnswer struct {
	Token        string `json:"token"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    any    `json:"expires_in"` // seconds; some write them as text
}

// token gets one for the scopes; the caller has the turn.
func (a *access) token(ctx context.Context) (string, error) {
	if a.config.RegistryToken != "" {
		return a.config.RegistryToken, nil
	}
	realm, err := url.Parse(a.challenge.realm)
	if err != nil {
		return "", fmt.Errorf("read the address of the token server of %s: %w", a.repository.name.RegistryStr(), err)
	}
	if err := checkRealm(a.repository.name.RegistryStr(), realm, a.repository.net.o.PlainHTTP); err != nil {
		return "", err
	}
	var answer tokenAnswer
	server := a.repository.net.host(realm.Host)
	err = a.repository.net.try(ctx, server, func(ctx context.Context) error {
		var err error
		answer, err = a.askForToken(ctx, realm)
		if a.refresh != "" && refused(err) { // it dies before what it was traded for
			a.refresh = ""
			answer, err = a.askForToken(ctx, realm)
		}
		return a.repository.unlessHiccup(err)
	})
	if err != nil {
		return "", err
	}
	a.refresh = cmp.Or(answer.RefreshToken, a.refresh)
	token := cmp.Or(answer.AccessToken, answer.Token)
	a.repository.net.o.Secrets.Add(token)
	a.repository.net.o.Secrets.Add(answer.RefreshToken)
	a.expireIn(answer.ExpiresIn)
	return token, nil
}

// minExpiry is the life of a token whose server does not tell, in seconds: see the
// description of tokenAnswer's format.
const minExpiry = 60

// maxExpiry is when a token is renewed that is good for longer, in seconds.
const maxExpiry = 24 * 60 * 60

// expireIn has the token renewed before it dies, so that no large body is sent with
// a dead one.
func (a *access) expireIn(told any) {
	seconds, err := strconv.ParseFloat(fmt.Sprint(told), 64)
	if err != nil {
		seconds = minExpiry
	}
	life := time.Duration(min(max(seconds, minExpiry), maxExpiry)) * time.Second
	if a.expiry != nil {
		a.expiry.Stop()
	}
	stale := new(atomic.Bool) // of this token
	a.stale = stale
	a.expiry = time.AfterFunc(life*4/5, func() { stale.Store(true) })
}

// askForToken trades an identity token by POST, and anything else by GET. Token
// servers that know no POST answer 404 or 405.
func (a *access) askForToken(ctx context.Context, realm *url.URL) (tokenAnswer, error) {
	identity := cmp.Or(a.refresh, a.config.IdentityToken)
	if identity != "" {
		answer, err := a.postForToken(ctx, realm, identity)
		var status *StatusError
		if !errors.As(err, &status) || status.Status != http.StatusNotFound && status.Status != http.StatusMethodNotAllowed {
			return answer, err
		}
	}
	u := *realm
	query := u.Query()
	query["scope"] = a.scopes
	if service := a.challenge.params["service"]; service != "" {
		query.Set("service", service)
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return tokenAnswer{}, err
	}
	if header := basic(a.config); header != "" {
		req.Header.Set("Authorization", header)
	}
	return a.readToken(req)
}

// https://distribution.github.io/distribution/spec/auth/oauth/
func (a *access) postForToken(ctx context.Context, realm *url.URL, identity string) (tokenAnswer, error) {
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {identity}, "client_id": {clientID},
		"scope": {strings.Join(a.scopes, " ")},
	}
	if service := a.challenge.params["service"]; service != "" {
		form.Set("service", service)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return tokenAnswer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.readToken(req)
}

// readToken sends a request to a token server. Its redirects stay on the host, since
// a form with a secret would follow them.
func (a *access) readToken(req *http.Request) (tokenAnswer, error) {
	n := a.repository.net
	ctx, w := newWatch(onBehalf(req.Context(), a.repository.behalf()))
	defer w.end()
	w.expect("no answer", n.policy.Question)
	client := *n.client
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if !SameHost(next.URL.Host, via[0].URL.Host) {
			return &redirectError{fmt.Sprintf("the token server %s redirects to %s, where credentials must not go", via[0].URL.Host, next.URL.Host)}
		}
		return checkRedirect(next, via)
	}
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return tokenAnswer{}, w.cause(err)
	}
	defer finish(resp)
	n.host(resp.Request.URL.Host).answers()
	if resp.StatusCode != http.StatusOK {
		return tokenAnswer{}, refusal(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return tokenAnswer{}, fmt.Errorf("read the answer of %s: %w", req.URL.Host, w.cause(err))
	}
	var answer tokenAnswer
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" && answer.AccessToken == "" {
		return tokenAnswer{}, &DamagedError{What: "the token server " + req.URL.Host, Why: "its answer holds no token"}
	}
	return answer, nil
}
