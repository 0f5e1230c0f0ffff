//go:build !nosign

package sign

import (
	"regexp"
	"slices"
	"strings"
)

// secretVariables match the variables with secrets that are for nanobuild alone: the
// password of a key, identity tokens and what they are asked with, credentials of
// registries, those of GitHub, and all that configures nanobuild itself. Windows takes
// names in any case.
var secretVariables = regexp.MustCompile(`(?i)^(COSIGN_PASSWORD|COSIGN_KEY|COSIGN_PRIVATE_KEY|SIGSTORE_ID_TOKEN|ACTIONS_ID_TOKEN_REQUEST_.*|ACTIONS_RUNTIME_TOKEN|(DOTNET|SDK)_.*(PWORD|PWD|PASSWORD)|DOCKER_AUTH_CONFIG|GITHUB_TOKEN|GH_TOKEN|NANOBUILD_.*)$`)

// withoutSecrets is the environment of a program that somebody else wrote. It keeps what
// such a program needs, as the credentials of its cloud (AWS_…, VAULT_…).
func withoutSecrets(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return secretVariables.MatchString(name)
	})
}
