package credentials

import (
	"encoding/base64"

	"github.com/google/go-containerregistry/pkg/authn"
)

// IdentityUser is the user name that marks a secret as an identity token.
//
// https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md#credential-helper-protocol
const IdentityUser = "<token>"

// fromPair returns the credentials that a user name and a secret are.
func fromPair(user, secret string) authn.AuthConfig {
	if user == IdentityUser {
		return authn.AuthConfig{IdentityToken: secret}
	}
	return authn.AuthConfig{Username: user, Password: secret}
}

// basicText is the form in which config files and requests hold a pair.
func basicText(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// tell lets the secrets of found be known, before anyone can use them.
func (s *sources) tell(found credential) credential {
	if s.secret == nil || found.source == "" {
		return found
	}
	for _, secret := range secretsOf(found.auth) {
		s.secret(secret)
	}
	return found
}

// secretsOf lists what of the credentials must never be shown.
func secretsOf(a authn.AuthConfig) []string {
	var all []string
	for _, secret := range []string{a.Password, a.IdentityToken, a.RegistryToken} {
		if secret != "" {
			all = append(all, secret)
		}
	}
	if a.Password != "" {
		all = append(all, basicText(a.Username, a.Password))
	}
	return all
}
