package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"
)

// fakeHelpers plays the helper programs of a machine.
type fakeHelpers struct {
	has    map[string][2]string // user and secret by "program server"
	broken map[string]string    // output by program, before it ends with 1
	gate   chan struct{}        // a program ends when this is closed; may be nil

	mu    sync.Mutex
	calls map[string]int // by "program action server"
}

func (f *fakeHelpers) program(name string) client.ProgramFunc {
	return func(args ...string) client.Program { return &fakeHelper{all: f, name: name, action: args[0]} }
}

type fakeHelper struct {
	all          *fakeHelpers
	name, action string
	input        string
}

func (f *fakeHelper) Input(in io.Reader) {
	text, _ := io.ReadAll(in)
	f.input = string(text)
}

func (f *fakeHelper) Output() ([]byte, error) {
	if f.all.gate != nil {
		<-f.all.gate
	}
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	given := credentials.Credentials{ServerURL: f.input}
	if f.action == credentials.ActionStore {
		if err := json.Unmarshal([]byte(f.input), &given); err != nil {
			return nil, err
		}
	}
	if f.all.calls == nil {
		f.all.calls = map[string]int{}
	}
	f.all.calls[f.name+" "+f.action+" "+given.ServerURL]++
	if out, broken := f.all.broken[f.name]; broken {
		return []byte(out), errors.New("exit status 1")
	}
	return f.act(f.name+" "+given.ServerURL, given)
}

func (f *fakeHelper) act(key string, given credentials.Credentials) ([]byte, error) {
	switch f.action {
	case credentials.ActionStore:
		if f.all.has == nil {
			f.all.has = map[string][2]string{}
		}
		f.all.has[key] = [2]string{given.Username, given.Secret}
		return nil, nil
	case credentials.ActionErase:
		delete(f.all.has, key)
		return nil, nil
	}
	found, ok := f.all.has[key]
	if !ok {
		return []byte("credentials not found in native keychain\n"), errors.New("exit status 1")
	}
	return json.Marshal(credentials.Credentials{ServerURL: given.ServerURL, Username: found[0], Secret: found[1]})
}

func helperVariable(text string) []string { return []string{"DOCKER_AUTH_CONFIG=" + text} }

func TestHelpers(t *testing.T) {
	t.Parallel()
	const (
		all = "docker-credential-all "
		one = "docker-credential-one.2_x "
	)
	both := `{"credsStore": "all", "credHelpers": {"https://r.io/v2/": "one.2_x", "r.io/path": "never", "none.io": ""}, "auths": {"none.io": {"auth": "YTpi"}, "r.io": {}}}`
	for what, c := range map[string]struct {
		config string
		host   string
		has    map[string][2]string
		want   authn.AuthConfig
		source string
	}{
		"store":           {both, "q.io", map[string][2]string{all + "q.io": {"me", "pass"}}, authn.AuthConfig{Username: "me", Password: "pass"}, "docker-credential-all, named by credsStore in DOCKER_AUTH_CONFIG"},
		"of the host":     {both, "r.io", map[string][2]string{all + "r.io": {"no", "no"}, one + "r.io": {"me", "pass"}}, authn.AuthConfig{Username: "me", Password: "pass"}, "docker-credential-one.2_x, named by credHelpers in DOCKER_AUTH_CONFIG"},
		"identity token":  {both, "q.io", map[string][2]string{all + "q.io": {"<token>", "id"}}, authn.AuthConfig{IdentityToken: "id"}, "docker-credential-all, named by credsStore in DOCKER_AUTH_CONFIG"},
		"nothing":         {both, "q.io", nil, authn.AuthConfig{}, ""},
		"empty answer":    {both, "q.io", map[string][2]string{all + "q.io": {"", ""}}, authn.AuthConfig{}, ""},
		"host without":    {both, "none.io", map[string][2]string{all + "none.io": {"no", "no"}}, authn.AuthConfig{Username: "a", Password: "b"}, `auths["none.io"] in DOCKER_AUTH_CONFIG`},
		"Docker Hub":      {both, "docker.io", map[string][2]string{all + "https://index.docker.io/v1/": {"me", "pass"}}, authn.AuthConfig{Username: "me", Password: "pass"}, "docker-credential-all, named by credsStore in DOCKER_AUTH_CONFIG"},
		"entry if it has": {`{"credsStore": "all", "auths": {"q.io": {"auth": "YTpi"}}}`, "q.io", nil, authn.AuthConfig{Username: "a", Password: "b"}, `auths["q.io"] in DOCKER_AUTH_CONFIG`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := &fakeHelpers{has: c.has}
			k := New(Options{Environ: helperVariable(c.config), Program: h.program}).For(c.host)
			got := *configFor(t, k, c.host)
			if got.Auth = ""; got != c.want {
				t.Errorf("found %+v, want %+v", got, c.want)
			}
			if source := k.Source(t.Context(), registryOf(t, c.host)); source != c.source {
				t.Errorf("source = %q, want %q", source, c.source)
			}
		})
	}
}

