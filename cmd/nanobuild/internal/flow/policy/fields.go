package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// field is a key of the file and the flag of the same name.
type field struct {
	name   string
	at     func(*Policy) any // *string, *bool or *[]string
	check  func(string) error
	signer bool // it says whose signatures count
}

// fields are all, in the order of the documentation.
func fields() []field {
	return []field{
		{"key", func(p *Policy) any { return &p.Key }, some, true},
		{"certificate-identity", func(p *Policy) any { return &p.Identity }, some, true},
		{"certificate-identity-regexp", func(p *Policy) any { return &p.IdentityRegexp }, checkRegexp, true},
		{"certificate-oidc-issuer", func(p *Policy) any { return &p.Issuer }, some, true},
		{"certificate-oidc-issuer-regexp", func(p *Policy) any { return &p.IssuerRegexp }, checkRegexp, true},
		{"trusted-root", func(p *Policy) any { return &p.TrustedRoot }, some, false},
		{"require-log", func(p *Policy) any { return &p.RequireLog }, nil, false},
		{"annotation", func(p *Policy) any { return &p.Annotations }, checkAnnotation, false},
		{unsigned, func(p *Policy) any { return &p.Unsigned }, nil, false},
		{"require", func(p *Policy) any { return &p.Require }, checkRequired, false},
		{"builder-id", func(p *Policy) any { return &p.BuilderID }, some, false},
		{"source", func(p *Policy) any { return &p.Source }, some, false},
		{"allow-dirty", func(p *Policy) any { return &p.AllowDirty }, nil, false},
		{"base-is", func(p *Policy) any { return &p.BaseIs }, some, false},
		{"max-base-age", func(p *Policy) any { return &p.MaxBaseAge }, checkAge, false},
		{"supported", func(p *Policy) any { return &p.Supported }, nil, false},
		{"lint", func(p *Policy) any { return &p.Lint }, nil, false},
		{"runs-on", func(p *Policy) any { return &p.RunsOn }, checkHost, false},
	}
}

// Names are the keys of the file, which are flags too.
func Names() []string {
	all := make([]string, 0, len(fields()))
	for _, f := range fields() {
		all = append(all, f.name)
	}
	return all
}

func some(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("it is empty; give a value or leave it out")
	}
	return nil
}

func checkRegexp(s string) error {
	if err := some(s); err != nil {
		return err
	}
	if _, err := regexp.Compile(s); err != nil {
		return fmt.Errorf("%q is no regular expression: %w", clip(s), err)
	}
	return nil
}

func checkAnnotation(s string) error {
	if name, _, ok := strings.Cut(s, "="); !ok || name == "" {
		return fmt.Errorf("%q is not NAME=VALUE", clip(s))
	}
	return nil
}

// uri is what a type of predicates looks like.
var uri = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^\s]+$`)

func checkRequired(s string) error {
	if s == SBOM || s == Provenance || uri.MatchString(s) {
		return nil
	}
	if strings.Contains(s, ",") {
		return fmt.Errorf("%q is one value here; give each by itself, such as --require sbom --require provenance", clip(s))
	}
	return fmt.Errorf("%q is unknown: use sbom, provenance, or the URI of a predicate type%s", clip(s), suggestion(s, []string{SBOM, Provenance}))
}

func checkAge(s string) error {
	_, err := ParseAge(s)
	return err
}

func checkHost(s string) error {
	_, err := ParseHost(s)
	return err
}

// longest is how many bytes of a value an error repeats.
const longest = 64

func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}
