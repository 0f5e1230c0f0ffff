//go:build !nosign

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/testdata/authority"
)

// verifyScene is a registry with an image that nobody signed, a key and a policy.
func verifyScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, authority.New(t))
	s.write(t, s.dir, "cosign.pub", publicKey)
	s.hold(t, webRepo+":v1", listOf(t, sample.Options{OSVersion: "10.0.20348.4171"}, sample.Options{OSVersion: "10.0.17763.7314"}))
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

// TestVerifyExitCodes: flags count more than variables, and these more than the policy.
func TestVerifyExitCodes(t *testing.T) {
	t.Parallel()
	s := verifyScene(t)
	s.write(t, s.dir, "deploy/policy.yaml", "unsigned: true\nruns-on: [ltsc2019]\n")
	s.write(t, s.dir, "deploy/signed.yaml", "key: cosign.pub\n")
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
		{"--policy deploy/policy.yaml", "NANOBUILD_KEY=cosign.pub", exitSign, "signature"},
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
