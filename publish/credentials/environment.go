package credentials

import (
	"net"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// fromSDK returns the credentials of the first pair of variables that is set and
// meant for the host.
func (s *sources) fromSDK(host string, target bool) (credential, bool) {
	if microsoft(host) {
		return credential{}, false
	}
	pairs := []string{"DOTNET_CONTAINER_PULL_REGISTRY"}
	if target {
		pairs = []string{"DOTNET_CONTAINER_PUSH_REGISTRY", "DOTNET_CONTAINER_REGISTRY", "SDK_CONTAINER_REGISTRY"}
	}
	for _, p := range pairs {
		user, password := s.environ[p+"_UNAME"], s.environ[p+"_PWORD"]
		if user != "" && password != "" {
			return credential{auth: fromPair(user, password), source: p + "_UNAME"}, true
		}
	}
	return credential{}, false
}

// fromGitHub returns the token of a GitHub workflow for GitHub's own registry.
func (s *sources) fromGitHub(host string) credential {
	token := s.environ["GITHUB_TOKEN"]
	if token == "" || host != "ghcr.io" {
		return credential{}
	}
	user := s.environ["GITHUB_ACTOR"]
	if user == "" { // the token decides; the name must only not be empty
		user = "github"
	}
	return credential{auth: authn.AuthConfig{Username: user, Password: token}, source: "GITHUB_TOKEN"}
}

// microsoft tells whether host is Microsoft's public registry, which needs no
// credentials and must never see ours.
func microsoft(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host == "mcr.microsoft.com" || strings.HasSuffix(host, ".mcr.microsoft.com")
}
