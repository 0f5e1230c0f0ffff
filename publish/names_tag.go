package publish

import (
	"regexp"
	"strings"
)

const maxTag = 128

// validTag is the grammar of tags, https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
var (
	validTag  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	noTagRune = regexp.MustCompile(`[^A-Za-z0-9._-]`)
)

// ParseTag refuses with a [UsageError] what no registry takes as a tag, and shows
// the corrected value.
func ParseTag(s string) error {
	if validTag.MatchString(s) {
		return nil
	}
	e := &UsageError{What: "tag", Value: s, Try: correctedTag(s)}
	switch {
	case s == "":
		e.Reason, e.Try = "is empty", "latest"
	case strings.ContainsAny(s, ",; \t\n"):
		e.Reason, e.Try = "is more than one tag; each is given by itself", severalTags(s)
	case len(s) > maxTag:
		e.Reason = "is longer than 128 characters"
	case strings.Contains(s, "+"):
		e.Reason = "a tag cannot have a +, which versions with build metadata have"
	case strings.ContainsAny(s, ":/@"):
		e.Reason = "is a reference, not a tag"
		e.Try = correctedTag(s[strings.LastIndexAny(s, ":/@")+1:])
	case strings.HasPrefix(s, ".") || strings.HasPrefix(s, "-"):
		e.Reason = "cannot begin with . or -"
	default:
		e.Reason = "may only have letters, digits, and . _ -"
	}
	return e
}

// correctedTag returns the nearest valid tag to s, or "".
func correctedTag(s string) string {
	s = strings.TrimLeft(noTagRune.ReplaceAllString(s, "-"), ".-")
	return s[:min(len(s), maxTag)]
}

// severalTags shows how the tags in s are given.
func severalTags(s string) string {
	var flags []string
	for _, t := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",; \t\n", r) }) {
		if t = correctedTag(t); t != "" {
			flags = append(flags, "-t "+t)
		}
	}
	return strings.Join(flags, " ")
}
