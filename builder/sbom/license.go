package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// licensePages begins the licenseUrl that NuGet makes from an expression:
// https://learn.microsoft.com/nuget/reference/nuspec#licenseurl
const licensePages = "https://licenses.nuget.org/"

// license is what a package declares, in the terms of both formats: an expression, or
// a text under a name of its own, or an address.
type license struct {
	expression string
	ref, text  string // ref is such as "LicenseRef-0123456789abcdef"
	url        string
}

func declared(l dotnet.License) license {
	expression := l.Expression
	if page, ok := strings.CutPrefix(l.URL, licensePages); ok && expression == "" {
		if decoded, err := url.PathUnescape(page); err == nil && validExpression(decoded) {
			expression = decoded
		}
	}
	switch {
	case validExpression(expression):
		return license{expression: expression}
	case expression != "":
		return reference(expression)
	case strings.TrimSpace(l.Text) != "":
		return reference(l.Text)
	}
	return license{url: webAddress(l.URL)}
}

// reference names a text by its checksum, so that packages with the same text share it.
func reference(text string) license {
	sum := sha256.Sum256([]byte(text))
	return license{ref: "LicenseRef-" + hex.EncodeToString(sum[:8]), text: text}
}

// spdx is the licence as an SPDX document declares it.
func (l license) spdx() string {
	switch {
	case l.expression != "":
		return l.expression
	case l.ref != "":
		return l.ref
	}
	return noAssertion
}

// validExpression says whether the text is an expression by the grammar of SPDX 2.3,
// annex D: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/. Names of
// licences are not looked up, since new ones come with each edition of the list. Names
// that another document defines are refused.
func validExpression(text string) bool {
	p := expressionParser{rest: text}
	p.next()
	return p.compound() && p.token == ""
}

// expressionParser reads an expression token by token.
type expressionParser struct {
	rest, token string
}

func (p *expressionParser) next() {
	p.rest = strings.TrimLeft(p.rest, " ")
	end := strings.IndexAny(p.rest, " ()")
	switch end {
	case -1:
		end = len(p.rest)
	case 0:
		end = 1 // a bracket
	}
	p.token, p.rest = p.rest[:end], p.rest[end:]
}

// compound reads licences joined by AND and OR. Which of them binds closer does not
// matter for whether the expression is valid.
func (p *expressionParser) compound() bool {
	for {
		if !p.simple() {
			return false
		}
		if p.token != "AND" && p.token != "OR" {
			return true
		}
		p.next()
	}
}

// simple reads one licence with its exception, or an expression in brackets.
func (p *expressionParser) simple() bool {
	if p.token == "(" {
		p.next()
		if !p.compound() || p.token != ")" {
			return false
		}
		p.next()
		return true
	}
	if !licenseName(strings.TrimSuffix(p.token, "+")) {
		return false
	}
	p.next()
	if p.token != "WITH" {
		return true
	}
	p.next()
	ok := licenseName(p.token)
	p.next()
	return ok
}

// licenseName says whether a token can be the name of a licence or an exception.
func licenseName(token string) bool {
	switch token {
	case "", "AND", "OR", "WITH", "NONE", noAssertion:
		return false
	}
	return strings.Trim(token, idCharacters) == "" && !strings.HasPrefix(token, "LicenseRef-")
}
