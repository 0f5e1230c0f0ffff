package credentials

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func pair(prefix, user string) []string {
	return []string{prefix + "_UNAME=" + user, prefix + "_PWORD=secret of " + user}
}

// authText is an entry of auths.
func authText(user, password string) string {
	return fmt.Sprintf(`{"auth": %q}`, basicText(user, password))
}

// dockerVariable is DOCKER_AUTH_CONFIG with entries of user "docker" for hosts.
func dockerVariable(hosts ...string) []string {
	var entries []string
	for _, h := range hosts {
		entries = append(entries, fmt.Sprintf("%q: %s", h, authText("docker", "of docker")))
	}
	return []string{"DOCKER_AUTH_CONFIG={\"auths\": {" + strings.Join(entries, ",") + "}}"}
}

func TestKeychainOrder(t *testing.T) {
	t.Parallel()
	push, pull := pair("DOTNET_CONTAINER_PUSH_REGISTRY", "push"), pair("DOTNET_CONTAINER_PULL_REGISTRY", "pull")
	dotnet, sdk := pair("DOTNET_CONTAINER_REGISTRY", "dotnet"), pair("SDK_CONTAINER_REGISTRY", "sdk")
	all := slices.Concat(push, pull, dotnet, sdk)
	github := []string{"GITHUB_TOKEN=t0ken", "GITHUB_ACTOR=octocat"}
	for what, c := range map[string]struct {
		environ []string
		host    string
		want    string // user, "" for anonymous
		source  string
	}{
		"push first":                    {slices.Concat(all, dockerVariable("target.io")), "target.io", "push", "DOTNET_CONTAINER_PUSH_REGISTRY_UNAME"},
		"then dotnet":                   {slices.Concat(pull, dotnet, sdk), "target.io", "dotnet", "DOTNET_CONTAINER_REGISTRY_UNAME"},
		"then sdk":                      {slices.Concat(pull, sdk), "target.io", "sdk", "SDK_CONTAINER_REGISTRY_UNAME"},
		"half a pair is none":           {slices.Concat([]string{"SDK_CONTAINER_REGISTRY_UNAME=x"}, dockerVariable("target.io")), "target.io", "docker", `auths["target.io"] in DOCKER_AUTH_CONFIG`},
		"pull not for the target":       {pull, "target.io", "", ""},
		"docker for the target":         {dockerVariable("target.io"), "target.io", "docker", `auths["target.io"] in DOCKER_AUTH_CONFIG`},
		"pull for the base":             {slices.Concat(all, dockerVariable("base.io")), "base.io", "pull", "DOTNET_CONTAINER_PULL_REGISTRY_UNAME"},
		"push never for the base":       {slices.Concat(push, dotnet, sdk), "base.io", "", ""},
		"docker for the base":           {slices.Concat(push, dockerVariable("base.io")), "base.io", "docker", `auths["base.io"] in DOCKER_AUTH_CONFIG`},
		"never for MCR":                 {all, "mcr.microsoft.com", "", ""},
		"nor its data hosts":            {all, "eastus.data.mcr.microsoft.com", "", ""},
		"not even with a port":          {all, "mcr.microsoft.com:443", "", ""},
		"target by another spelling":    {push, "index.docker.io", "push", "DOTNET_CONTAINER_PUSH_REGISTRY_UNAME"},
		"port is part of the host":      {push, "target.io:5000", "", ""},
		"github last":                   {github, "ghcr.io", "octocat", "GITHUB_TOKEN"},
		"github without actor":          {github[:1], "ghcr.io", "github", "GITHUB_TOKEN"},
		"docker before github":          {slices.Concat(github, dockerVariable("ghcr.io")), "ghcr.io", "docker", `auths["ghcr.io"] in DOCKER_AUTH_CONFIG`},
		"github for ghcr.io only":       {github, "target.io", "", ""},
		"github not for a similar host": {github, "ghcr.io.example.com", "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			k := New(Options{Environ: c.environ}).For("Target.io:443", "docker.io")
			if got := configFor(t, k, c.host).Username; got != c.want {
				t.Errorf("user for %s = %q, want %q", c.host, got, c.want)
			}
			if got := k.Source(t.Context(), registryOf(t, c.host)); got != c.source {
				t.Errorf("source = %q, want %q", got, c.source)
			}
		})
	}
}

