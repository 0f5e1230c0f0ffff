package publish

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// CredentialOptions say where credentials may come from.
type CredentialOptions struct {
	// Environ is the environment, as of os.Environ.
	Environ []string
	// Docker reads Docker's (or Podman's) config and its helpers; may be nil.
	Docker authn.Keychain
	// Targets are the hosts that we push to, ports included.
	Targets []string
	// Warn is told when the credentials of a host we only read from cannot be
	// read, in which case it is asked without any; may be nil.
	Warn func(message string)
}

// CredentialsError says that the configured source of credentials failed.
type CredentialsError struct {
	Host string
	Err  error
}

func (e *CredentialsError) Error() string {
	return fmt.Sprintf("read the credentials of %s: %v; look at credsStore and credHelpers in the Docker config file (DOCKER_CONFIG, else ~/.docker/config.json), or set DOTNET_CONTAINER_PUSH_REGISTRY_UNAME and DOTNET_CONTAINER_PUSH_REGISTRY_PWORD", e.Host, e.Err)
}

func (e *CredentialsError) Unwrap() error { return e.Err }

// NewKeychain returns a keychain that asks, in this order, the variables of the
// .NET SDK, Docker's config with its helpers, and for ghcr.io GITHUB_TOKEN.
//
// The SDK's variables name no host. DOTNET_CONTAINER_PUSH_REGISTRY_*,
// DOTNET_CONTAINER_REGISTRY_* and SDK_CONTAINER_REGISTRY_* (UNAME and PWORD) are
// given to the targets only, DOTNET_CONTAINER_PULL_REGISTRY_* to all other hosts,
// and none of them to Microsoft's public registry.
//
// https://github.com/dotnet/sdk-container-builds/blob/main/docs/RegistryAuthentication.md
func NewKeychain(o CredentialOptions) *Keychain {
	if o.Docker == nil {
		o.Docker = authn.NewMultiKeychain()
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	k := &Keychain{docker: o.Docker, warn: o.Warn, environ: map[string]string{}}
	for _, e := range o.Environ {
		if key, value, ok := strings.Cut(e, "="); ok {
			k.environ[key] = value
		}
	}
	for _, t := range o.Targets {
		k.targets = append(k.targets, canonicalHost(t))
	}
	return k
}

// Keychain finds credentials by host. It is safe for concurrent use.
type Keychain struct {
	environ map[string]string
	docker  authn.Keychain
	targets []string
	warn    func(string)
}

// String keeps the secrets out of logs.
func (k *Keychain) String() string { return "keychain" }

// GoString is String, for %#v.
func (k *Keychain) GoString() string { return k.String() }

var (
	_ authn.Keychain        = (*Keychain)(nil)
	_ authn.ContextKeychain = (*Keychain)(nil)
)

// Resolve implements authn.Keychain.
func (k *Keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), r)
}

// ResolveContext returns the credentials for the host of r, or authn.Anonymous.
// It fails with a *CredentialsError where the configured source for a target
// cannot be read.
func (k *Keychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	host := canonicalHost(r.RegistryStr())
	target := slices.Contains(k.targets, host)
	if auth := k.fromSDK(host, target); auth != nil {
		return auth, nil
	}
	auth, err := authn.Resolve(ctx, k.docker, r)
	if err != nil {
		err := &CredentialsError{Host: host, Err: err}
		if target {
			return nil, err
		}
		k.warn(err.Error() + "; asking without credentials")
		auth = authn.Anonymous
	}
	if auth == authn.Anonymous && host == "ghcr.io" {
		return k.fromGitHub(), nil
	}
	return auth, nil
}

// fromSDK returns the credentials of the first pair of variables that is set and
// meant for the host, or nil.
func (k *Keychain) fromSDK(host string, target bool) authn.Authenticator {
	if microsoft(host) {
		return nil
	}
	pairs := []string{"DOTNET_CONTAINER_PULL_REGISTRY"}
	if target {
		pairs = []string{"DOTNET_CONTAINER_PUSH_REGISTRY", "DOTNET_CONTAINER_REGISTRY", "SDK_CONTAINER_REGISTRY"}
	}
	for _, p := range pairs {
		user, password := k.environ[p+"_UNAME"], k.environ[p+"_PWORD"]
		if user == "" || password == "" {
			continue
		}
		if user == "<token>" { // Docker's mark of an identity token
			return authn.FromConfig(authn.AuthConfig{IdentityToken: password})
		}
		return authn.FromConfig(authn.AuthConfig{Username: user, Password: password})
	}
	return nil
}

func (k *Keychain) fromGitHub() authn.Authenticator {
	token := k.environ["GITHUB_TOKEN"]
	if token == "" {
		return authn.Anonymous
	}
	user := k.environ["GITHUB_ACTOR"]
	if user == "" { // the token decides; the name must only not be empty
		user = "github"
	}
	return authn.FromConfig(authn.AuthConfig{Username: user, Password: token})
}

// microsoft tells whether host is Microsoft's public registry, which needs no
// credentials and must never see ours.
func microsoft(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host == "mcr.microsoft.com" || strings.HasSuffix(host, ".mcr.microsoft.com")
}

// canonicalHost gives the names of one registry one spelling.
func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	switch host {
	case "docker.io", "registry-1.docker.io":
		return name.DefaultRegistry
	}
	return host
}

// credentialsRemedy says where credentials for host can be put.
func credentialsRemedy(host string) string {
	s := "set DOTNET_CONTAINER_PUSH_REGISTRY_UNAME and DOTNET_CONTAINER_PUSH_REGISTRY_PWORD, or log in so that the Docker config file (DOCKER_CONFIG, else ~/.docker/config.json) has an entry for " + host
	if host == "ghcr.io" {
		s += "; in GitHub Actions give the job `permissions: packages: write` and set GITHUB_TOKEN"
	}
	return s
}
