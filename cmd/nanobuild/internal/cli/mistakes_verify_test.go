package cli

import (
	"testing"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// publicKey is one on the curve P-256 that signed nothing.
const publicKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0kqfjKPLE5f87LaKlQuyXvayBruH
UR00WMmsW5HaKWMCpmkxJT6qjsM2Xqbf/LuUEhI3X2ueCkPR4pLsMz42Mw==
-----END PUBLIC KEY-----
`

// verifyMistakes are about what verify is asked, and what cannot be read. What was read
// and does not hold is no mistake: it has a line of the report on stdout.
func verifyMistakes() []mistake {
	image := webRepo + ":v1"
	verify := func(more ...string) []string { return append([]string{"verify", image}, more...) }
	policy := func(text string) func(*testing.T, *scene) {
		return func(t *testing.T, s *scene) { s.write(t, s.dir, "policy.yaml", text) }
	}
	working := func(t *testing.T, s *scene) {
		s.write(t, s.dir, "cosign.pub", publicKey)
		s.serve(t, registryHost, s.working())
	}
	keyless := []string{"--certificate-identity", "me@example.com", "--certificate-oidc-issuer", "https://accounts.example.com"}
	return []mistake{
		{name: "verify-nobody", code: exitUsage, names: []string{"--key", "--certificate-identity", "--certificate-oidc-issuer", "--unsigned"}, args: verify("--supported")},
		{name: "verify-key-and-identity", code: exitUsage, names: []string{"--key", "--certificate-identity"}, args: verify(append(keyless, "--key", "cosign.pub")...)},
		{name: "verify-without-issuer", code: exitUsage, names: []string{"--certificate-oidc-issuer"}, args: verify("--certificate-identity", "me@example.com")},
		{name: "verify-without-root", code: exitUsage, names: []string{"--trusted-root"}, args: verify(keyless...)},
		{name: "verify-unsigned-but-required", code: exitUsage, names: []string{"--unsigned", "--require"}, args: verify("--unsigned", "--require", "sbom")},
		{name: "verify-unknown-attestation", code: exitUsage, names: []string{"--require", "sbon", "sbom", "provenance"}, args: verify("--key", "cosign.pub", "--require", "sbon")},
		{name: "verify-attestations-with-comma", code: exitUsage, names: []string{"--require sbom --require provenance"}, args: verify("--key", "cosign.pub", "--require", "sbom,provenance")},
		{name: "verify-age-without-unit", code: exitUsage, names: []string{"--max-base-age", "30d"}, args: verify("--key", "cosign.pub", "--max-base-age", "30")},
		{name: "verify-unknown-host", code: exitUsage, names: []string{"--runs-on", "ltsc2021", "ltsc2022", "/hyperv"}, args: verify("--key", "cosign.pub", "--runs-on", "ltsc2021")},
		{name: "verify-log-without-root", code: exitUsage, names: []string{"--require-log", "--trusted-root"}, args: verify("--key", "cosign.pub", "--require-log")},
		{name: "verify-annotation-without-value", code: exitUsage, names: []string{"--annotation", "env"}, args: verify("--key", "cosign.pub", "-a", "env")},
		{name: "verify-empty-source", code: exitUsage, names: []string{"--source"}, args: verify("--policy", "policy.yaml", "--source", ""), plan: policy("key: cosign.pub\nsource: github.com/me/web\n")},
		{name: "verify-dirty-without-source", code: exitUsage, names: []string{"--allow-dirty", "--source"}, args: verify("--key", "cosign.pub", "--allow-dirty")},
		{name: "verify-layout", code: exitUsage, names: []string{"oci:", "nanobuild push", "--repo"}, args: []string{"verify", "oci:image", "--key", "cosign.pub"}},
		{name: "verify-policy-missing", code: exitUsage, names: []string{"--policy", "policy.yaml"}, system: true, args: verify("--policy", "policy.yaml")},
		{name: "verify-policy-empty", code: exitUsage, names: []string{"--policy", "policy.yaml", "key: cosign.pub"}, args: verify("--policy", "policy.yaml"), plan: policy("# later\n")},
		{name: "verify-policy-unknown-key", code: exitUsage, names: []string{"policy.yaml", "line 2, column 1", "requires", "did you mean require?"}, args: verify("--policy", "policy.yaml"), plan: policy("key: cosign.pub\nrequires: [sbom]\n")},
		{name: "verify-policy-wrong-type", code: exitUsage, names: []string{"policy.yaml", "line 1, column 15", "max-base-age", "30d"}, args: verify("--policy", "policy.yaml"), plan: policy("max-base-age: 30\n")},
		{name: "verify-policy-no-yaml", code: exitUsage, names: []string{"policy.yaml", "line 1"}, args: verify("--policy", "policy.yaml"), plan: policy("require: [sbom\nkey: a\n")},
		{name: "verify-policy-and-unsigned", code: exitUsage, names: []string{"--unsigned", "--key"}, args: verify("--policy", "policy.yaml", "--unsigned"), plan: policy("key: cosign.pub\n")},
		{name: "verify-missing-key", code: exitUsage, names: []string{"cosign.pub"}, args: verify("--key", "cosign.pub")},
		{name: "verify-no-key", code: exitUsage, names: []string{"cosign.pub"}, args: verify("--key", "cosign.pub"), plan: func(t *testing.T, s *scene) {
			s.write(t, s.dir, "cosign.pub", "no key\n")
		}},
		{name: "verify-unknown-tag", code: exitBase, names: []string{webRepo, "v1"}, args: verify("--key", "cosign.pub"), plan: working},
		{name: "verify-linux", code: exitBase, names: []string{webRepo, "linux"}, args: verify("--key", "cosign.pub"), plan: func(t *testing.T, s *scene) {
			s.hold(t, image, ourImage(t, sample.Options{OS: "linux", NoOSVersion: true}))
			working(t, s)
		}},
	}
}
