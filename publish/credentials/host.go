package credentials

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// place is what credentials are asked for.
type place struct {
	spelled string // the host as the reference has it, in lower case
	host    string // its canonical spelling
	path    string // of the repository; "" for a registry
}

// CanonicalHost gives the names of one registry one spelling: lower case, without
// the port 443, and Docker Hub by the name its tokens are issued for.
func CanonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	switch host {
	case "docker.io", "registry-1.docker.io":
		return name.DefaultRegistry
	}
	return host
}

// serverKey is the name by which Docker's config and helpers know a host: the host
// itself, but for Docker Hub the address of its first API.
//
// https://github.com/moby/moby/blob/v28.0.0/registry/config.go#L40-L58
func serverKey(host string) string {
	if CanonicalHost(host) == name.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return strings.ToLower(host)
}

// splitKey reads a key of auths or credHelpers: HOST, HOST/PATH or an address,
// where /v1/ and /v2/ are no path but the API. The host is canonical.
func splitKey(key string) (host, path string) {
	key = withoutScheme(key)
	host, path, _ = strings.Cut(key, "/")
	path = strings.Trim(path, "/")
	if path == "v1" || path == "v2" {
		path = ""
	}
	return CanonicalHost(host), path
}

func withoutScheme(key string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if len(key) >= len(scheme) && strings.EqualFold(key[:len(scheme)], scheme) {
			return key[len(scheme):]
		}
	}
	return key
}

// pathOf is the path of the repository that r is or belongs to.
func pathOf(r authn.Resource) string {
	path, below := strings.CutPrefix(r.String(), r.RegistryStr()+"/")
	if !below {
		return ""
	}
	path, _, _ = strings.Cut(path, "@")
	path, _, _ = strings.Cut(path, ":")
	return path
}

// covers says whether the path of a key is that of a repository, or of a folder
// that it is in.
func covers(key, repository string) bool {
	return key == "" || key == repository || strings.HasPrefix(repository, key+"/")
}
