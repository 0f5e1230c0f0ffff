package sign

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// audience is whom tokens for sigstore's authorities are made out to.
//
// https://docs.sigstore.dev/certificate_authority/oidc-in-fulcio/
const audience = "sigstore"

// claims are what a token says, unproven: the authority alone verifies its signature.
type claims struct {
	Subject  string    `json:"sub"`
	Email    string    `json:"email"`
	Audience audiences `json:"aud"`
	Expires  float64   `json:"exp"` // Unix seconds, maybe with a fraction
}

// audiences is one text or a list.
//
// https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
type audiences []string

func (a *audiences) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

var errNoToken = errors.New("it is no JSON Web Token, which has three parts with dots between them and begins with ey")

// readClaims reads a token for sigstore. Its errors show nothing of a token but whom
// it is for.
func readClaims(token string) (claims, error) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return claims{}, errNoToken
	}
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.DecodeString(part); err != nil || part == "" {
			return claims{}, errNoToken
		}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, errNoToken
	}
	var c claims
	if json.Unmarshal(text, &c) != nil {
		return claims{}, errNoToken
	}
	switch {
	case !slices.Contains(c.Audience, audience):
		return claims{}, fmt.Errorf("it is for the audience %q; ask for one for the audience %s", oneLine(strings.Join(c.Audience, " "), maxMessage), audience)
	case c.name() == "":
		return claims{}, errors.New("it names nobody")
	}
	return c, nil
}

// name is what the token calls its owner, who signs that to prove to have the key that
// a certificate is for.
//
// https://github.com/sigstore/fulcio/blob/main/docs/how-certificate-issuing-works.md
func (c claims) name() string {
	if c.Email != "" {
		return c.Email
	}
	return c.Subject
}

// current fails where a token has ended; a zero time does not tell.
func (c claims) current(now time.Time) error {
	end := time.Unix(int64(c.Expires), 0)
	if now.IsZero() || c.Expires == 0 || now.Before(end) {
		return nil
	}
	return fmt.Errorf("the identity token has ended at %s, %s ago; get a new one right before signing, since most live for minutes",
		end.UTC().Format(time.RFC3339), now.Sub(end).Truncate(time.Second))
}
