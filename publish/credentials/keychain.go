// Package credentials finds what a registry is logged in to with, and stores it:
// the variables of the .NET SDK, the config files of Docker and Podman with their
// helper programs, and GITHUB_TOKEN.
//
// https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md
// https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
package credentials

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/google/go-containerregistry/pkg/authn"
)

// Options say where credentials may come from. The zero value knows none.
type Options struct {
	// Environ is the environment, as of os.Environ.
	Environ []string
	// Home is the user's home folder; "" where there is none.
	Home string
	// Warn is told, once, when the credentials of a host that is only read from
	// cannot be found out, in which case it is asked without them; may be nil.
	Warn func(message string)
	// Secret is told every secret that is found, so that it can be kept out of
	// what is shown; may be nil.
	Secret func(secret string)
	// Program starts a credential helper, given the name of its program; nil
	// means the one on PATH.
	Program func(name string) client.ProgramFunc
}

// Keychain finds credentials by repository. It is safe for concurrent use; nil
// knows none.
type Keychain struct {
	known   *sources
	targets []string
}

var (
	_ authn.Keychain        = (*Keychain)(nil)
	_ authn.ContextKeychain = (*Keychain)(nil)
)

// New returns a keychain that asks, in this order: the variables of the .NET SDK,
// DOCKER_AUTH_CONFIG, Docker's config file, Podman's, and for ghcr.io GITHUB_TOKEN.
// Nothing is read before the first question, and each file and helper is then
// read once.
//
// DOCKER_AUTH_CONFIG holds the text of a config file. It stands before the file
// as in Docker's own command line, which falls back to the file for the hosts
// that it does not name.
func New(o Options) *Keychain { return &Keychain{known: newSources(o)} }

// For returns the keychain of a run that pushes to the hosts, ports included.
// It shares what was read with k.
//
// The SDK's variables name no host. DOTNET_CONTAINER_PUSH_REGISTRY_*,
// DOTNET_CONTAINER_REGISTRY_* and SDK_CONTAINER_REGISTRY_* (UNAME and PWORD) are
// given to these hosts only, DOTNET_CONTAINER_PULL_REGISTRY_* to all others, and
// none of them to Microsoft's public registry.
//
// https://github.com/dotnet/sdk-container-builds/blob/main/docs/RegistryAuthentication.md
func (k *Keychain) For(targets ...string) *Keychain {
	if k == nil {
		return nil
	}
	found := &Keychain{known: k.known}
	for _, t := range targets {
		found.targets = append(found.targets, CanonicalHost(t))
	}
	return found
}

// String keeps the secrets out of logs.
func (k *Keychain) String() string { return "keychain" }

// GoString is String, for %#v.
func (k *Keychain) GoString() string { return k.String() }

// Resolve implements authn.Keychain.
func (k *Keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), r)
}

// ResolveContext returns the credentials for the repository or registry r, or
// authn.Anonymous. It fails with an *Error where the configured source of a host
// that is pushed to cannot be read, and with the context's error when that ends.
func (k *Keychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	found, err := k.find(ctx, r, true)
	if err != nil || found.source == "" {
		return authn.Anonymous, err
	}
	return authn.FromConfig(found.auth), nil
}

// Source says in words where the credentials for r come from, such as
// "auths in ~/.docker/config.json", or "" where there are none or they cannot be
// read. It never holds a secret.
func (k *Keychain) Source(ctx context.Context, r authn.Resource) string {
	found, err := k.find(ctx, r, false)
	if err != nil {
		return ""
	}
	return found.source
}

// credential is an answer with the place it was found in; none has no source.
type credential struct {
	auth   authn.AuthConfig
	source string
}

func (k *Keychain) find(ctx context.Context, r authn.Resource, warn bool) (credential, error) {
	if k == nil {
		return credential{}, nil
	}
	spelled := strings.ToLower(r.RegistryStr())
	where := place{spelled: spelled, host: CanonicalHost(spelled), path: pathOf(r)}
	target := slices.Contains(k.targets, where.host)
	if found, ok := k.known.fromSDK(where.host, target); ok {
		return k.known.tell(found), nil
	}
	for _, file := range k.known.files {
		found, err := file.find(ctx, where, k.known.helpers)
		switch {
		case ctx.Err() != nil:
			return credential{}, context.Cause(ctx)
		case err != nil && target:
			return credential{}, err
		case err != nil && warn:
			k.known.warn(err.Error() + "; asking without these credentials")
		case found.source != "":
			return k.known.tell(found), nil
		}
	}
	return k.known.tell(k.known.fromGitHub(where.host)), nil
}

// sources is what the keychains of a run share.
type sources struct {
	environ map[string]string
	files   []*configFile
	helpers *helpers
	secret  func(string)

	mu     sync.Mutex
	onWarn func(string)
	warned map[string]bool
}

func newSources(o Options) *sources {
	s := &sources{environ: map[string]string{}, secret: o.Secret, onWarn: o.Warn, warned: map[string]bool{}}
	for _, e := range o.Environ {
		if key, value, ok := strings.Cut(e, "="); ok {
			s.environ[key] = value
		}
	}
	s.helpers = newHelpers(o.Program)
	s.files = configFiles(s.environ, o.Home)
	return s
}

func (s *sources) warn(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onWarn != nil && !s.warned[message] {
		s.warned[message] = true
		s.onWarn(message)
	}
}
