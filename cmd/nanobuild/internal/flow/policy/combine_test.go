package policy

import (
	"reflect"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	identity := Policy{Identity: "me@example.com", Issuer: "https://example.com", TrustedRoot: "root.json"}
	changed := func(p Policy, change func(*Policy)) Policy { change(&p); return p }
	for _, c := range []struct {
		name string
		p    Policy
		want string // "" is no error
	}{
		{"key", Policy{Key: "cosign.pub"}, ""},
		{"identity", identity, ""},
		{"patterns", Policy{IdentityRegexp: "me", IssuerRegexp: "x", TrustedRoot: "root.json"}, ""},
		{"unsigned", Policy{Unsigned: true, Supported: true}, ""},
		{"log", Policy{Key: "cosign.pub", RequireLog: true, TrustedRoot: "root.json"}, ""},
		{"nobody", Policy{Lint: true}, "--unsigned"},
		{"nobody: both ways", Policy{Supported: true}, "--key cosign.pub, or --certificate-identity NAME with --certificate-oidc-issuer URL"},
		{"key and identity", changed(identity, func(p *Policy) { p.Key = "cosign.pub" }), "--key and --certificate-identity"},
		{"key and issuer", Policy{Key: "cosign.pub", Issuer: "x"}, "--key and --certificate-identity"},
		{"no issuer", Policy{Identity: "x", TrustedRoot: "r"}, "--certificate-oidc-issuer"},
		{"no identity", Policy{Issuer: "x", TrustedRoot: "r"}, "--certificate-identity NAME"},
		{"no root", changed(identity, func(p *Policy) { p.TrustedRoot = "" }), "--trusted-root FILE"},
		{"identity twice", changed(identity, func(p *Policy) { p.IdentityRegexp = "x" }), "--certificate-identity-regexp"},
		{"issuer twice", changed(identity, func(p *Policy) { p.IssuerRegexp = "x" }), "--certificate-oidc-issuer-regexp"},
		{"which log", Policy{Key: "cosign.pub", RequireLog: true}, "--trusted-root FILE"},
		{"unsigned and key", Policy{Unsigned: true, Key: "cosign.pub"}, "--unsigned contradicts"},
		{"unsigned and required", Policy{Unsigned: true, Require: []string{SBOM}}, "--require"},
		{"unsigned and source", Policy{Unsigned: true, Source: "x"}, "--source"},
		{"unsigned and annotation", Policy{Unsigned: true, Annotations: []string{"a=b"}}, "--annotation"},
		{"value", Policy{Key: "cosign.pub", Require: []string{"nothing"}}, `--require: "nothing"`},
		{"dirty", Policy{Key: "cosign.pub", Source: "x", AllowDirty: true}, ""},
		{"dirty without a source", Policy{Key: "cosign.pub", AllowDirty: true}, "--allow-dirty is about --source"},
		{"age", Policy{Key: "cosign.pub", MaxBaseAge: "long"}, `--max-base-age: "long"`},
		{"pattern", Policy{IdentityRegexp: "(", IssuerRegexp: "x", TrustedRoot: "r"}, "--certificate-identity-regexp:"},
	} {
		err := c.p.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestLeaves: who must have signed is one question, and all else is each by itself.
func TestLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ stated, open, closed string }{
		{"", "key unsigned lint source", ""},
		{"lint source", "key certificate-identity unsigned supported", "lint source"},
		{"key", "trusted-root require-log annotation", "key certificate-identity certificate-oidc-issuer-regexp unsigned"},
		{"certificate-identity", "trusted-root", "key certificate-oidc-issuer certificate-identity unsigned"},
		{"unsigned", "lint", "key certificate-identity unsigned"},
	} {
		stated := Stated{}
		for _, name := range strings.Fields(c.stated) {
			stated[name] = true
		}
		for _, name := range strings.Fields(c.open) {
			if !stated.Leaves(name) {
				t.Errorf("with %q, %s is not left open", c.stated, name)
			}
		}
		for _, name := range strings.Fields(c.closed) {
			if stated.Leaves(name) {
				t.Errorf("with %q, %s is left open", c.stated, name)
			}
		}
	}
	for name, want := range map[string]bool{"key": true, "certificate-oidc-issuer": true, "unsigned": false, "lint": false, "policy": false} {
		if Signer(name) != want {
			t.Errorf("%s names a signer: %v", name, !want)
		}
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	file := Policy{
		Identity: "me", IssuerRegexp: "x", TrustedRoot: "root.json", Annotations: []string{"a=1"}, Require: []string{SBOM},
		MaxBaseAge: "30d", Supported: true, Lint: true, RunsOn: []string{"ltsc2022"},
	}
	for _, c := range []struct {
		name  string
		line  Policy
		given string
		want  func(*Policy)
	}{
		{"nothing", Policy{Lint: true, MaxBaseAge: "1d", Require: []string{Provenance}}, "", func(*Policy) {}},
		{"lists grow", Policy{Require: []string{Provenance}, RunsOn: []string{"23H2"}, Annotations: []string{"b=2"}}, "require runs-on annotation", func(p *Policy) {
			p.Require, p.RunsOn, p.Annotations = []string{SBOM, Provenance}, []string{"ltsc2022", "23H2"}, []string{"a=1", "b=2"}
		}},
		{"values replace", Policy{MaxBaseAge: "60d", Supported: false, Lint: false}, "max-base-age supported lint", func(p *Policy) {
			p.MaxBaseAge, p.Supported, p.Lint = "60d", false, false
		}},
		{"key replaces an identity", Policy{Key: "other.pub"}, "key", func(p *Policy) {
			p.Key, p.Identity, p.IssuerRegexp = "other.pub", "", ""
		}},
		{"identity replaces an identity", Policy{IdentityRegexp: "you", Issuer: "y"}, "certificate-identity-regexp certificate-oidc-issuer", func(p *Policy) {
			p.Identity, p.IdentityRegexp, p.Issuer, p.IssuerRegexp = "", "you", "y", ""
		}},
		{"unsigned stays a contradiction", Policy{Unsigned: true}, "unsigned", func(p *Policy) { p.Unsigned = true }},
	} {
		want := file
		c.want(&want)
		given := strings.Fields(c.given)
		got := file.Under(c.line, func(flag string) bool {
			for _, g := range given {
				if g == flag {
					return true
				}
			}
			return false
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
	if got := (Policy{Unsigned: true}).Under(Policy{Key: "k"}, func(f string) bool { return f == "key" }); got.Unsigned || got.Key != "k" {
		t.Errorf("a key over an unsigned policy: %+v", got)
	}
}
