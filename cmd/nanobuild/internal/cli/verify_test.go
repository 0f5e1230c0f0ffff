//go:build !nosign

package cli

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/testdata/authority"
)

// verifyScene is a registry with an image that nobody signed, a key and a policy.
func verifyScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, authority.New(t))
	s.write(t, s.dir, "cosign.pub", publicKey)
	s.hold(t, webRepo+":v1", listOf(t, sample.Options{OSVersion: "10.0.20348.4171", Layers: 2}, sample.Options{OSVersion: "10.0.17763.7314", Layers: 2}))
	s.serve(t, registryHost, s.working())
	return s
}

// golden compares a text with a file.
func golden(t *testing.T, file, text string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(string(want), "\r\n", "\n"); text != want {
		t.Errorf("%s: got\n%s\nwant\n%s", file, text, want)
	}
}

// TestVerifyShowsAllChecks has the whole text and the whole JSON of an image that does
// not pass.
func TestVerifyShowsAllChecks(t *testing.T) {
	t.Parallel()
	s := verifyScene(t)
	args := []string{"verify", webRepo + ":v1", "--key", "cosign.pub", "--require", "sbom", "--require", "provenance", "--runs-on", "ltsc2022", "--runs-on", "ltsc2016"}
	got := s.run(t, args...)
	if got.code != exitSign || !strings.HasPrefix(got.stderr, "error: "+webRepo+":v1 is not what was asked for: signature, attestation, runs-on") {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
	golden(t, "verify.txt", s.normal(got.stdout))
	got = s.run(t, append(args, "-o", "json")...)
	if got.code != exitSign || !json.Valid([]byte(got.stdout)) {
		t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
	}
	golden(t, "verify.json", s.normal(got.stdout))
}

// TestVerifyExitCodes: flags count more than the policy, and that more than variables.
func TestVerifyExitCodes(t *testing.T) {
	t.Parallel()
	s := verifyScene(t)
	s.write(t, s.dir, "deploy/policy.yaml", "unsigned: true\nruns-on: [ltsc2019]\n")
	s.write(t, s.dir, "deploy/signed.yaml", "key: cosign.pub\n")
	s.write(t, s.dir, "deploy/open.yaml", "lint: true\n")
	s.write(t, s.dir, "deploy/strict.yaml", "unsigned: true\nbase-is: "+webRepo+":other\n")
	for tag, padding := range map[string]int64{"base": 0, "other": 7} {
		s.hold(t, webRepo+":"+tag, listOf(t, sample.Options{OSVersion: "10.0.20348.4171", Padding: padding}, sample.Options{OSVersion: "10.0.17763.7314", Padding: padding}))
	}
	s.write(t, s.dir, "deploy/cosign.pub", publicKey)
	for _, c := range []struct {
		args, environ string
		code          int
		failed        string // checks
	}{
		{"--unsigned", "", exitOK, ""},
		{"--unsigned --runs-on ltsc2016", "", exitSign, "runs-on"},
		{"--policy deploy/policy.yaml", "", exitOK, ""},
		{"--policy deploy/policy.yaml --runs-on ltsc2016", "", exitSign, "runs-on"},
		{"--policy deploy/policy.yaml --key cosign.pub", "", exitSign, "signature"},
		{"--policy deploy/policy.yaml", "NANOBUILD_KEY=cosign.pub", exitOK, ""},
		{"--policy deploy/policy.yaml", "NANOBUILD_RUNS_ON=ltsc2016", exitOK, ""},
		{"--policy deploy/policy.yaml --runs-on ltsc2022", "NANOBUILD_RUNS_ON=ltsc2016", exitOK, ""},
		{"--policy deploy/strict.yaml", "", exitSign, "base"},
		{"--policy deploy/strict.yaml", "NANOBUILD_BASE_IS=" + webRepo + ":base", exitSign, "base"},
		{"--policy deploy/strict.yaml --base-is " + webRepo + ":base", "", exitOK, ""},
		{"--policy deploy/policy.yaml", "NANOBUILD_BASE_IS=" + webRepo + ":other", exitSign, "base"},
		{"--policy deploy/signed.yaml", "NANOBUILD_KEY=deploy/missing.pub", exitSign, "signature"},
		{"--policy deploy/open.yaml", "", exitUsage, ""},
		{"--policy deploy/open.yaml", "NANOBUILD_KEY=cosign.pub", exitSign, "signature"},
		{"--unsigned --key=", "", exitUsage, ""},
		{"--key missing.pub", "", exitUsage, ""},
		{"--policy deploy/signed.yaml", "", exitSign, "signature"},
		{"", "NANOBUILD_POLICY=deploy/policy.yaml", exitOK, ""},
		{"--unsigned", "NANOBUILD_RUNS_ON=ltsc2022\nltsc2016", exitSign, "runs-on"},
		{"--key cosign.pub", "NANOBUILD_CERTIFICATE_IDENTITY=me@example.com", exitSign, "signature"},
		{"--key cosign.pub", "NANOBUILD_UNSIGNED=true", exitSign, "signature"},
		{"--key cosign.pub", "NANOBUILD_ANNOTATION=of=publish", exitSign, "signature"},
		{"", "NANOBUILD_UNSIGNED=true", exitUsage, ""},
		{"--key cosign.pub --output yaml", "", exitUsage, ""},
	} {
		s.environ = nil
		if c.environ != "" {
			s.environ = []string{c.environ}
		}
		got := s.run(t, append([]string{"verify", webRepo + ":v1", "-o", "json"}, strings.Fields(c.args)...)...)
		if got.code != c.code {
			t.Errorf("%s %s: exit code %d, want %d: %s", c.args, c.environ, got.code, c.code, got.stderr)
			continue
		}
		if c.code == exitUsage {
			continue
		}
		var found flow.Verification
		if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
			t.Fatal(err)
		}
		failed := map[string]bool{}
		for _, check := range found.Checks {
			failed[check.Name] = failed[check.Name] || check.Verdict == flow.Failed
		}
		for name, f := range failed {
			if f != (name == c.failed) {
				t.Errorf("%s %s: %s failed: %v", c.args, c.environ, name, f)
			}
		}
	}
}

