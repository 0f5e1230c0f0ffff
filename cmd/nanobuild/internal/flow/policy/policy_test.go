package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// whole has every key.
const whole = `# What runs in production.
key: cosign.pub
certificate-identity: https://github.com/me/web/.github/workflows/release.yml@refs/heads/main
certificate-identity-regexp: ^https://github\.com/me/
certificate-oidc-issuer: https://token.actions.githubusercontent.com
certificate-oidc-issuer-regexp: "githubusercontent"
trusted-root: trusted_root.json
require-log: true
annotation:
  - env=prod
  - empty=
unsigned: false
require:
  - sbom
  - provenance
  - https://example.com/tests/v1
builder-id: https://github.com/me/web/.github/workflows/release.yml
source: https://github.com/me/web
allow-dirty: true
base-is: ltsc2022
max-base-age: 30d
supported: true
lint: false
runs-on: [ltsc2022, ltsc2025/hyperv]
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, stated, err := Parse([]byte(whole))
	want := Policy{
		Key: "cosign.pub", Identity: "https://github.com/me/web/.github/workflows/release.yml@refs/heads/main", IdentityRegexp: `^https://github\.com/me/`,
		Issuer: "https://token.actions.githubusercontent.com", IssuerRegexp: "githubusercontent", TrustedRoot: "trusted_root.json",
		RequireLog: true, Annotations: []string{"env=prod", "empty="}, Require: []string{SBOM, Provenance, "https://example.com/tests/v1"},
		BuilderID: "https://github.com/me/web/.github/workflows/release.yml", Source: "https://github.com/me/web", AllowDirty: true,
		BaseIs: "ltsc2022", MaxBaseAge: "30d", Supported: true, RunsOn: []string{"ltsc2022", "ltsc2025/hyperv"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, name := range Names() {
		if !strings.Contains("\n"+whole, "\n"+name+":") {
			t.Errorf("the key %s is not tried", name)
		}
		if !stated[name] {
			t.Errorf("the key %s is not stated", name)
		}
	}
	got, stated, err = Parse([]byte(`{"supported": true, "runs-on": ["23H2"]}`))
	if want := (Policy{Supported: true, Lint: true, RunsOn: []string{"23H2"}}); err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(stated, Stated{"supported": true, "runs-on": true}) {
		t.Errorf("JSON: %+v, %v; want %+v", got, err, want)
	}
}

// faults are policies that are refused, with words of the reason. Where the schema has
// no say, the mistake is about YAML itself or about a language in a value.
func faults() []struct{ name, text, want string } {
	return []struct{ name, text, want string }{
		{"empty", "", "it is empty"},
		{"comments", "# nothing\n", "it is empty"},
		{"no mapping", "- key\n", "line 1, column 1: a policy is a mapping"},
		{"a text", "cosign.pub\n", "line 1, column 1: a policy is a mapping"},
		{"nothing", "null\n", "line 1, column 1: a policy is a mapping"},
		{"no members", "{}\n", "line 1, column 1: a policy is a mapping"},
		{"unknown", "key: a\nrequires: [sbom]\n", `line 2, column 1: there is no key "requires"; did you mean require?`},
		{"unknown and far", "colour: red\n", `line 1, column 1: there is no key "colour"; the keys`},
		{"case", "Lint: true\n", `did you mean lint?`},
		{"underscores", "max_base_age: 30d\n", `did you mean max-base-age?`},
		{"number", "key: 5\n", `line 1, column 6: key: it is a text, and "5" is none for YAML; put it in quotes`},
		{"null", "key:\n", "line 1, column 5: key: it is a text, and not nothing"},
		{"empty text", "key: ''\n", "line 1, column 6: key: it is empty"},
		{"blank", "base-is: '  '\n", "base-is: it is empty"},
		{"yes", "supported: yes\n", `line 1, column 12: supported: it is true or false, and not "yes"`},
		{"bool in quotes", "lint: 'true'\n", `it is true or false, and not "true"`},
		{"mapping", "key: {file: a}\n", "it is a text, and not a mapping"},
		{"list for a text", "key: [a]\n", "it is a text, and not a list"},
		{"text for a list", "require: sbom\n", `line 1, column 10: require: it is a list of texts, and not "sbom"`},
		{"empty list", "require: []\n", "not an empty list"},
		{"number in a list", "require:\n  - sbom\n  - 7\n", `line 3, column 5: require: "7" is unknown: use sbom`},
		{"list in a list", "require: [[sbom]]\n", "it is a text, and not a list"},
		{"unknown predicate", "require: [sbon]\n", `line 1, column 11: require: "sbon" is unknown: use sbom, provenance, or the URI of a predicate type (did you mean sbom?)`},
		{"two in one", "require: ['sbom,provenance']\n", `"sbom,provenance" is one value here; give each by itself`},
		{"no annotation", "annotation: [env]\n", `"env" is not NAME=VALUE`},
		{"nameless annotation", "annotation: [=x]\n", `"=x" is not NAME=VALUE`},
		{"no unit", "max-base-age: '30'\n", `"30" is no time: give hours, days or weeks`},
		{"number for a time", "max-base-age: 30\n", `"30" is no time`},
		{"number in a list of texts", "annotation: [a=b, 5]\n", `line 1, column 19: annotation: "5" is not NAME=VALUE`},
		{"months", "max-base-age: 1m\n", `"1m" is no time`},
		{"host", "runs-on: [ltsc2021]\n", `"ltsc2021" is no host (did you mean ltsc2025?): use one of ltsc2025, 23H2, ltsc2022`},
		{"isolation", "runs-on: [ltsc2022/process]\n", `"ltsc2022/process" is no host`},
	}
}

