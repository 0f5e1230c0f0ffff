package builder

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestShown is how many bytes of a foreign text are shown.
const longestShown = 200

// Printable returns a text out of a foreign image or manifest as it can be shown on
// a terminal, on one line: cut behind 200 bytes, and in the quotes of Go where it
// holds anything that is not printable, such as what moves the cursor or turns the
// direction of what follows.
func Printable(text string) string {
	if len(text) > longestShown {
		text = strings.ToValidUTF8(text[:longestShown], "") + "…"
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// shown is a value as people read it: texts without their quotes, all else on one
// line.
func shown(raw json.RawMessage) string {
	if isNull(raw) {
		return "none"
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		return Printable(text)
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return Printable(string(raw))
	}
	return Printable(line.String())
}
