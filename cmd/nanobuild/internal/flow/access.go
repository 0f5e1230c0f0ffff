package flow

import (
	"strings"

	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/publish/credentials"
)

// keychainFor returns the credentials of a run that pushes to host, which may be
// "" when it is not known yet.
func (r *run) keychainFor(host string) *credentials.Keychain {
	if host == "" {
		return r.Keychain
	}
	return r.Keychain.For(host)
}

// host is the registry that flags name, or "".
func (t Targets) host() string {
	repo, err := publish.ParseRepo(strings.TrimSuffix(t.Repo, "/"))
	if err != nil { // "", or a prefix that is a host alone
		host, _, _ := strings.Cut(t.Repo, "/")
		return host
	}
	return repo.RegistryStr()
}