func TestKeychainTargetMCR(t *testing.T) {
	t.Parallel()
	k := New(Options{Environ: pair("SDK_CONTAINER_REGISTRY", "sdk")}).For("mcr.microsoft.com")
	if got := configFor(t, k, "mcr.microsoft.com").Username; got != "" {
		t.Errorf("MCR would see the credentials of %q, though it is the target", got)
	}
}

func TestKeychainOfNothing(t *testing.T) {
	t.Parallel()
	var none *Keychain
	for what, k := range map[string]*Keychain{"nil": none, "nil for a target": none.For("target.io"), "zero options": New(Options{})} {
		if auth, err := k.Resolve(registryOf(t, "target.io")); err != nil || auth != authn.Anonymous {
			t.Errorf("%s: %v, %v; want anonymous", what, auth, err)
		}
	}
}

func TestKeychainPrintsNoSecret(t *testing.T) {
	t.Parallel()
	k := New(Options{Environ: pair("SDK_CONTAINER_REGISTRY", "bob")}).For("target.io")
	if s := fmt.Sprintf("%v %+v %s %#v", k, k, k, k); strings.Contains(s, "secret of bob") {
		t.Errorf("the keychain prints %s", s)
	}
}

func TestSecretsAreTold(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		environ []string
		want    []string
	}{
		"password":       {pair("SDK_CONTAINER_REGISTRY", "bob"), []string{"secret of bob", basicText("bob", "secret of bob")}},
		"identity token": {[]string{"SDK_CONTAINER_REGISTRY_UNAME=<token>", "SDK_CONTAINER_REGISTRY_PWORD=abc"}, []string{"abc"}},
		"config":         {dockerVariable("target.io"), []string{"of docker", basicText("docker", "of docker")}},
		"registry token": {[]string{`DOCKER_AUTH_CONFIG={"auths":{"target.io":{"registrytoken":"r3g"}}}`}, []string{"r3g"}},
		"another host's": {dockerVariable("other.io"), nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			told := map[string]bool{}
			k := New(Options{Environ: c.environ, Secret: func(s string) { told[s] = true }}).For("target.io")
			configFor(t, k, "target.io")
			got := slices.Sorted(maps.Keys(told))
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// TestFilesAreAskedInOrder: the variable, docker's file, then podman's.
func TestFilesAreAskedInOrder(t *testing.T) {
	t.Parallel()
	home, docker, run := t.TempDir(), t.TempDir(), t.TempDir()
	put := func(path, host, user string) {
		writeFile(t, path, fmt.Sprintf(`{"auths": {%q: %s}}`, host, authText(user, "x")))
	}
	put(filepath.Join(home, ".docker", "config.json"), "a.io", "home")
	put(filepath.Join(docker, "config.json"), "a.io", "docker")
	put(filepath.Join(home, ".config", "containers", "auth.json"), "a.io", "podman")
	put(filepath.Join(run, "containers", "auth.json"), "a.io", "runtime")
	put(filepath.Join(run, "explicit.json"), "a.io", "explicit")
	put(filepath.Join(run, "xdg", "containers", "auth.json"), "a.io", "xdg")
	put(filepath.Join(run, "other", "config.json"), "other.io", "other")
	for what, c := range map[string]struct {
		environ []string
		home    string
		want    string
	}{
		"home":                        {nil, home, "home"},
		"DOCKER_CONFIG before home":   {[]string{"DOCKER_CONFIG=" + docker}, home, "docker"},
		"the variable before both":    {slices.Concat([]string{"DOCKER_CONFIG=" + docker}, dockerVariable("a.io")), home, "docker"},
		"the variable names others":   {dockerVariable("b.io"), home, "home"},
		"podman when docker is empty": {[]string{"DOCKER_CONFIG=" + run}, home, "podman"},
		"podman for docker's others":  {[]string{"DOCKER_CONFIG=" + filepath.Join(run, "other")}, home, "podman"},
		"runtime folder":              {[]string{"DOCKER_CONFIG=" + run, "XDG_RUNTIME_DIR=" + run}, home, "runtime"},
		"runtime folder without":      {[]string{"DOCKER_CONFIG=" + run, "XDG_RUNTIME_DIR=" + docker}, home, "podman"},
		"config folder":               {[]string{"XDG_CONFIG_HOME=" + filepath.Join(run, "xdg")}, "", "xdg"},
		"named file":                  {[]string{"REGISTRY_AUTH_FILE=" + filepath.Join(run, "explicit.json"), "XDG_RUNTIME_DIR=" + run}, "", "explicit"},
		"named file, docker first":    {[]string{"REGISTRY_AUTH_FILE=" + filepath.Join(run, "explicit.json")}, home, "home"},
		"named file that is missing":  {[]string{"REGISTRY_AUTH_FILE=" + filepath.Join(run, "nowhere"), "XDG_RUNTIME_DIR=" + run}, "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if got := configFor(t, New(Options{Environ: c.environ, Home: c.home}), "a.io").Username; got != c.want {
				t.Errorf("user = %q, want %q", got, c.want)
			}
		})
	}
	source := New(Options{Home: home}).Source(t.Context(), registryOf(t, "a.io"))
	if want := `auths["a.io"] in ` + filepath.Join("~", ".docker", "config.json"); source != want {
		t.Errorf("source = %q, want %q", source, want)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	file := filepath.Join("~", ".docker", "config.json")
	for what, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		says    string
	}{
		"broken":    {func(t *testing.T, p string) { writeFile(t, p, "{\n\"auths\": {\n  pass\n}}") }, "is no JSON of a config file, see line 3"},
		"list":      {func(t *testing.T, p string) { writeFile(t, p, "[]") }, "is no JSON"},
		"kind":      {func(t *testing.T, p string) { writeFile(t, p, `{"credsStore": 5}`) }, "is no JSON"},
		"folder":    {func(t *testing.T, p string) { mkdir(t, p) }, "is a folder"},
		"too large": {func(t *testing.T, p string) { writeFile(t, p, "{"+strings.Repeat(" ", maxConfig)+"}") }, "1024 KiB"},
		"entry": {func(t *testing.T, p string) {
			writeFile(t, p, `{"auths": {"target.io": "s3cret", "base.io": "s3cret"}}`)
		}, "no entry"},
		"no base64": {func(t *testing.T, p string) {
			writeFile(t, p, `{"auths": {"target.io": {"auth": "s3cret!"}, "base.io": {"auth": "s3cret!"}}}`)
		}, "base64"},
		"no pair": {func(t *testing.T, p string) {
			writeFile(t, p, `{"auths": {"target.io": {"auth": "czNjcmV0"}, "base.io": {"auth": "czNjcmV0"}}}`)
		}, "user:password"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(home, what)
			c.prepare(t, filepath.Join(home, ".docker", "config.json"))
			var warnings []string
			k := New(Options{Home: home, Warn: func(m string) { warnings = append(warnings, m) }}).For("target.io")
			_, err := k.Resolve(registryOf(t, "target.io"))
			if broken := new(Error); !errors.As(err, &broken) {
				t.Fatalf("target: %v, want an Error", err)
			}
			for range 2 { // told once
				if got := configFor(t, k, "base.io"); *got != (authn.AuthConfig{}) {
					t.Errorf("base: %+v", got)
				}
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], "base.io") {
				t.Fatalf("warnings = %q", warnings)
			}
			for _, text := range []string{err.Error(), warnings[0]} {
				if !strings.Contains(text, file) || !strings.Contains(text, c.says) || strings.Contains(text, "s3cret") {
					t.Errorf("%q: want %q and %q in it, and no secret", text, file, c.says)
				}
			}
		})
	}
}

// TestBrokenEntryOfAnotherHost: one bad entry takes nothing from the others.
func TestBrokenEntryOfAnotherHost(t *testing.T) {
	t.Parallel()
	text := `DOCKER_AUTH_CONFIG={"auths": {"bad.io": {"auth": "!"}, "worse.io": 7, "good.io": ` + authText("me", "x") + `}}`
	if got := configFor(t, New(Options{Environ: []string{text}}).For("good.io"), "good.io").Username; got != "me" {
		t.Errorf("user = %q", got)
	}
}

func registryOf(t *testing.T, host string) name.Registry {
	t.Helper()
	r, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func configFor(t *testing.T, k authn.Keychain, host string) *authn.AuthConfig {
	t.Helper()
	return configOf(t, k, registryOf(t, host))
}

func configOf(t *testing.T, k authn.Keychain, r authn.Resource) *authn.AuthConfig {
	t.Helper()
	auth, err := k.Resolve(r)
	if err != nil {
		t.Fatal(err)
	}
	config, err := auth.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}
