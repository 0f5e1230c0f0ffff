package cli

import (
	"net/http"
	"testing"
)

// credentialMistakes are those about who somebody is.
func credentialMistakes() []mistake {
	return []mistake{
		{name: "wrong-password", code: exitPush, names: []string{webRepo, "401"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.credentials("me", "wrong-pass")
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "wrong-password-token", code: exitPush, names: []string{webRepo, tokensHost, "401"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.credentials("me", "wrong-pass")
			s.serve(t, registryHost, wantsToken("https://"+tokensHost+"/token", "t0ken", s.working()))
			s.serve(t, tokensHost, mistaken(nil, says(anything, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")))
		}},
		{name: "no-credentials", code: exitPush, names: []string{webRepo, "401"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "no-credentials-token", code: exitPush, names: []string{webRepo, "401"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			// Token servers give anybody a token, which lacks the right.
			s.serve(t, registryHost, wantsToken("https://"+tokensHost+"/token", "with-rights", s.working()))
			s.serve(t, tokensHost, givesToken("without-rights"))
		}},
		{name: "dead-identity-token", code: exitPush, names: []string{webRepo, tokensHost, "401"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.write(t, s.home, ".docker/config.json", `{"auths": {"`+registryHost+`": {"auth": "MDAwMDo=", "identitytoken": "dead-token"}}}`)
			s.serve(t, registryHost, wantsToken("https://"+tokensHost+"/token", "t0ken", s.working()))
			s.serve(t, tokensHost, mistaken(nil, answer{to: anything, status: http.StatusUnauthorized,
				body: `{"error": "invalid_grant", "error_description": "the refresh token expired on 2026-01-02"}`}))
		}},
		{name: "dead-identity-token-400", code: exitPush, names: []string{webRepo, tokensHost, "400", "nanobuild login"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.write(t, s.home, ".docker/config.json", `{"auths": {"`+registryHost+`": {"auth": "MDAwMDo=", "identitytoken": "dead-token"}}}`)
			s.serve(t, registryHost, wantsToken("https://"+tokensHost+"/token", "t0ken", s.working()))
			s.serve(t, tokensHost, mistaken(nil, answer{to: anything, status: http.StatusBadRequest, body: `{"error": "invalid_grant"}`}))
		}},
		{name: "no-right-to-push", code: exitPush, names: []string{webRepo, "403"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.credentials("me", "right-pass")
			s.serve(t, registryHost, wantsBasic("me", "right-pass", mistaken(s.working(),
				says(beginUpload, http.StatusForbidden, "DENIED", "requested access to the resource is denied"))))
		}},
		{name: "ghcr-without-write-packages", code: exitPush, names: []string{"ghcr.io/me/web", "403", "write:packages"},
			args: []string{"push", "oci:image", "--repo", "ghcr.io/me/web", "-t", "v1"}, plan: func(t *testing.T, s *scene) {
				s.environ = append(s.environ, "GITHUB_TOKEN=ghs_0123456789", "GITHUB_ACTOR=me")
				s.serve(t, "ghcr.io", mistaken(wantsToken("https://ghcr.io/token", "t0ken", mistaken(s.working(),
					says("^POST", http.StatusForbidden, "DENIED", "permission_denied: The token provided does not match expected scopes."))),
					answer{to: " /token$", status: http.StatusOK, body: `{"token": "t0ken"}`}))
			}},
		{name: "login-wrong-password", code: exitPush, names: []string{registryHost, "401"}, args: []string{"login", registryHost, "-u", "me", "--password-stdin"}, plan: func(t *testing.T, s *scene) {
			s.stdin = "wrong-pass\n"
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "login-dead-identity-token", code: exitPush, names: []string{registryHost, "401"}, args: []string{"login", registryHost, "-u", "<token>", "--password-stdin"}, plan: func(t *testing.T, s *scene) {
			s.stdin = "dead-token\n"
			s.serve(t, registryHost, wantsToken("https://"+tokensHost+"/token", "t0ken", s.working()))
			s.serve(t, tokensHost, mistaken(nil, says(anything, http.StatusUnauthorized, "UNAUTHORIZED", "refresh token is invalid")))
		}},
		{name: "broken-docker-config", code: exitPush, names: []string{webRepo, "config.json"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.write(t, s.home, ".docker/config.json", `{"auths": {`)
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "missing-credential-helper", code: exitPush, system: true, names: []string{webRepo, "docker-credential-nowhere"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.write(t, s.home, ".docker/config.json", `{"credsStore": "nowhere"}`)
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "private-base", code: exitBase, names: []string{registryHost + "/base/nano:1", "401"}, args: []string{"publish", "app", "--base", registryHost + "/base/nano:1", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "inspect-wrong-password", code: exitBase, names: []string{webRepo, "401"}, args: []string{"inspect", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			s.environ = append(s.environ, "DOTNET_CONTAINER_PULL_REGISTRY_UNAME=me", "DOTNET_CONTAINER_PULL_REGISTRY_PWORD=wrong-pass")
			s.serve(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "token-server-over-http", code: exitPush, names: []string{webRepo, tokensHost, "http"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.credentials("me", "right-pass")
			s.serve(t, registryHost, wantsToken("http://"+tokensHost+"/token", "t0ken", s.working()))
			s.servePlain(t, tokensHost, givesToken("t0ken"))
		}},
		{name: "token-server-without-token", code: exitPush, names: []string{webRepo, tokensHost}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.credentials("me", "right-pass")
			s.serve(t, registryHost, wantsToken("https://"+tokensHost+"/token", "t0ken", s.working()))
			s.serve(t, tokensHost, mistaken(nil, page(anything, http.StatusOK, "Sign in to Corp")))
		}},
	}
}
