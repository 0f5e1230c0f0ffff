package main_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
	"github.com/nanobuild/nanobuild/testdata/need"
	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// The programs of cosign are the judges here: what they say of images that nanobuild
// signed, and what nanobuild says of images that they signed.

// signedRegistries are registries with and without a list of referrers.
func signedRegistries() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{
		"with referrers":    func(t testing.TB) string { return localRegistry(t, registry.WithReferrersSupport(true)) },
		"without referrers": func(t testing.TB) string { return localRegistry(t) },
		"docker-registry":   need.StartRegistry,
		"distribution":      func(t testing.TB) string { return need.StartRegistryWith(t, need.RegistryOptions{}) },
	}
}

func localRegistry(t testing.TB, options ...registry.Option) string {
	server := httptest.NewServer(registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// cosign runs one of its programs, in a home of its own, and never on the network: the
// proxy that it would have to use does not answer.
func cosign(t *testing.T, version, dir string, args ...string) (string, error) {
	t.Helper()
	return cosignWith(t, nil, version, dir, args...)
}

func cosignWith(t *testing.T, env []string, version, dir string, args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), filepath.Join(need.Cosign(t), version, "cosign"+exeSuffix()), args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TUF_ROOT=" + filepath.Join(home, "tuf"), "COSIGN_PASSWORD=" + interopPassword,
		"SIGSTORE_REKOR_PUBLIC_KEY=/dev/null", "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=localhost,127.0.0.1"}
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustCosign(t *testing.T, version, dir string, args ...string) {
	t.Helper()
	if out, err := cosign(t, version, dir, args...); err != nil {
		t.Errorf("cosign %s %q: %v\n%s", version, args, err, out)
	}
}

const interopPassword = "of the interop tests"

var interopEnv = []string{"COSIGN_PASSWORD=" + interopPassword}

// interopApp is a folder with an application, a key, an empty trusted root, which keeps
// cosign from asking for the public one, and a layout with a base.
func interopApp(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := sampleapp.Write(filepath.Join(dir, "app"), "hello"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "empty.json"), `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)
	ok(t, dir, interopEnv, "generate-key-pair")
	ok(t, dir, []string{"COSIGN_PASSWORD="}, "generate-key-pair", "--output-key-prefix", "other")
	return dir
}

func interopPublish(t *testing.T, dir, repo string, args ...string) (ref string) {
	t.Helper()
	r := ok(t, dir, interopEnv, append([]string{"publish", "app", "--base", ociBase(t), "--repo", repo, "-t", "v1"}, args...)...)
	return r.lines()[0]
}

func TestCosignVerifiesOurs(t *testing.T) {
	t.Parallel()
	need.Cosign(t)
	dir := interopApp(t)
	for name, start := range signedRegistries() {
		for _, format := range []string{"tags", "bundle"} {
			t.Run(name+", "+format, func(t *testing.T) {
				t.Parallel()
				ref := interopPublish(t, dir, start(t)+"/shop/web", "--sign-key", "cosign.key", "--sign-format", format, "--sign-annotation", "team=web")
				for _, version := range []string{"v2", "v3"} {
					how := []string{"--insecure-ignore-tlog=true"}
					if format == "bundle" && version == "v2" {
						how = append(how, "--new-bundle-format", "--trusted-root", "empty.json")
					}
					verify := func(command, key string, more ...string) []string {
						return append(append([]string{command, "--key", key}, how...), append(more, ref)...)
					}
					mustCosign(t, version, dir, verify("verify", "cosign.pub", "-a", "team=web")...)
					for _, kind := range []string{"spdxjson", "slsaprovenance1"} {
						mustCosign(t, version, dir, verify("verify-attestation", "cosign.pub", "--type", kind)...)
					}
					for _, wrong := range [][]string{verify("verify", "other.pub"), verify("verify-attestation", "other.pub", "--type", "spdxjson"), verify("verify-attestation", "cosign.pub", "--type", "cyclonedx")} {
						if out, err := cosign(t, version, dir, wrong...); err == nil {
							t.Errorf("cosign %s %q: verified\n%s", version, wrong, out)
						}
					}
				}
			})
		}
	}
}

// TestCosignVerifiesKeyless: the same with certificates of a sigstore of our own.
func TestCosignVerifiesKeyless(t *testing.T) {
	t.Parallel()
	need.Cosign(t)
	dir := interopApp(t)
	const identity, issuer = "https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main", "https://token.actions.githubusercontent.com"
	for _, format := range []string{"tags", "bundle"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := sigstore.Start(t, sigstore.Options{})
			root := filepath.Join(t.TempDir(), "root.json")
			writeFile(t, root, string(s.TrustedRoot()))
			r := ok(t, dir, []string{"SIGSTORE_ID_TOKEN=" + s.Token(identity, issuer)}, "publish", "app", "--base", ociBase(t), "--repo", localRegistry(t)+"/shop/web",
				"--sign-keyless", "--sign-format", format, "--fulcio-url", s.FulcioURL(), "--rekor-url", s.RekorURL(), "--timestamp-url", s.TSAURL(), "--trusted-root", root)
			ref := r.lines()[0]
			for _, version := range []string{"v2", "v3"} {
				verify := func(issuer string, command ...string) []string {
					return append(command, "--trusted-root", root, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, "--insecure-ignore-sct", ref)
				}
				how := []string{"verify"}
				if format == "bundle" && version == "v2" {
					how = append(how, "--new-bundle-format")
				}
				mustCosign(t, version, dir, verify(issuer, how...)...)
				how[0] = "verify-attestation"
				attested := verify(issuer, append(how, "--type", "slsaprovenance1")...)
				if format == "tags" && version == "v2" { // which takes no trusted root here
					attested = slices.DeleteFunc(attested, func(arg string) bool { return arg == "--trusted-root" || arg == root })
				}
				if out, err := cosignWith(t, rootFiles(t, s.TrustedRoot()), version, dir, attested...); err != nil {
					t.Errorf("cosign %s %q: %v\n%s", version, attested, err, out)
				}
				how[0] = "verify"
				if out, err := cosign(t, version, dir, verify("https://example.com", how...)...); err == nil {
					t.Errorf("cosign %s took a wrong issuer:\n%s", version, out)
				}
			}
		})
	}
}

// rootFiles are the variables by which cosign reads a trusted root in parts.
func rootFiles(t *testing.T, trusted []byte) []string {
	t.Helper()
	type raw struct {
		RawBytes []byte `json:"rawBytes"`
	}
	var root struct {
		Authorities []struct {
			Chain struct {
				Certificates []raw `json:"certificates"`
			} `json:"certChain"`
		} `json:"certificateAuthorities"`
		Logs []struct {
			Key raw `json:"publicKey"`
		} `json:"tlogs"`
	}
	if err := json.Unmarshal(trusted, &root); err != nil || len(root.Authorities) == 0 || len(root.Logs) == 0 {
		t.Fatal("the trusted root is of another kind: ", err)
	}
	dir := t.TempDir()
	var chain strings.Builder
	for _, c := range root.Authorities[0].Chain.Certificates {
		chain.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.RawBytes}))
	}
	writeFile(t, filepath.Join(dir, "ca.pem"), chain.String())
	writeFile(t, filepath.Join(dir, "log.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: root.Logs[0].Key.RawBytes})))
	return []string{"SIGSTORE_ROOT_FILE=" + filepath.Join(dir, "ca.pem"), "SIGSTORE_REKOR_PUBLIC_KEY=" + filepath.Join(dir, "log.pem")}
}

// TestCosignSignaturesVerify: what each cosign signs and attests, nanobuild verifies.
func TestCosignSignaturesVerify(t *testing.T) {
	t.Parallel()
	need.Cosign(t)
	dir := interopApp(t)
	writeFile(t, filepath.Join(dir, "sbom.json"), `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","dataLicense":"CC0-1.0","documentNamespace":"https://example.com/x","creationInfo":{"created":"2026-01-01T00:00:00Z","creators":["Tool: x"]}}`)
	for name, start := range signedRegistries() {
		for _, signer := range []struct {
			version, format string
			how             []string
		}{
			{"v2", "tags", []string{"--tlog-upload=false"}},
			{"v2", "bundle", []string{"--tlog-upload=false", "--new-bundle-format"}},
			{"v3", "tags", []string{"--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"}},
			{"v3", "bundle", []string{"--use-signing-config=false", "--tlog-upload=false"}},
		} {
			t.Run(name+", "+signer.version+" "+signer.format, func(t *testing.T) {
				t.Parallel()
				ref := interopPublish(t, dir, start(t)+"/shop/web")
				common := append([]string{"--key", "cosign.key", "--yes"}, signer.how...)
				mustCosign(t, signer.version, dir, append(append([]string{"sign"}, common...), ref)...)
				mustCosign(t, signer.version, dir, append(append([]string{"attest", "--type", "spdxjson", "--predicate", "sbom.json"}, common...), ref)...)
				ok(t, dir, nil, "verify", ref, "--key", "cosign.pub", "--require", "sbom")
				if r := run(t, dir, nil, "verify", ref, "--key", "other.pub"); r.code != 6 {
					t.Errorf("another key: %s", r)
				}
				if r := run(t, dir, nil, "verify", ref, "--key", "cosign.pub", "--require", "provenance"); r.code != 6 {
					t.Errorf("without provenance: %s", r)
				}
				// A second signature of the same key is none.
				ok(t, dir, interopEnv, "sign", ref, "--sign-key", "cosign.key", "--sign-format", signer.format)
			})
		}
	}
}

// TestCosignKeylessVerifies: what each cosign signs by an identity, nanobuild verifies.
func TestCosignKeylessVerifies(t *testing.T) {
	t.Parallel()
	need.Cosign(t)
	dir := interopApp(t)
	const identity, issuer = "https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main", "https://token.actions.githubusercontent.com"
	for _, signer := range []struct {
		name, version string
		how           func(*sigstore.Sigstore, string) []string
	}{
		{"v2 bundle", "v2", func(_ *sigstore.Sigstore, config string) []string {
			return []string{"--new-bundle-format", "--signing-config", config, "--insecure-skip-verify"}
		}},
		{"v3 bundle", "v3", func(_ *sigstore.Sigstore, config string) []string { return []string{"--signing-config", config} }},
		{"v3 tags", "v3", func(s *sigstore.Sigstore, _ string) []string {
			return []string{"--use-signing-config=false", "--new-bundle-format=false", "--fulcio-url", s.FulcioURL(), "--rekor-url", s.RekorURL(), "--timestamp-server-url", s.TSAURL()}
		}},
	} {
		t.Run(signer.name, func(t *testing.T) {
			t.Parallel()
			s := sigstore.Start(t, sigstore.Options{})
			files := t.TempDir()
			root, config, token := filepath.Join(files, "root.json"), filepath.Join(files, "config.json"), filepath.Join(files, "token")
			writeFile(t, root, string(s.TrustedRoot()))
			writeFile(t, config, string(s.SigningConfig()))
			writeFile(t, token, s.Token(identity, issuer))
			ref := interopPublish(t, dir, localRegistry(t, registry.WithReferrersSupport(true))+"/shop/web")
			mustCosign(t, signer.version, dir, append(append([]string{"sign", "--yes", "--identity-token", token, "--trusted-root", root}, signer.how(s, config)...), ref)...)
			verify := []string{"verify", ref, "--trusted-root", root, "--certificate-identity", identity, "--certificate-oidc-issuer"}
			ok(t, dir, nil, append(verify, issuer)...)
			if r := run(t, dir, nil, append(verify, "https://example.com")...); r.code != 6 {
				t.Errorf("a wrong issuer: %s", r)
			}
		})
	}
}
