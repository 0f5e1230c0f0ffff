package distribution

import (
	"net/http"
	"strings"
)

// challenge says how a registry wants to be convinced.
//
// https://distribution.github.io/distribution/spec/auth/token/
type challenge struct {
	scheme string // "basic", "bearer" or ""
	realm  string
	params map[string]string // by name in lower case
}

// challengeOf returns the challenge that we can meet, the first one where there are
// several of the same kind: Bearer, then Basic.
func challengeOf(h http.Header) challenge {
	var found challenge
	for _, value := range h.Values("WWW-Authenticate") {
		for _, c := range parseChallenges(value) {
			if c.scheme == "bearer" && c.realm != "" && found.scheme != "bearer" || c.scheme == "basic" && found.scheme == "" {
				found = c
			}
		}
	}
	return found
}

// parseChallenges reads a WWW-Authenticate header, RFC 9110 §11.6.1. What it does
// not understand it leaves out.
func parseChallenges(s string) []challenge {
	var all []challenge
	for {
		s = strings.TrimLeft(s, " \t,")
		word := token(s)
		if word == "" {
			return all
		}
		rest := strings.TrimLeft(s[len(word):], " \t")
		if !strings.HasPrefix(rest, "=") || len(all) == 0 {
			all = append(all, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
			s = s[len(word):]
			continue
		}
		var value string
		value, s = parameter(strings.TrimLeft(rest[1:], " \t"))
		c := &all[len(all)-1]
		c.params[strings.ToLower(word)] = value
		c.realm = c.params["realm"]
	}
}

// token returns the token that s begins with, RFC 9110 §5.6.2.
func token(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
	if end < 0 {
		return s
	}
	return s[:end]
}

// parameter returns a token or quoted string, and what follows it.
func parameter(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