func TestHelperNames(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"desktop": true, "ecr-login": true, "osx_keychain.v2": true, "desktop.exe": true, "7zip": true,
		"../evil": false, "a/b": false, `a\b`: false, "-x": false, ".x": false, "..": false, "a b": false, "a;b": false,
		"a\nb": false, "x\n": false, "ü": false, "$(x)": false, "C:x": false,
	} {
		h := &fakeHelpers{has: map[string][2]string{programName(name) + " r.io": {"me", "pass"}}}
		for key, config := range map[string]string{
			"credsStore":  fmt.Sprintf(`{"credsStore": %q}`, name),
			"credHelpers": fmt.Sprintf(`{"credHelpers": {"r.io": %q}}`, name),
		} {
			_, err := New(Options{Environ: helperVariable(config), Program: h.program}).For("r.io").Resolve(registryOf(t, "r.io"))
			switch {
			case good && err != nil:
				t.Errorf("%s %q: %v", key, name, err)
			case !good && (err == nil || !strings.Contains(err.Error(), key+" in DOCKER_AUTH_CONFIG")):
				t.Errorf("%s %q: %v, want an error that names the key and the file", key, name, err)
			}
		}
		if !good && len(h.calls) > 0 {
			t.Errorf("%q: started %v", name, h.calls)
		}
	}
}

func TestBrokenHelpers(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		out  string
		says string
	}{
		"message":           {"the vault is locked\n", "exit status 1: the vault is locked"},
		"silent":            {"", "exit status 1"},
		"answer and status": {`{"Username": "me", "Secret": "s3cret"}`, "exit status 1"},
		"long":              {strings.Repeat("locked ", 1000), "…"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			writeFile(t, filepath.Join(home, ".docker", "config.json"), `{"credsStore": "bad"}`)
			h := &fakeHelpers{broken: map[string]string{"docker-credential-bad": c.out}}
			var warnings []string
			k := New(Options{Home: home, Program: h.program, Warn: func(m string) { warnings = append(warnings, m) }, Environ: []string{"GITHUB_TOKEN=t0ken"}}).For("target.io")
			_, err := k.Resolve(registryOf(t, "target.io"))
			broken := new(Error)
			if !errors.As(err, &broken) || broken.Host != "target.io" {
				t.Fatalf("target: %v, want an Error", err)
			}
			if got := configFor(t, k, "ghcr.io").Username; got != "github" {
				t.Errorf("a host that is read: user %q, want that of the next source", got)
			}
			if len(warnings) != 1 {
				t.Fatalf("warnings = %q", warnings)
			}
			for _, text := range []string{err.Error(), warnings[0]} {
				for _, word := range []string{"docker-credential-bad, named by credsStore in ~", "config.json", c.says} {
					if !strings.Contains(text, word) {
						t.Errorf("%q does not say %q", text, word)
					}
				}
				if strings.Contains(text, "s3cret") || len(text) > 600 {
					t.Errorf("too much is said: %q", text)
				}
			}
		})
	}
}

// TestMissingHelper: a config that was copied from another machine.
func TestMissingHelper(t *testing.T) {
	t.Parallel()
	k := New(Options{Environ: helperVariable(`{"credsStore": "nanobuild-does-not-exist"}`)}).For("r.io")
	_, err := k.Resolve(registryOf(t, "r.io"))
	if err == nil || !strings.Contains(err.Error(), "docker-credential-nanobuild-does-not-exist, named by credsStore in DOCKER_AUTH_CONFIG") {
		t.Errorf("error = %v", err)
	}
}

// TestHelpersAreAskedOnce: many ask at the same time, for targets and bases.
func TestHelpersAreAskedOnce(t *testing.T) {
	t.Parallel()
	h := &fakeHelpers{gate: make(chan struct{}), has: map[string][2]string{"docker-credential-all r.io": {"me", "pass"}}}
	k := New(Options{Environ: helperVariable(`{"credsStore": "all"}`), Program: h.program})
	var done sync.WaitGroup
	for i := range 20 {
		host := []string{"r.io", "nothing.io"}[i%2]
		registry := registryOf(t, host)
		done.Go(func() {
			if _, err := k.For(host).Resolve(registry); err != nil {
				t.Error(err)
			}
		})
	}
	close(h.gate)
	done.Wait()
	for _, call := range []string{"docker-credential-all get r.io", "docker-credential-all get nothing.io"} {
		if n := h.calls[call]; n != 1 {
			t.Errorf("%s: %d times", call, n)
		}
	}
}

// TestHelperThatWaits: its asker can be interrupted, and another one gets the answer.
func TestHelperThatWaits(t *testing.T) {
	t.Parallel()
	h := &fakeHelpers{gate: make(chan struct{}), has: map[string][2]string{"docker-credential-all r.io": {"me", "pass"}}}
	k := New(Options{Environ: helperVariable(`{"credsStore": "all"}`), Program: h.program}).For("r.io")
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := k.ResolveContext(ctx, registryOf(t, "r.io")); !errors.Is(err, stopped) {
		t.Errorf("error = %v, want that of the context", err)
	}
	close(h.gate)
	if got := configFor(t, k, "r.io").Username; got != "me" {
		t.Errorf("user = %q", got)
	}
}
