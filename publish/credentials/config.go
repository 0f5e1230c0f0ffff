package credentials

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// config is what this package needs of a config file of Docker or Podman.
type config struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`
}

// byteOrderMark is what some editors and shells put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// parseConfig reads the text of a config file. An empty one is an empty config,
// as it is for Docker.
func parseConfig(text []byte) (*config, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, byteOrderMark))
	c := new(config)
	if len(text) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, jsonProblem(text, err)
	}
	return c, nil
}

// jsonProblem says where JSON is wrong without repeating any of it.
func jsonProblem(text []byte, err error) error {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return errors.New("is no JSON of a config file")
	}
	return fmt.Errorf("is no JSON of a config file, see line %d", 1+bytes.Count(text[:offset], []byte("\n")))
}

// helperFor names the helper that is configured for a host, and the key that
// names it. Only keys without a path count: helpers are asked by host.
func (c *config) helperFor(host string) (helper, key string) {
	best := ""
	for k := range c.CredHelpers {
		if h, path := splitKey(k); h == host && path == "" && preferred(k, best, host) {
			best = k
		}
	}
	if best != "" {
		// An empty name is Docker's way of taking one host out of credsStore.
		return c.CredHelpers[best], "credHelpers"
	}
	return c.CredsStore, "credsStore"
}

// entryFor returns the key of the entry with the longest path that covers the
// repository, and that path. Entries without credentials, which Docker leaves
// beside a helper, do not count.
func (c *config) entryFor(where place) (key, path string, there bool) {
	for k, raw := range c.Auths {
		host, p := splitKey(k)
		if host != where.host || !covers(p, where.path) || emptyEntry(raw) {
			continue
		}
		if !there || len(p) > len(path) || len(p) == len(path) && preferred(k, key, where.host) {
			key, path, there = k, p, true
		}
	}
	return key, path, there
}

// preferred decides between two keys that mean the same: Docker's own spelling,
// else the first in the order of the alphabet.
func preferred(key, other, host string) bool {
	switch docker := serverKey(host); {
	case other == "" || key == docker:
		return true
	case other == docker:
		return false
	}
	return key < other
}

// entry is one value of auths.
//
// https://github.com/docker/cli/blob/v29.0.0/cli/config/types/authconfig.go
type entry struct {
	Auth          string `json:"auth,omitempty"`
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	RegistryToken string `json:"registrytoken,omitempty"`
}

func emptyEntry(raw json.RawMessage) bool {
	var e entry
	return json.Unmarshal(raw, &e) == nil && e == entry{}
}

// decodeEntry reads a value of auths. Its errors hold nothing of the text.
func decodeEntry(raw json.RawMessage) (authn.AuthConfig, error) {
	var e entry
	if json.Unmarshal(raw, &e) != nil {
		return authn.AuthConfig{}, errors.New("is no entry with credentials")
	}
	found := authn.AuthConfig{Username: e.Username, Password: e.Password}
	if e.Auth != "" {
		decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(e.Auth), "="))
		user, password, pair := strings.Cut(string(decoded), ":")
		if err != nil || !pair {
			return authn.AuthConfig{}, errors.New("its auth is not the base64 text of user:password")
		}
		// Docker once padded passwords with zero bytes.
		found = fromPair(user, strings.Trim(password, "\x00"))
	}
	if e.IdentityToken != "" {
		found.IdentityToken = e.IdentityToken
	}
	found.RegistryToken = e.RegistryToken
	return found, nil
}
