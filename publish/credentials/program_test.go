package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/docker/docker-credential-helpers/credentials"
)

// TestMain lets this program be a credential helper, when it is called like one.
func TestMain(m *testing.M) {
	if !strings.HasPrefix(filepath.Base(os.Args[0]), "docker-credential-") {
		os.Exit(m.Run())
	}
	// The tests must never run here: they would start this helper again.
	action := strings.Join(os.Args[1:], " ")
	err := credentials.HandleCommand(vault{os.Getenv("NANOBUILD_TEST_VAULT")}, action, os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// vault is a helper that keeps credentials in a file.
type vault struct{ file string }

func (v vault) read() (map[string]*credentials.Credentials, error) {
	all := map[string]*credentials.Credentials{}
	text, err := os.ReadFile(v.file)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	return all, errors.Join(err, json.Unmarshal(text, &all))
}

func (v vault) write(all map[string]*credentials.Credentials) error {
	text, err := json.Marshal(all)
	return errors.Join(err, os.WriteFile(v.file, text, 0o600))
}

func (v vault) Add(c *credentials.Credentials) error {
	all, err := v.read()
	all[c.ServerURL] = c
	return errors.Join(err, v.write(all))
}

func (v vault) Delete(server string) error {
	all, err := v.read()
	delete(all, server)
	return errors.Join(err, v.write(all))
}

func (v vault) Get(server string) (string, string, error) {
	all, err := v.read()
	if c := all[server]; c != nil {
		return c.Username, c.Secret, err
	}
	return "", "", credentials.NewErrCredentialsNotFound()
}

func (v vault) List() (map[string]string, error) { return map[string]string{}, nil }

// TestRealHelper runs a helper program from PATH, which speaks the protocol by
// Docker's own code.
func TestRealHelper(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, home := t.TempDir(), t.TempDir()
	program := filepath.Join(bin, "docker-credential-vault")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("NANOBUILD_TEST_VAULT", filepath.Join(home, "vault.json"))
	s := Store{File: filepath.Join(home, ".docker", "config.json"), Home: home}
	writeFile(t, s.File, `{"credsStore": "vault"}`)
	find := func() string { return configFor(t, New(Options{Home: home}).For("r.io"), "r.io").Password }
	if got := find(); got != "" {
		t.Errorf("found %q before the login", got)
	}
	if where := save(t, s, "r.io", "me", "s3cret"); where.Program != "docker-credential-vault" {
		t.Errorf("stored %s", where)
	}
	if got := find(); got != "s3cret" {
		t.Errorf("found %q", got)
	}
	if _, err := s.Remove(t.Context(), "r.io"); err != nil {
		t.Error(err)
	}
	if got := find(); got != "" {
		t.Errorf("found %q after the logout", got)
	}
}
