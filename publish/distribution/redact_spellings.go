package distribution

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// minEncoded is the shortest secret that is looked for in its base64 form, in bytes:
// the form of a shorter one is too short to mean anything.
const minEncoded = 6

// minLine is the shortest line of a secret of several that is one by itself.
const minLine = 20

// spellings returns the forms in which a secret may be shown: itself, escaped for
// addresses, JSON and quotes, and in base64, where it usually follows a user and a
// colon.
func spellings(secret string) []string {
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(strconv.Quote(secret), `"`)}
	if text, err := json.Marshal(secret); err == nil {
		forms = append(forms, strings.Trim(string(text), `"`))
	}
	if lines := strings.Split(secret, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				forms = append(forms, line)
			}
		}
	}
	if len(secret) >= minEncoded {
		for before := range 3 {
			forms = append(forms, encoded(base64.RawStdEncoding, secret, before), encoded(base64.RawURLEncoding, secret, before))
		}
	}
	kept := forms[:0]
	for _, form := range forms {
		if len(form) >= minSecret && utf8.ValidString(form) {
			kept = append(kept, form)
		}
	}
	return kept
}

// encoded returns the base64 characters that a secret makes by itself when so many
// bytes modulo three stand before it, whatever these are and whatever follows.
func encoded(e *base64.Encoding, secret string, before int) string {
	text := e.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	first := (before*8 + 5) / 6            // the first character without a bit of what stands before
	last := (before + len(secret)) * 8 / 6 // behind the last one without a bit of what follows
	return text[first:last]
}
