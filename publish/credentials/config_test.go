package credentials

import (
	"encoding/json"
	"strings"
	"testing"

	docker "github.com/docker/cli/cli/config"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// entries makes the text of a config whose passwords are made of their keys.
func entries(keys ...string) string {
	auths := map[string]json.RawMessage{}
	for _, k := range keys {
		auths[k] = json.RawMessage(authText("me", "of "+k))
	}
	text, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	hub := "https://index.docker.io/v1/"
	for what, c := range map[string]struct {
		keys []string
		repo string
		want string // key; "" for anonymous
	}{
		"host":                         {[]string{"r.io"}, "r.io/a/b", "r.io"},
		"another host":                 {[]string{"r.io"}, "q.io/a/b", ""},
		"part of a host":               {[]string{"r.io"}, "evil-r.io/a", ""},
		"host as a prefix":             {[]string{"r.io"}, "r.io.evil.com/a", ""},
		"port":                         {[]string{"r.io:5000", "r.io"}, "r.io:5000/a", "r.io:5000"},
		"another port":                 {[]string{"r.io:5000"}, "r.io/a", ""},
		"port of https":                {[]string{"r.io"}, "r.io:443/a", "r.io"},
		"address":                      {[]string{"https://r.io"}, "r.io/a", "https://r.io"},
		"address of http":              {[]string{"http://r.io:5000/"}, "r.io:5000/a", "http://r.io:5000/"},
		"first API":                    {[]string{"https://r.io/v1/"}, "r.io/a", "https://r.io/v1/"},
		"second API":                   {[]string{"r.io/v2/"}, "r.io/a", "r.io/v2/"},
		"capitals":                     {[]string{"HTTPS://R.io/v2"}, "r.io/a", "HTTPS://R.io/v2"},
		"longest path":                 {[]string{"r.io", "r.io/a", "r.io/a/b"}, "r.io/a/b/c", "r.io/a/b"},
		"path of the repository":       {[]string{"r.io", "r.io/a/b"}, "r.io/a/b", "r.io/a/b"},
		"whole segments":               {[]string{"r.io", "r.io/a/b"}, "r.io/a/bc", "r.io"},
		"path for other repositories":  {[]string{"r.io/a"}, "r.io/b/c", ""},
		"address with a path":          {[]string{"r.io", "https://r.io/a/"}, "r.io/a/b", "https://r.io/a/"},
		"the plain spelling first":     {[]string{"https://r.io", "r.io", "http://r.io"}, "r.io/a", "r.io"},
		"the same of two others":       {[]string{"https://r.io/v2/", "https://r.io", "https://r.io/v1/"}, "r.io/a", "https://r.io"},
		"Docker Hub":                   {[]string{hub}, "ubuntu", hub},
		"Docker Hub by its name":       {[]string{"docker.io"}, "me/app", "docker.io"},
		"Docker Hub by its registry":   {[]string{"registry-1.docker.io"}, "docker.io/me/app", "registry-1.docker.io"},
		"Docker Hub, Docker's first":   {[]string{"docker.io", hub, "index.docker.io"}, "me/app", hub},
		"Docker Hub by path":           {[]string{hub, "docker.io/me"}, "me/app", "docker.io/me"},
		"Docker Hub's official images": {[]string{"docker.io/library"}, "ubuntu", "docker.io/library"},
		"no host":                      {[]string{"", "/", "https://", "/r.io"}, "r.io/a", ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			repo, err := name.NewRepository(c.repo)
			if err != nil {
				t.Fatal(err)
			}
			k := New(Options{Environ: []string{"DOCKER_AUTH_CONFIG=" + entries(c.keys...)}})
			want := ""
			if c.want != "" {
				want = "of " + c.want
			}
			for _, resource := range []authn.Resource{repo, repo.Tag("v1"), repo.Digest("sha256:" + strings.Repeat("a", 64))} {
				if got := configOf(t, k, resource).Password; got != want {
					t.Errorf("%s: password %q, want %q", resource, got, want)
				}
			}
		})
	}
}

