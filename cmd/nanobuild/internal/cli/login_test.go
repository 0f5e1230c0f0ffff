package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const loginPassword = "s3cret-of-the-test"

// basicRegistry knows the user me with loginPassword.
func basicRegistry(t *testing.T) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); user != "me" || password != loginPassword {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// console is a machine whose user types.
type console struct {
	home      string
	stdin     string
	secret    string // what is typed without being shown
	noSecrets bool   // stdin is no terminal
	environ   []string
}

func (c console) run(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := Process{
		Stdin: strings.NewReader(c.stdin), Stdout: &stdout, Stderr: &stderr, Environ: c.environ,
		WorkDir: t.TempDir(), TempRoot: t.TempDir(), Home: c.home,
		Now: time.Now, Transport: http.DefaultTransport.(*http.Transport), Version: "test",
	}
	if !c.noSecrets {
		p.AskSecret = func(context.Context) (string, error) { return c.secret, nil }
	}
	code := Run(t.Context(), p, args)
	return result{code, stdout.String(), stderr.String()}
}

// stored is docker's config file in a home folder; "" if there is none.
func stored(t *testing.T, home string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, ".docker", "config.json"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	host := basicRegistry(t)
	file := filepath.Join("~", ".docker", "config.json")
	for what, c := range map[string]struct {
		console console
		args    []string
		stderr  string
	}{
		"terminal":          {console{secret: loginPassword}, []string{host, "-u", "me"}, "Password: \nlogged in to " + host + " as me; stored in " + file + "\n"},
		"terminal, no user": {console{stdin: "me\r\nmore", secret: loginPassword}, []string{host}, "Username: Password: \nlogged in to " + host + " as me; stored in " + file + "\n"},
		"stdin":             {console{noSecrets: true, stdin: loginPassword + "\n"}, []string{host, "-u", "me", "--password-stdin"}, "logged in to " + host + " as me; stored in " + file + "\n"},
		"PowerShell":        {console{stdin: "\xef\xbb\xbf" + loginPassword + "\r\n"}, []string{host, "--username=me", "--password-stdin"}, "logged in to " + host + " as me; stored in " + file + "\n"},
		"address":           {console{secret: loginPassword}, []string{"http://" + host + "/v2/", "-u", "me"}, "Password: \nlogged in to " + host + " as me; stored in " + file + "\n"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c.console.home = t.TempDir()
			got := c.console.run(t, append([]string{"login"}, c.args...)...)
			if got.code != exitOK || got.stdout != "" || got.stderr != c.stderr {
				t.Errorf("%+v, want stderr %q and nothing else", got, c.stderr)
			}
			if text := stored(t, c.console.home); !strings.Contains(text, `"`+host+`"`) || strings.Contains(text, loginPassword) {
				t.Errorf("the file holds %s", text)
			}
		})
	}
}

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	host := basicRegistry(t)
	for what, c := range map[string]struct {
		console console
		args    []string
		code    int
		says    string
	}{
		"wrong password":     {console{stdin: "wr0ng"}, []string{host, "-u", "me", "--password-stdin"}, exitPush, "log in to " + host + ": 401 Unauthorized"},
		"no registry there":  {console{stdin: "wr0ng"}, []string{"127.0.0.1:1", "-u", "me", "--password-stdin"}, exitPush, "127.0.0.1:1"},
		"two ends of a line": {console{stdin: loginPassword + "\n\n"}, []string{host, "-u", "me", "--password-stdin"}, exitPush, "401"},
		"no user":            {console{stdin: "wr0ng"}, []string{host, "--password-stdin"}, exitUsage, "-u USER"},
		"empty password":     {console{stdin: "\n"}, []string{host, "-u", "me", "--password-stdin"}, exitUsage, "password is empty"},
		"endless password":   {console{stdin: strings.Repeat("wr0ng", maxPassword)}, []string{host, "-u", "me", "--password-stdin"}, exitUsage, "256 KiB"},
		"colon":              {console{secret: "wr0ng"}, []string{host, "-u", "me:x"}, exitUsage, "colon"},
		"empty user":         {console{stdin: "\n", secret: "wr0ng"}, []string{host}, exitUsage, "user name is empty"},
		"no answer":          {console{secret: "wr0ng"}, []string{host}, exitOther, "stdin is at its end"},
		"no terminal":        {console{noSecrets: true, stdin: "wr0ng"}, []string{host, "-u", "me"}, exitUsage, "--password-stdin"},
		"no registry":        {console{secret: "wr0ng"}, []string{"-u", "me"}, exitUsage, "accepts 1 arg"},
		"repository":         {console{secret: "wr0ng"}, []string{"ghcr.io/me/app", "-u", "me"}, exitUsage, "log in to its registry, ghcr.io"},
		"no host":            {console{secret: "wr0ng"}, []string{"https://", "-u", "me"}, exitUsage, "names no registry"},
		"broken host":        {console{secret: "wr0ng"}, []string{"a b", "-u", "me"}, exitUsage, "names no registry"},
		"password as a flag": {console{}, []string{host, "-u", "me", "--password", "wr0ng"}, exitUsage, "unknown flag: --password"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c.console.home = t.TempDir()
			got := c.console.run(t, append([]string{"login"}, c.args...)...)
			if got.code != c.code || got.stdout != "" || !strings.Contains(got.stderr, c.says) {
				t.Errorf("%+v, want code %d and %q", got, c.code, c.says)
			}
			if strings.Contains(got.stderr, "wr0ng") {
				t.Errorf("the password is shown: %s", got.stderr)
			}
			if text := stored(t, c.console.home); text != "" {
				t.Errorf("stored %s", text)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	host := basicRegistry(t)
	c := console{home: t.TempDir(), secret: loginPassword}
	if got := c.run(t, "logout", host); got.code != exitOK || got.stdout != "" || got.stderr != "not logged in to "+host+": nothing is stored for it\n" {
		t.Errorf("before: %+v", got)
	}
	if got := c.run(t, "login", host, "-u", "me"); got.code != exitOK {
		t.Fatalf("login: %+v", got)
	}
	c.environ = []string{"REGISTRY_AUTH_FILE=" + filepath.Join(c.home, "podman.json")}
	text := `{"auths": {"` + host + `": {"auth": "bWU6cGFzcw=="}}}`
	if err := os.WriteFile(filepath.Join(c.home, "podman.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := c.run(t, "logout", host)
	want := "warning: " + host + ` still has credentials: auths["` + host + `"] in ` + filepath.Join("~", "podman.json") +
		"\nlogged out of " + host + "; the credentials were stored in " + filepath.Join("~", ".docker", "config.json") + "\n"
	if got.code != exitOK || got.stdout != "" || got.stderr != want {
		t.Errorf("%+v, want %q", got, want)
	}
	if text := stored(t, c.home); strings.Contains(text, host) {
		t.Errorf("still stored: %s", text)
	}
}

// TestLoginInterrupted: reads of a terminal know no context.
func TestLoginInterrupted(t *testing.T) {
	t.Parallel()
	stdin, typing := io.Pipe()
	defer typing.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGINT})
	var stderr bytes.Buffer
	code := Run(ctx, Process{
		Stdin: stdin, Stdout: io.Discard, Stderr: &stderr, WorkDir: t.TempDir(), TempRoot: t.TempDir(), Home: t.TempDir(),
		Now: time.Now, Transport: http.DefaultTransport.(*http.Transport), Version: "test",
	}, []string{"login", "r.io", "-u", "me", "--password-stdin"})
	if code != exitInterrupted {
		t.Errorf("code %d: %s", code, stderr.String())
	}
}

func TestCleanPassword(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a": "a", "a\n": "a", "a\r\n": "a", "a\r": "a", "a\n\n": "a\n", "a\n\r": "a\n", " a ": " a ", "": "",
		"\xef\xbb\xbfa\r\n": "a", "\xef\xbb\xbf\xef\xbb\xbfa": "\xef\xbb\xbfa", "a\nb": "a\nb", "\n": "",
	} {
		if got := cleanPassword([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	r := strings.NewReader("one\r\n\ntwo")
	for _, want := range []string{"one", "", "two"} {
		if got, err := readLine(r); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if got, err := readLine(r); err == nil {
		t.Errorf("%q behind the end", got)
	}
	broken := errors.New("broken")
	if _, err := readLine(io.MultiReader(strings.NewReader("a"), brokenReader{broken})); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }
