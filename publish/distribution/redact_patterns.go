package distribution

import (
	"regexp"
	"strings"
)

// headerPattern finds the value of an Authorization header, as text, in JSON or as Go
// prints a header.
var headerPattern = regexp.MustCompile(`(?i)((?:proxy-)?authorization["']?[ \t]*[:=][ \t]*["'\[]*)(?:(?:basic|bearer|digest|negotiate|token)[ \t]+)?[^\s"',;\]]+`)

// grantPattern finds what may be the value alone: RFC 6750 §2.1, RFC 7617 §2.
var grantPattern = regexp.MustCompile(`(?i)\b(basic|bearer)([ \t]+)([a-z0-9._~+/-]{8,}=*)`)

// userPattern finds the user of an address, with password or without.
var userPattern = regexp.MustCompile(`(?i)(\bhttps?://)[^\s/?#"'<>]*@|(\b[a-z][a-z0-9+.-]*://)[^\s/?#"'<>:]*:[^\s/?#"'<>]*@`)

// queryPattern finds addresses with a query, and paths with one that has values.
var queryPattern = regexp.MustCompile(`(?i)(\bhttps?://[^\s?"'<>]*)\?[^\s"'<>]*|(/[^\s?"'<>]*)\?[^\s"'<>=]*=[^\s"'<>]*`)

// hidePatterns hides what looks like a secret.
func hidePatterns(text string) string {
	text = headerPattern.ReplaceAllString(text, "${1}"+hidden)
	text = grantPattern.ReplaceAllStringFunc(text, func(found string) string {
		m := grantPattern.FindStringSubmatch(found)
		if !random(m[3]) {
			return found
		}
		return m[1] + m[2] + hidden
	})
	text = userPattern.ReplaceAllString(text, "${1}${2}"+hidden+"@")
	return queryPattern.ReplaceAllStringFunc(text, func(found string) string {
		address, _, _ := strings.Cut(found, "?")
		end := strings.TrimRight(found, ".,;:!)]}") // of the sentence around it
		if len(end) <= len(address)+1 {
			return found // nothing but a question mark
		}
		return address + "?" + hidden + found[len(end):]
	})
}

// random tells a token from a word such as "authentication": it has a digit or a
// capital behind its first letter.
func random(s string) bool {
	return strings.ContainsFunc(s[1:], func(r rune) bool { return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' })
}