// TestVerifyRefusesEmpty: a script's variable that is not set turns no check off, and not
// the policy.
func TestVerifyRefusesEmpty(t *testing.T) {
	t.Parallel()
	s := verifyScene(t)
	s.write(t, s.dir, "policy.yaml", "unsigned: true\nsource: github.com/me/web\n")
	tried := 0
	(&app{}).verify().Flags().VisitAll(func(f *pflag.Flag) {
		if kind := f.Value.Type(); kind != "string" && kind != "stringArray" {
			return
		}
		tried++
		for _, empty := range []string{"", " "} {
			args := []string{"verify", webRepo + ":v1", "--" + f.Name + "=" + empty}
			if f.Name != "policy" {
				args = append(args, "--policy", "policy.yaml")
			}
			if got := s.run(t, args...); got.code != exitUsage || !strings.Contains(got.stderr, "--"+f.Name) || got.stdout != "" {
				t.Errorf("--%s=%q: exit code %d: %s", f.Name, empty, got.code, got.stderr)
			}
		}
	})
	if tried < 15 {
		t.Errorf("%d flags have texts", tried)
	}
}

// TestVariablesUnderAPolicy: a variable fills what the policy leaves open, and weakens
// nothing.
func TestVariablesUnderAPolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, environ, stated, want string }{
		{"", "KEY LINT SOURCE", "", "key lint source"},
		{"", "KEY LINT SOURCE", "certificate-identity lint", "source"},
		{"--lint=false", "SOURCE", "lint source", "lint"},
		{"--certificate-identity=me", "CERTIFICATE_OIDC_ISSUER", "key", "certificate-identity certificate-oidc-issuer"},
		{"", "CERTIFICATE_OIDC_ISSUER TRUSTED_ROOT", "key", "trusted-root"},
		{"", "KEY", "unsigned", ""},
		{"", "ALLOW_DIRTY UNSIGNED ANNOTATION", "", ""},
		{"--allow-dirty", "REQUIRE RUNS_ON", "require", "allow-dirty runs-on"},
	} {
		a := &app{}
		for _, v := range strings.Fields(c.environ) {
			value := map[string]string{"LINT": "false", "ALLOW_DIRTY": "true", "UNSIGNED": "true"}[v]
			a.Environ = append(a.Environ, "NANOBUILD_"+v+"="+cmp.Or(value, "x"))
		}
		flags := a.verify().Flags()
		if err := flags.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		if err := a.applyEnvironment(flags); err != nil {
			t.Fatal(err)
		}
		stated := policy.Stated{}
		for _, name := range strings.Fields(c.stated) {
			stated[name] = true
		}
		counts := counting(flags, stated)
		var got []string
		flags.VisitAll(func(f *pflag.Flag) {
			if counts(f.Name) {
				got = append(got, f.Name)
			}
		})
		if slices.Sort(got); strings.Join(got, " ") != c.want {
			t.Errorf("%s %s under %s: %q, want %s", c.args, c.environ, c.stated, got, c.want)
		}
	}
}

// TestVerifyQuotes: what an image says cannot forge a line of the report.
func TestVerifyQuotes(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := &flow.Verification{Image: "web:v1", Digest: "sha256:0", Checks: []flow.Check{
		{Name: flow.CheckSource, Verdict: flow.Failed, Detail: "evil\nsignature  pass\x1b[2K", Image: "sha256:0123456789abcdef"},
		{Name: flow.CheckSignature, Verdict: flow.Passed, Detail: "signed", Image: "sha256:0"},
	}}
	if err := writeVerification(&out, v); err != nil {
		t.Fatal(err)
	}
	const want = `image   web:v1
digest  sha256:0

CHECK      VERDICT  OF                   DETAIL
source     FAIL     sha256:0123456789ab  "evil\nsignature  pass\x1b[2K"
signature  pass     index                signed
`
	if out.String() != want {
		t.Errorf("%s\nwant %s", &out, want)
	}
}

// TestVerifyCompletes: the values that are known are offered.
func TestVerifyCompletes(t *testing.T) {
	t.Parallel()
	s := newScene(t, authority.New(t))
	for flag, want := range map[string]string{"--require": "sbom\nprovenance\n", "--runs-on": "ltsc2025\n23H2\nltsc2022\n", "--output": "text\njson\n"} {
		if got := s.run(t, "__complete", "verify", "web", flag, ""); got.code != exitOK || !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%s: exit code %d: %s", flag, got.code, got.stdout)
		}
	}
}
