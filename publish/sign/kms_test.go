//go:build !nosign

package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// kmsProgram builds the program of a KMS and returns the folder it lies in.
func kmsProgram(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("go is not on PATH: it builds the program of a KMS")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "sigstore-kms-test")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	cmd := exec.CommandContext(t.Context(), tool, "build", "-o", file, "./testdata/sigstore-kms-test")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return folder
}

// pkcs8File writes a private key without encryption.
func pkcs8File(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// secretEnviron has what no program of somebody else's needs, and what it does.
const secretEnviron = `COSIGN_PASSWORD=x COSIGN_KEY=x SIGSTORE_ID_TOKEN=x ACTIONS_ID_TOKEN_REQUEST_TOKEN=x ACTIONS_ID_TOKEN_REQUEST_URL=x
	DOTNET_CONTAINER_PUSH_REGISTRY_PWORD=x SDK_CONTAINER_REGISTRY_PWORD=x SDK_X_PWD=x DOCKER_AUTH_CONFIG=x GITHUB_TOKEN=x gh_token=x NANOBUILD_SIGN_KEY=x
	AWS_REGION=x VAULT_TOKEN=x`

// TestKMS: a program signs, in both formats, and cosign's library verifies that; each
// way in which a program can fail has an error that names it.
func TestKMS(t *testing.T) {
	t.Parallel()
	env := Environment{Environ: []string{"PATH=relative" + string(filepath.ListSeparator) + kmsProgram(t), "TEST_KMS_PIN=1234"}, WorkDir: t.TempDir()}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	usual := p256Key(t)
	ref := "test://" + pkcs8File(t, usual)
	for format, key := range map[Format]crypto.Signer{Tags: usual, Bundle: edwards} {
		t.Run("sign "+string(format), func(t *testing.T) {
			t.Parallel()
			ref := "test://" + pkcs8File(t, key)
			g := newGround(t, ggcrRegistry(true))
			signer, err := NewSigner(t.Context(), SignerOptions{Key: ref, Format: format, Annotations: map[string]string{"team": "a<b"}, Environment: env})
			if err != nil {
				t.Fatal(err)
			}
			g.mustSign(t, signer, writtenPredicates()...)
			g.mustVerify(t, key.Public(), format)
			if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{}) {
				t.Errorf("Sign again = %+v", done)
			}
		})
	}
	larger, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		key, want string
		locked    bool
	}{
		"no such program": {"other-kms://x", "the program sigstore-kms-other-kms is not on PATH", false},
		"no scheme":       {"../x://y", "small letters, digits and dashes", false},
		"capitals":        {"AWSKMS://y", "small letters, digits and dashes", false},
		"no key":          {"test://", "small letters, digits and dashes", false},
		"no such key":     {"test:///nowhere/key.pem", "sigstore-kms-test says: open", false},
		"refused":         {ref, "sigstore-kms-test says: the PIN is [31mwrong", true},
		"larger curve":    {"test://" + pkcs8File(t, larger), "P-384", false},
		"empty answer":    {ref + "?empty", "what sigstore-kms-test answered", false},
		"noise":           {ref + "?noise", "what sigstore-kms-test answered", false},
		"flood":           {ref + "?flood", "what sigstore-kms-test answered", false},
		"complaint":       {ref + "?complaint", "no route to the KMS", false},
		"empty signature": {ref + "?nosignature", "what sigstore-kms-test answered", false},
		"no secrets":      {ref + "?environ", "sigstore-kms-test says: AWS_REGION PATH TEST_KMS_PIN VAULT_TOKEN", false},
		"wrong signature": {ref + "?wrong", "no signature that its public key verifies", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			env := env
			if c.locked {
				env.Environ = env.Environ[:1]
			}
			if strings.HasSuffix(c.key, "?environ") {
				env.Environ = append(slices.Clone(env.Environ), strings.Fields(secretEnviron)...)
			}
			signer, err := NewSigner(t.Context(), SignerOptions{Key: c.key, Environment: env})
			if err == nil {
				g := newGround(t, ggcrRegistry(false))
				_, err = signer.Sign(t.Context(), g.repo, g.subject)
				if got := g.layers(t, suffixSignatures); len(got) > 0 {
					t.Errorf("%d signatures were written", len(got))
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 3 {
				t.Errorf("the error is %v; want %q", err, c.want)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, enough := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer enough()
		if _, err := NewSigner(ctx, SignerOptions{Key: ref + "?hang", Environment: env}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("NewSigner = %v", err)
		}
	})
}
