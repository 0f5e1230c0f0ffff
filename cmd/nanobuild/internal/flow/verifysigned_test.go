//go:build !nosign

package flow

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/publish/sign"
	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// TestSignAndVerify signs an index with real keys, in both formats, and verifies it.
func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"tags", "bundle"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.keyPair(t, "cosign")
			w.keyPair(t, "other")
			ref := w.host + "/many:v1"
			if err := remote.WriteIndex(reference(t, ref), indexOf(t, sample.Options{OSVersion: "10.0.26100.32995"}, sample.Options{OSVersion: "10.0.20348.4171"})); err != nil {
				t.Fatal(err)
			}
			digest := w.digest(t, ref)
			unsigned, err := Verify(t.Context(), VerifyOptions{Image: ref, Asked: policy.Policy{Key: "cosign.pub"}}, w.Deps)
			if stageOf(err) != StageSign || unsigned == nil || unsigned.Checks[0].Reason != string(sign.Unsigned) {
				t.Fatalf("before: %+v, %v", unsigned, err)
			}
			folder := filepath.Join(w.WorkDir, "documents")
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, d := range w.entries(t, ref) {
				if err := os.WriteFile(filepath.Join(folder, documentName(d.Digest, sbomEnd)), []byte(`{"spdxVersion":"SPDX-2.3"}`), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err = Sign(t.Context(), SignOptions{Image: w.host + "/many@" + digest.String(), SBOM: "documents", Signing: SigningOptions{
				Key: "cosign.key", Format: format, Annotations: []string{"env=prod"},
			}}, w.Deps)
			if err != nil {
				t.Fatal(err)
			}
			check := func(asked policy.Policy, want []string) {
				t.Helper()
				found, err := Verify(t.Context(), VerifyOptions{Image: ref, Asked: asked}, w.Deps)
				if found == nil {
					t.Fatal(err)
				}
				if got := verdicts(found); !slices.Equal(got[:len(want)], want) || (found.Verdict == Passed) != (err == nil) || found.Digest != digest.String() {
					t.Errorf("%q, %v; want %q: %+v", got, err, want, found.Checks)
				}
			}
			signed := []string{"signature pass", "signature pass", "signature pass"}
			check(policy.Policy{Key: "cosign.pub", Annotations: []string{"env=prod"}, Require: []string{policy.SBOM}}, append(signed, "attestation sbom pass", "attestation sbom pass"))
			check(policy.Policy{Key: "cosign.pub", Require: []string{policy.Provenance}}, append(signed, "attestation provenance fail", "attestation provenance fail"))
			refused := []string{"signature fail", "signature fail", "signature fail"}
			check(policy.Policy{Key: "other.pub", Require: []string{policy.SBOM}}, append(refused, "attestation sbom fail"))
			check(policy.Policy{Key: "cosign.pub", Annotations: []string{"env=test"}}, refused)
		})
	}
}

// TestVerifyKeys: a key or a root that cannot be used is no verdict.
func TestVerifyKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, file := range []string{"none.pub", "none.json"} {
		if err := os.WriteFile(filepath.Join(w.WorkDir, file), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Verify(t.Context(), VerifyOptions{Image: w.host + "/web:v1", Asked: policy.Policy{Identity: "a", Issuer: "b", TrustedRoot: "none.json"}}, w.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--trusted-root") {
		t.Errorf("root: stage %d, %v", stageOf(err), err)
	}
	for _, key := range []string{"missing.pub", "none.pub", "env://NOT_THERE"} {
		found, err := Verify(t.Context(), VerifyOptions{Image: w.host + "/web:v1", Asked: policy.Policy{Key: key}}, w.Deps)
		if stageOf(err) != StageUsage || found != nil || !strings.Contains(err.Error(), strings.TrimPrefix(key, "env://")) {
			t.Errorf("%s: stage %d, %v", key, stageOf(err), err)
		}
	}
}

// TestSignAndVerifyKeyless: a name counts together with who vouches for it, and only
// what the trusted root knows.
func TestSignAndVerifyKeyless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, sample.Options{}, "web:v1")
	s, foreign := sigstore.Start(t, sigstore.Options{}), sigstore.Start(t, sigstore.Options{})
	const workflow, issuer = "https://github.com/me/web/.github/workflows/release.yml@refs/heads/main", "https://token.actions.githubusercontent.com"
	for file, content := range map[string]string{"token": s.Token(workflow, issuer), "root.json": string(s.TrustedRoot()), "foreign.json": string(foreign.TrustedRoot())} {
		if err := os.WriteFile(filepath.Join(w.WorkDir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	digest := w.digest(t, w.host+"/web:v1")
	err := Sign(t.Context(), SignOptions{Image: w.host + "/web@" + digest.String(), Signing: SigningOptions{
		Keyless: true, IdentityToken: "token", TrustedRoot: "root.json", Fulcio: s.FulcioURL(), Rekor: s.RekorURL(), TSA: s.TSAURL(),
	}}, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	good := policy.Policy{Identity: workflow, Issuer: issuer, TrustedRoot: "root.json"}
	for _, c := range []struct {
		name   string
		change func(*policy.Policy)
		reason sign.Reason // "" passes
	}{
		{"good", func(*policy.Policy) {}, ""},
		{"patterns", func(p *policy.Policy) {
			*p = policy.Policy{IdentityRegexp: `^https://github\.com/me/web/`, IssuerRegexp: "^" + issuer + "$", TrustedRoot: "root.json"}
		}, ""},
		{"other name", func(p *policy.Policy) { p.Identity = "https://github.com/you/web" }, sign.WrongIdentity},
		{"other issuer", func(p *policy.Policy) { p.Issuer = "https://accounts.example.com" }, sign.WrongIssuer},
		{"other root", func(p *policy.Policy) { p.TrustedRoot = "foreign.json" }, sign.Untrusted},
	} {
		asked := good
		c.change(&asked)
		found, err := Verify(t.Context(), VerifyOptions{Image: w.host + "/web:v1", Asked: asked}, w.Deps)
		if found == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := found.Checks[0]
		if got.Reason != string(c.reason) || (got.Verdict == Passed) != (c.reason == "") || (err == nil) != (c.reason == "") {
			t.Errorf("%s: %+v, %v; want %q", c.name, got, err, c.reason)
		}
		if c.reason == "" && !strings.HasPrefix(got.Detail, "signed by "+workflow+", for whom "+issuer+" vouches, in a transparency log at ") {
			t.Errorf("%s: %s", c.name, got.Detail)
		}
	}
}
