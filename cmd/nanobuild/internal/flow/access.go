package flow

import (
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/nanobuild/nanobuild/publish"
)

// plainHTTP says whether a registry may be spoken to without TLS.
func (r *run) plainHTTP(host string) bool {
	return publish.Loopback(host) || slices.Contains(r.Insecure, host)
}

// keychainFor returns the credentials of a run that pushes to host, which may be
// "" when it is not known yet.
func (r *run) keychainFor(host string) authn.Keychain {
	o := publish.CredentialOptions{
		Environ: r.Environ, Docker: r.Keychain,
		Warn: func(message string) { r.Log.Warn(message) },
	}
	if host != "" {
		o.Targets = []string{host}
	}
	return publish.NewKeychain(o)
}

// host is the registry that flags name, or "".
func (t Targets) host() string {
	repo, err := publish.ParseRepo(strings.TrimSuffix(t.Repo, "/"), nil)
	if err != nil { // "", or a prefix that is a host alone
		host, _, _ := strings.Cut(t.Repo, "/")
		return host
	}
	return repo.RegistryStr()
}
