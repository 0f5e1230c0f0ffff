package main_test

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// TestSignedProject publishes a real project with secrets all around, and looks for them
// in all that is left: messages, documents, and whatever the registry stores.
func TestSignedProject(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	data := t.TempDir()
	registry := need.StartRegistryWith(t, need.RegistryOptions{Data: data})
	dir := copyProject(t, "webapi")
	gitRepository(t, dir)
	out := t.TempDir()
	const password, property, token = "pl4nted-p4ssword-of-the-key", "pl4nted-v4lue-of-a-property", "pl4nted-t0ken-of-nobody"
	env := []string{"COSIGN_PASSWORD=" + password, "NANOBUILD_SIGN_KEY=" + filepath.Join(out, "k.key"), "GITHUB_TOKEN=" + token}
	ok(t, out, env, "generate-key-pair", "--output-key-prefix", "k")
	args := []string{"publish", dir, "--base", ociBase(t), "--repo", registry + "/web", "-t", "v1", "-v", "-p", "DbPassword=" + property,
		"--sbom-file", filepath.Join(out, "sbom.json"), "--provenance-file", filepath.Join(out, "provenance.json"), "--", "-p:ApiToken=" + property}
	first := ok(t, dir, env, args...)
	again := ok(t, dir, append(env, "NANOBUILD_LOG_FORMAT=json"), args...)
	if first.stdout != again.stdout {
		t.Errorf("published %q and then %q", first.stdout, again.stdout)
	}
	ref := first.lines()[0]
	verified := ok(t, out, nil, "verify", ref, "--key", "k.pub", "--require", "sbom", "--require", "provenance", "--supported")
	if !strings.Contains(verified.stdout, "signature") {
		t.Errorf("verify says\n%s", verified.stdout)
	}
	stored := false
	look := func(where string, text []byte) {
		for _, secret := range []string{password, property, token} {
			for before := range 3 {
				shifted := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
				if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte(shifted[4:len(shifted)-4])) {
					t.Errorf("%s holds %s", where, secret)
				}
			}
		}
	}
	for _, r := range []result{first, again, verified} {
		look("stdout", []byte(r.stdout))
		look("stderr", []byte(r.stderr))
	}
	for _, folder := range []string{data, out} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			stored = stored || bytes.Contains(text, []byte("application/vnd.dsse.envelope.v1+json"))
			look(path, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !stored {
		t.Error("the registry stores no attestation: the test looked in the wrong place")
	}
}
