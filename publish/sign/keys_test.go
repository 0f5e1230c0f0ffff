//go:build !nosign

package sign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/signature"
)

func pemText(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func locked(t *testing.T, der []byte, password string) []byte {
	t.Helper()
	content, err := encrypted.Encrypt(der, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// planted is in every key and password of these tests that must not be shown.
const planted = "hunter2-planted"

// TestKeys: each kind of key opens or is refused in words of its own, which show
// neither password nor key.
func TestKeys(t *testing.T) {
	t.Parallel()
	usual := p256Key(t)
	larger, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := rsa.GenerateKey(rand.Reader, 2560)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := x509.MarshalECPrivateKey(usual)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(usual.Public())
	if err != nil {
		t.Fatal(err)
	}
	der := pkcs8(t, usual)
	password := func() ([]byte, error) { return []byte(planted), nil }
	mine := locked(t, der, planted)
	for what, c := range map[string]struct {
		text     []byte
		password func() ([]byte, error)
		want     string // "" opens
	}{
		"cosign's":           {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", mine), password, ""},
		"an older cosign's":  {pemText("ENCRYPTED COSIGN PRIVATE KEY", mine), password, ""},
		"without encryption": {pemText("PRIVATE KEY", der), func() ([]byte, error) { return nil, errors.New("asked") }, ""},
		"an empty password":  {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, der, "")), nil, ""},
		"wrong password":     {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, der, "other")), password, "its password is wrong; check COSIGN_PASSWORD"},
		"no password":        {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", mine), nil, "there is no password; set COSIGN_PASSWORD"},
		"password not there": {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", mine), func() ([]byte, error) { return nil, errors.New("no terminal") }, "ask for its password: no terminal"},
		"damaged":            {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", []byte(planted)), password, "its encryption cannot be read"},
		"another cost":       {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", bytes.Replace(mine, []byte(`"N":`), []byte(`"N":9`), 1)), password, "its encryption cannot be read"},
		"not a key inside":   {pemText("ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, []byte(planted), planted)), password, "no private key in the format PKCS #8"},
		"not a key":          {[]byte(planted), password, "it has no PEM block"},
		"nothing":            {[]byte("\n"), password, "it has no PEM block"},
		"public":             {pemText("PUBLIC KEY", public), password, "it is a public key"},
		"SEC 1":              {pemText("EC PRIVATE KEY", ec), password, "cosign import-key-pair"},
		"PKCS #1":            {pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(odd)), password, "cosign import-key-pair"},
		"encrypted PKCS #8":  {pemText("ENCRYPTED PRIVATE KEY", der), password, "cosign import-key-pair"},
		"a certificate":      {pemText("CERTIFICATE", der), password, "no private key"},
		"P-384":              {pemText("PRIVATE KEY", pkcs8(t, larger)), password, "curve P-384, whose signatures cosign does not verify by default; make one for P-256"},
		"RSA of 2560 bits":   {pemText("PRIVATE KEY", pkcs8(t, odd)), password, "RSA with 2560 bits"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "my.key")
			if err := os.WriteFile(file, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
			refs := map[string]Environment{"my.key": {WorkDir: filepath.Dir(file)}}
			if !bytes.Contains(c.text, []byte("SIGSTORE")) { // whose decryption takes its time
				refs[file] = Environment{}
				refs["env://KEY"] = Environment{Environ: []string{"KEY=other", "KEY=" + string(c.text)}}
			}
			for ref, env := range refs {
				env.Password = c.password
				_, err := NewSigner(t.Context(), SignerOptions{Key: ref, Environment: env})
				if c.want == "" && err == nil {
					continue
				}
				if c.want == "" || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), ref) {
					t.Errorf("NewSigner = %v; want %q about %s", err, c.want, ref)
					continue
				}
				if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString(der)[:40]) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

// TestKeyFiles: files that are none are told of.
func TestKeyFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "large"), make([]byte, maxKey+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"missing":     "there is no such file; a key in a variable is named env://NAME",
		".":           "read the key .: ",
		"large":       "it has more than 64 KiB and is no key",
		"env://":      "the variable  is not set",
		"env://EMPTY": "the variable EMPTY is not set",
	} {
		if _, err := readKey(ref, Environment{WorkDir: folder, Environ: []string{"EMPTY="}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("readKey(%q) = %v; want %q", ref, err, want)
		}
	}
}

// TestKeyInPlaceOfItsName: a key that stands where its name belongs is shown nowhere, nor
// is the text of anything else that can be no name.
func TestKeyInPlaceOfItsName(t *testing.T) {
	t.Parallel()
	der := pkcs8(t, p256Key(t))
	key := string(pemText("PRIVATE KEY", der))
	secret := base64.StdEncoding.EncodeToString(der)[20:60]
	inBase64 := base64.StdEncoding.EncodeToString([]byte(key))
	for what, ref := range map[string]string{
		"PEM": key, "PEM on one line": strings.ReplaceAll(key, "\n", " "), "PEM as a variable": fromVariable + key, "PEM with a scheme in front": "awskms://" + key,
		"in base64": inBase64, "without its head": strings.SplitAfterN(key, "\n", 2)[1], "long": strings.Repeat(secret, 200),
	} {
		_, serr := NewSigner(t.Context(), SignerOptions{Key: ref, Environment: Environment{WorkDir: t.TempDir()}})
		_, verr := NewVerifier(t.Context(), VerifierOptions{Key: ref, Environment: Environment{WorkDir: t.TempDir()}})
		for flag, err := range map[string]error{"--sign-key": serr, "--key": verr} {
			if err == nil || !strings.Contains(err.Error(), flag+" takes the name of a file or env://NAME, and not the key itself") {
				t.Fatalf("%s: %v", what, err)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), inBase64[40:60]) || strings.Contains(err.Error(), "BEGIN") {
				t.Errorf("%s: the error shows a key: %v", what, err)
			}
		}
	}
}

// TestGenerateKeyPair: cosign's library opens the private key with the password alone,
// and its public key is the other one.
func TestGenerateKeyPair(t *testing.T) {
	t.Parallel()
	for _, password := range []string{planted, ""} {
		private, public, err := GenerateKeyPair([]byte(password))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cosign.LoadPrivateKey(private, []byte("other"), nil); err == nil {
			t.Error("another password opens it")
		}
		sv, err := cosign.LoadPrivateKey(private, []byte(password), nil)
		if err != nil {
			t.Fatal(err)
		}
		key, err := cosign.PemToECDSAKey(public)
		if err != nil {
			t.Fatal(err)
		}
		if own, err := sv.PublicKey(); err != nil || !key.Equal(own) || key.Curve != elliptic.P256() {
			t.Errorf("public key %v, %v", own, err)
		}
		if !bytes.HasPrefix(private, []byte("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")) || !bytes.HasPrefix(public, []byte("-----BEGIN PUBLIC KEY-----\n")) {
			t.Errorf("%s%s", private[:50], public)
		}
		signer, err := privateKey(private, func() ([]byte, error) { return []byte(password), nil })
		if err != nil || !key.Equal(signer.Public()) {
			t.Errorf("privateKey = %v", err)
		}
	}
}

// FuzzPrivateKey: no text makes it panic, or sign with a kind of key that cosign does
// not verify.
func FuzzPrivateKey(f *testing.F) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(edwards)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pemText("PRIVATE KEY", der))
	f.Add(pemText("ENCRYPTED SIGSTORE PRIVATE KEY", []byte(`{"kdf":{"name":"scrypt","params":{"N":1,"r":8,"p":1},"salt":""},"cipher":{"name":"nacl/secretbox","nonce":""},"ciphertext":""}`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := privateKey(text, nil)
		if err != nil {
			return
		}
		if _, err := signature.LoadDefaultSigner(key.(crypto.PrivateKey)); err != nil {
			t.Error(err)
		}
	})
}
