package cli

import (
	"strings"
)

// variable is an environment variable that nanobuild reads, apart from those
// that stand for flags.
type variable string

const (
	envCI              variable = "CI"
	envGitHubActions   variable = "GITHUB_ACTIONS"
	envSourceDateEpoch variable = "SOURCE_DATE_EPOCH"
	envPushUser        variable = "DOTNET_CONTAINER_PUSH_REGISTRY_UNAME"
	envPushPassword    variable = "DOTNET_CONTAINER_PUSH_REGISTRY_PWORD"
	envPullUser        variable = "DOTNET_CONTAINER_PULL_REGISTRY_UNAME"
	envPullPassword    variable = "DOTNET_CONTAINER_PULL_REGISTRY_PWORD"
	envRegistryUser    variable = "DOTNET_CONTAINER_REGISTRY_UNAME"
	envRegistryPass    variable = "DOTNET_CONTAINER_REGISTRY_PWORD"
	envSDKUser         variable = "SDK_CONTAINER_REGISTRY_UNAME"
	envSDKPassword     variable = "SDK_CONTAINER_REGISTRY_PWORD"
	envGitHubToken     variable = "GITHUB_TOKEN"
	envGitHubActor     variable = "GITHUB_ACTOR"
	envDockerConfig    variable = "DOCKER_CONFIG"
	envDockerAuth      variable = "DOCKER_AUTH_CONFIG"
	envRegistryAuth    variable = "REGISTRY_AUTH_FILE"
	envInsecure        variable = "DOTNET_CONTAINER_INSECURE_REGISTRIES"
	envSDKInsecure     variable = "SDK_CONTAINER_INSECURE_REGISTRIES"
	envHTTPSProxy      variable = "HTTPS_PROXY"
	envHTTPProxy       variable = "HTTP_PROXY"
	envNoProxy         variable = "NO_PROXY"
	envProgramData     variable = "ProgramData"
	envKeyPassword     variable = "COSIGN_PASSWORD"
	envIdentityToken   variable = "SIGSTORE_ID_TOKEN"
	envActionsURL      variable = "ACTIONS_ID_TOKEN_REQUEST_URL"
	envActionsToken    variable = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
	envGitHubServer    variable = "GITHUB_SERVER_URL"
	envGitHubWorkflow  variable = "GITHUB_WORKFLOW_REF"
	envGitHubRepo      variable = "GITHUB_REPOSITORY"
	envGitHubRun       variable = "GITHUB_RUN_ID"
	envGitHubAttempt   variable = "GITHUB_RUN_ATTEMPT"
)

// variables documents every variable; the README's table is made from it.
var variables = []struct {
	name    variable
	meaning string
}{
	{envSourceDateEpoch, "creation time of the image in Unix seconds, when `--created` is not given"},
	{envCI, "any value but `false`: dotnet leaves no build servers behind"},
	{envGitHubActions, "`true`: diagnostics are shown as `::error file=…` annotations too, unless the log format is json"},
	{envPushUser, "user name for the registry that is pushed to"},
	{envPushPassword, "password for it"},
	{envPullUser, "user name for the registry that the base is pulled from, unless it is mcr.microsoft.com"},
	{envPullPassword, "password for it"},
	{envRegistryUser, "user name for the target registry, for push and pull"},
	{envRegistryPass, "password for it"},
	{envSDKUser, "older name of `" + string(envRegistryUser) + "`"},
	{envSDKPassword, "older name of `" + string(envRegistryPass) + "`"},
	{envGitHubToken, "used for ghcr.io when nothing else is configured"},
	{envGitHubActor, "user name beside `GITHUB_TOKEN`, any if it is not set"},
	{envDockerAuth, "text of a docker `config.json`, which is asked for credentials when no `DOTNET_` or `SDK_` variable is meant for the registry"},
	{envDockerConfig, "folder of docker's `config.json`, which is asked next, and where `login` stores credentials (default: `~/.docker`)"},
	{envRegistryAuth, "file of podman, buildah and skopeo with credentials, which is asked after docker's (default: `auth.json` in `$XDG_RUNTIME_DIR/containers` or `~/.config/containers`)"},
	{envInsecure, "hosts that may be spoken to over plain http, as with `--insecure`, separated by `,` or `;`"},
	{envSDKInsecure, "older name of `" + string(envInsecure) + "`"},
	{envHTTPSProxy, "proxy for registries; on Windows the system's settings count where no proxy variable is set"},
	{envHTTPProxy, "proxy for registries that are spoken to over plain http"},
	{envNoProxy, "hosts and networks that are reached without a proxy, such as `.example.com,10.0.0.0/8`"},
	{envProgramData, "on Windows: the folder in which `docker\\certs.d` holds certificates of registries"},
	{envKeyPassword, "password of the key that signs; empty where the key has none"},
	{envIdentityToken, "OpenID Connect token for `--sign-keyless`"},
	{envActionsURL, "with the next one: where a GitHub job with `permissions: id-token: write` gets its token for `--sign-keyless`"},
	{envActionsToken, "what the job shows there"},
	{envGitHubServer, "in a GitHub job: part of the builder's name in the provenance"},
	{envGitHubWorkflow, "likewise, the workflow"},
	{envGitHubRepo, "likewise, in the name of the run"},
	{envGitHubRun, "likewise"},
	{envGitHubAttempt, "likewise"},
}

func (p Process) getenv(v variable) string {
	value, _ := p.lookupEnv(v)
	return value
}

// lookupEnv tells a variable that is empty from one that is not set.
func (p Process) lookupEnv(v variable) (string, bool) {
	for i := len(p.Environ) - 1; i >= 0; i-- {
		if name, value, ok := strings.Cut(p.Environ[i], "="); ok && name == string(v) {
			return value, true
		}
	}
	return "", false
}

// flagVariable is the environment variable that stands for a flag.
func flagVariable(flag string) variable {
	return variable("NANOBUILD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
}