func yamlFaults() []struct{ name, text, want string } {
	return []struct{ name, text, want string }{
		{"twice", "lint: true\nkey: a\nlint: false\n", "line 3, column 1: lint is there twice"},
		{"anchor", "key: &a x\n", "line 1, column 6: key: it is a text, and not an anchor or an alias"},
		{"alias", "require: &a [sbom]\nrunsOn: *a\n", "an anchor or an alias"},
		{"merge", "<<: {lint: true}\n", `there is no key "<<"`},
		{"list as a key", "[a]: b\n", "line 1, column 1: a key is a plain name"},
		{"two documents", "lint: true\n---\nlint: false\n", "line 2, column 1: a second document begins"},
		{"no YAML", "key: [a\n", "no YAML: line "},
		{"tabs", "key:\n\t- a\n", "no YAML: line 2"},
		{"binary", "key: \x00\n", "no YAML: "},
		{"large", "key: " + strings.Repeat("x", MaxSize) + "\n", "more than the 65536"},
		{"deep", "key: " + strings.Repeat("[", 20_000) + "\n", "no YAML: "},
		{"regexp", "certificate-identity-regexp: '('\n", `line 1, column 30: certificate-identity-regexp: "(" is no regular expression: `},
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range append(faults(), yamlFaults()...) {
		if p, _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want %q", c.name, p, err, c.want)
		}
	}
}

// TestParseRefusesEmpty: no key can be there with nothing in it, which would look as if
// it were asked for.
func TestParseRefusesEmpty(t *testing.T) {
	t.Parallel()
	for _, f := range fields() {
		for _, empty := range []string{"''", "' '", "", "[]", "['']", "[' ']"} {
			if p, _, err := Parse([]byte(f.name + ": " + empty + "\n")); err == nil || !strings.Contains(err.Error(), f.name) {
				t.Errorf("%s: %s: %+v, %v", f.name, empty, p, err)
			}
		}
	}
}

func TestParseAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"0d": 0, "36h": 36 * time.Hour, "30d": 720 * time.Hour, "2w": 336 * time.Hour, "9999w": 9999 * 168 * time.Hour} {
		if got, err := ParseAge(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "1", "-1d", "1.5d", "1d2h", " 1d", "10000d", "1D", "1y"} {
		if got, err := ParseAge(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sbom": "sbom", "SBOM": "sbom", "sbomb": "sbom", "provnance": "provenance", "x": "", "": "", "attest": "", strings.Repeat("sbom", 20): "",
	} {
		if got := nearest(text, []string{SBOM, Provenance}); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
