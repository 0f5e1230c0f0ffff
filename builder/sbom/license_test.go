package sbom

import (
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

func TestValidExpression(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"MIT": true, "Apache-2.0": true, "GPL-2.0+": true, "(MIT)": true, "MIT OR Apache-2.0": true,
		"MIT AND (LGPL-2.1-or-later OR BSD-3-Clause)": true, "GPL-2.0-only WITH Classpath-exception-2.0 AND MIT": true,
		" MIT  OR ISC ": true, "((MIT))": true,
		"": false, " ": false, "MIT OR": false, "OR MIT": false, "MIT MIT": false, "(MIT": false, "MIT)": false, "()": false,
		"MIT WITH": false, "MIT WITH (X)": false, "(MIT) WITH X": false, "MIT/Apache": false, "M T": false, "MIT or ISC": false,
		"NOASSERTION": false, "NONE": false, "LicenseRef-x": false, "DocumentRef-a:LicenseRef-b": false, "MIT\nOR ISC": false, "+": false,
		strings.Repeat("(", 4000): false,
	} {
		if got := validExpression(text); got != want {
			t.Errorf("%.40q: %t", text, got)
		}
	}
}

func FuzzValidExpression(f *testing.F) {
	f.Add("MIT AND (LGPL-2.1-or-later WITH x OR BSD-3-Clause+)")
	f.Fuzz(func(t *testing.T, text string) {
		if !validExpression(text) {
			return
		}
		if strings.Trim(text, idCharacters+"+() ") != "" || strings.Count(text, "(") != strings.Count(text, ")") {
			t.Errorf("%q is called an expression", text)
		}
		if !validExpression("(" + text + ") OR MIT") {
			t.Errorf("%q is one, but not in brackets", text)
		}
	})
}

func TestDeclared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of   dotnet.License
		want string
	}{
		"expression":       {dotnet.License{Expression: "MIT"}, "MIT"},
		"NuGet's page":     {dotnet.License{URL: "https://licenses.nuget.org/MIT%20OR%20ISC"}, "MIT OR ISC"},
		"some page":        {dotnet.License{URL: "https://example.com/MIT"}, noAssertion},
		"nothing":          {dotnet.License{}, noAssertion},
		"blank text":       {dotnet.License{Text: " \n"}, noAssertion},
		"not NuGet's page": {dotnet.License{URL: "https://licenses.nuget.org/%zz"}, noAssertion},
	} {
		if got := declared(c.of).spdx(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	text := declared(dotnet.License{Text: "terms"})
	if text != declared(dotnet.License{Text: "terms"}) || text == declared(dotnet.License{Text: "others"}) || text.text != "terms" {
		t.Errorf("%+v", text)
	}
}
