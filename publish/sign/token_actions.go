package sign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// actions is a job of GitHub Actions, which may ask for a token where it was given
// both.
//
// https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
type actions struct {
	address, bearer string
	via             http.RoundTripper
}

func actionsOf(e Environment) actions {
	return actions{
		address: lookup(e.Environ, "ACTIONS_ID_TOKEN_REQUEST_URL"),
		bearer:  lookup(e.Environ, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
		via:     e.Transport,
	}
}

func (a actions) complete() bool { return a.address != "" && a.bearer != "" }

// token asks for one for sigstore's audience.
func (a actions) token(ctx context.Context) (string, error) {
	u, err := url.Parse(a.address)
	if err != nil || u.Host == "" {
		return "", errors.New("the variable ACTIONS_ID_TOKEN_REQUEST_URL is no address")
	}
	query := u.Query()
	query.Set("audience", audience)
	path := u.EscapedPath() + "?" + query.Encode()
	s := service{what: "GitHub Actions for a token at", address: u.Scheme + "://" + u.Host, via: a.via, pauses: usualPauses(), secrets: []string{a.bearer}}
	if err := checkAddress("ACTIONS_ID_TOKEN_REQUEST_URL", s.address, true); err != nil {
		return "", err
	}
	got, err := s.ask(ctx, http.MethodGet, path, http.Header{
		"Authorization": {"Bearer " + a.bearer}, "Accept": {"application/json; api-version=2.0"},
	}, nil)
	if err != nil {
		return "", err
	}
	if !got.ok() {
		return "", s.refusal(got, "check “permissions: id-token: write” of the job")
	}
	var answer struct {
		Value string `json:"value"`
	}
	if json.Unmarshal(got.body, &answer) != nil || answer.Value == "" {
		return "", fmt.Errorf("ask %s %s: its answer has no token", s.what, s.address)
	}
	return answer.Value, nil
}
