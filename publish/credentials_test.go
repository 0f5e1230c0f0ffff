package publish

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// dockerConfig plays Docker's config with entries for some hosts.
type dockerConfig map[string]string

func (d dockerConfig) Resolve(r authn.Resource) (authn.Authenticator, error) {
	switch user := d[r.RegistryStr()]; user {
	case "":
		return authn.Anonymous, nil
	case "broken":
		return nil, errors.New("docker-credential-desktop: executable file not found")
	default:
		return authn.FromConfig(authn.AuthConfig{Username: user, Password: "of docker"}), nil
	}
}

func pair(prefix, user string) []string {
	return []string{prefix + "_UNAME=" + user, prefix + "_PWORD=secret of " + user}
}

func TestKeychainOrder(t *testing.T) {
	t.Parallel()
	push, pull := pair("DOTNET_CONTAINER_PUSH_REGISTRY", "push"), pair("DOTNET_CONTAINER_PULL_REGISTRY", "pull")
	dotnet, sdk := pair("DOTNET_CONTAINER_REGISTRY", "dotnet"), pair("SDK_CONTAINER_REGISTRY", "sdk")
	all := append(append(append(append([]string{}, push...), pull...), dotnet...), sdk...)
	github := []string{"GITHUB_TOKEN=t0ken", "GITHUB_ACTOR=octocat"}
	for what, c := range map[string]struct {
		environ []string
		docker  dockerConfig
		host    string
		want    string // user, "" for anonymous
	}{
		"push first":                    {all, dockerConfig{"target.io": "docker"}, "target.io", "push"},
		"then dotnet":                   {append(append(pull, dotnet...), sdk...), nil, "target.io", "dotnet"},
		"then sdk":                      {append(pull, sdk...), nil, "target.io", "sdk"},
		"half a pair is none":           {[]string{"SDK_CONTAINER_REGISTRY_UNAME=x"}, dockerConfig{"target.io": "docker"}, "target.io", "docker"},
		"pull not for the target":       {pull, nil, "target.io", ""},
		"docker for the target":         {nil, dockerConfig{"target.io": "docker"}, "target.io", "docker"},
		"pull for the base":             {all, dockerConfig{"base.io": "docker"}, "base.io", "pull"},
		"push never for the base":       {append(append(push, dotnet...), sdk...), nil, "base.io", ""},
		"docker for the base":           {push, dockerConfig{"base.io": "docker"}, "base.io", "docker"},
		"never for MCR":                 {all, nil, "mcr.microsoft.com", ""},
		"nor its data hosts":            {all, nil, "eastus.data.mcr.microsoft.com", ""},
		"not even with a port":          {all, nil, "mcr.microsoft.com:443", ""},
		"target by another spelling":    {push, nil, "index.docker.io", "push"},
		"port is part of the host":      {push, nil, "target.io:5000", ""},
		"github last":                   {github, nil, "ghcr.io", "octocat"},
		"github without actor":          {github[:1], nil, "ghcr.io", "github"},
		"docker before github":          {github, dockerConfig{"ghcr.io": "docker"}, "ghcr.io", "docker"},
		"github for ghcr.io only":       {github, nil, "target.io", ""},
		"github not for a similar host": {github, nil, "ghcr.io.example.com", ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			docker := c.docker
			if docker == nil {
				docker = dockerConfig{}
			}
			k := NewKeychain(CredentialOptions{Environ: c.environ, Docker: docker, Targets: []string{"Target.io:443", "docker.io"}})
			if got := userFor(t, k, c.host); got != c.want {
				t.Errorf("user for %s = %q, want %q", c.host, got, c.want)
			}
		})
	}
}

func TestKeychainTargetMCR(t *testing.T) {
	t.Parallel()
	k := NewKeychain(CredentialOptions{Environ: pair("SDK_CONTAINER_REGISTRY", "sdk"), Targets: []string{"mcr.microsoft.com"}})
	if got := userFor(t, k, "mcr.microsoft.com"); got != "" {
		t.Errorf("MCR would see the credentials of %q, though it is the target", got)
	}
}

func TestKeychainIdentityToken(t *testing.T) {
	t.Parallel()
	k := NewKeychain(CredentialOptions{Environ: []string{"SDK_CONTAINER_REGISTRY_UNAME=<token>", "SDK_CONTAINER_REGISTRY_PWORD=abc"}, Targets: []string{"target.io"}})
	if got := configFor(t, k, "target.io"); got.IdentityToken != "abc" || got.Username != "" || got.Password != "" {
		t.Errorf("config = %+v", got)
	}
}

func TestKeychainBrokenHelper(t *testing.T) {
	t.Parallel()
	var warnings []string
	k := NewKeychain(CredentialOptions{
		Docker:  dockerConfig{"target.io": "broken", "base.io": "broken"},
		Targets: []string{"target.io"},
		Warn:    func(m string) { warnings = append(warnings, m) },
	})
	_, err := k.Resolve(registryOf(t, "target.io"))
	var broken *CredentialsError
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "docker-credential-desktop") {
		t.Errorf("target: %v, want a CredentialsError", err)
	}
	if got := userFor(t, k, "base.io"); got != "" || len(warnings) != 1 || !strings.Contains(warnings[0], "base.io") {
		t.Errorf("base: user %q, warnings %q", got, warnings)
	}
}

// The error of a push with a broken helper reaches the user through the sink.
func TestRegistryBrokenHelper(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	k := NewKeychain(CredentialOptions{Docker: dockerConfig{host: "broken"}, Targets: []string{host}})
	s := newTestRegistry(t, host+"/app", RegistryOptions{Keychain: k})
	for doing, err := range map[string]error{
		"check": s.Check(t.Context()), "push": second(s.PutLayer(t.Context(), testLayer(t, 1, 10))),
	} {
		var broken *CredentialsError
		if !errors.As(err, &broken) {
			t.Errorf("%s = %v, want a CredentialsError", doing, err)
		}
	}
}

func TestKeychainPrintsNoSecret(t *testing.T) {
	t.Parallel()
	k := NewKeychain(CredentialOptions{Environ: pair("SDK_CONTAINER_REGISTRY", "bob"), Targets: []string{"target.io"}})
	if s := fmt.Sprintf("%v %+v %s %#v", k, k, k, k); strings.Contains(s, "secret of bob") {
		t.Errorf("the keychain prints %s", s)
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
	auth, err := k.Resolve(registryOf(t, host))
	if err != nil {
		t.Fatal(err)
	}
	config, err := auth.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func userFor(t *testing.T, k authn.Keychain, host string) string {
	t.Helper()
	return configFor(t, k, host).Username
}