// TestPathsBeforeHelpers: helpers know hosts only.
func TestPathsBeforeHelpers(t *testing.T) {
	t.Parallel()
	text := `{"credsStore": "all", "auths": {"r.io/a": ` + authText("path", "x") + `, "r.io": ` + authText("host", "x") + `}}`
	h := &fakeHelpers{has: map[string][2]string{"docker-credential-all r.io": {"helper", "x"}}}
	k := New(Options{Environ: []string{"DOCKER_AUTH_CONFIG=" + text}, Program: h.program})
	for repo, want := range map[string]string{"r.io/a/b": "path", "r.io/b": "helper"} {
		r, err := name.NewRepository(repo)
		if err != nil {
			t.Fatal(err)
		}
		if got := configOf(t, k, r).Username; got != want {
			t.Errorf("%s: user %q, want %q", repo, got, want)
		}
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		entry string
		want  authn.AuthConfig
	}{
		"pair":              {authText("me", "pass:word"), authn.AuthConfig{Username: "me", Password: "pass:word"}},
		"without padding":   {`{"auth": "YTpi"}`, authn.AuthConfig{Username: "a", Password: "b"}},
		"padding cut off":   {`{"auth": "bWU6cGFzcw"}`, authn.AuthConfig{Username: "me", Password: "pass"}},
		"spaces around":     {`{"auth": " bWU6cGFzcw==\n"}`, authn.AuthConfig{Username: "me", Password: "pass"}},
		"zero bytes":        {authText("me", "pass\x00\x00"), authn.AuthConfig{Username: "me", Password: "pass"}},
		"fields":            {`{"username": "me", "password": "pass"}`, authn.AuthConfig{Username: "me", Password: "pass"}},
		"auth wins":         {`{"auth": "YTpi", "username": "me", "password": "pass"}`, authn.AuthConfig{Username: "a", Password: "b"}},
		"identity token":    {`{"identitytoken": "id"}`, authn.AuthConfig{IdentityToken: "id"}},
		"token beside user": {`{"auth": "MDAwOg==", "identitytoken": "id"}`, authn.AuthConfig{Username: "000", IdentityToken: "id"}},
		"token user":        {authText("<token>", "id"), authn.AuthConfig{IdentityToken: "id"}},
		"registry token":    {`{"registrytoken": "reg"}`, authn.AuthConfig{RegistryToken: "reg"}},
		"empty":             {`{}`, authn.AuthConfig{}},
		"only an address":   {`{"email": "me@example.com"}`, authn.AuthConfig{}},
		"null":              {`null`, authn.AuthConfig{}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			text := "\xef\xbb\xbf{\"auths\": {\"r.io\": " + c.entry + "}}"
			got := configFor(t, New(Options{Environ: []string{"DOCKER_AUTH_CONFIG=" + text}}).For("r.io"), "r.io")
			got.Auth = "" // go-containerregistry's own addition
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzConfig compares what is found with what Docker's own code finds, wherever
// that takes the file, and lets no text of a file into an error.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "\xef\xbb\xbf{}", "[]", "{\"auths\":null}", `{"auths":{"r.io":{"auth":"bWU6cGFzcw=="}}}`,
		`{"auths":{"https://r.io/v1/":{"auth":"bWU6cGFzcw==","identitytoken":"x"}},"credHelpers":{"r.io":"gcloud"}}`,
		`{"auths":{"r.io":{}},"credsStore":"desktop"}`, `{"auths":{"r.io/a":{"auth":"!"}}}`, `{"credHelpers":{"r.io":"../x"}}`,
		`{"auths":{"r.io":{"registrytoken":"x"}}}`, `{"auths":{"r.io":7}}`, `{"auths":{"r.io":{"username":"a","password":"b"}}}`,
	} {
		f.Add([]byte(seed))
	}
	registry, err := name.NewRegistry("r.io")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := &fakeHelpers{}
		k := New(Options{Program: h.program, Environ: []string{"DOCKER_AUTH_CONFIG=" + string(text)}}).For("r.io")
		auth, err := k.Resolve(registry)
		for program := range h.calls {
			if rest, ok := strings.CutPrefix(program, "docker-credential-"); !ok || checkHelper(strings.Fields(rest)[0]) != nil {
				t.Errorf("the program %q was started", program)
			}
		}
		if err != nil {
			return
		}
		got, err := auth.Authorization()
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := docker.LoadFromReader(strings.NewReader(string(text)))
		if err != nil || theirs.CredentialsStore != "" || len(theirs.CredentialHelpers) > 0 {
			return
		}
		want, ok := theirs.AuthConfigs["r.io"]
		if !ok || want.Username == "" || want.Username == IdentityUser {
			return
		}
		if got.Username != want.Username || got.Password != want.Password || got.IdentityToken != want.IdentityToken || got.RegistryToken != want.RegistryToken {
			t.Errorf("found %+v, Docker finds %+v", got, want)
		}
	})
}
