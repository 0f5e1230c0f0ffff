package cli

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/authority"
)

func sampleOptions() sample.Options { return sample.Options{Padding: 4096} }

// secretRun is a run in which secrets pass through many hands.
type secretRun struct {
	args    []string
	prepare func(t *testing.T, w *secretWorld)
	repeats string   // see secretWorld
	status  int      // of what is repeated
	code    int      // exit code
	sent    []string // secrets that a server must have seen, else the run shows nothing
	pushed  string   // an image that is in the registry then
}

func secretRuns() map[string]secretRun {
	publish := []string{"publish", "app", "--base", baseRef, "--repo", webRepo, "-t", "v1", "--oci-layout", "out", "--tarball", "out.tar", "--image-refs", "refs", "--digest-file", "digests"}
	push := []string{"push", "oci:image", "--repo", webRepo, "-t", "v1", "--image-refs", "refs"}
	inspect := []string{"inspect", baseRef, "-o", "json"}
	login := []string{"login", registryHost, "-u", "me", "--password-stdin"}
	transfer := []string{plantedPassword, plantedToken, plantedState}
	return map[string]secretRun{
		"publish":             {args: publish, prepare: byEnvironment, sent: append(transfer, plantedSignature), pushed: webRepo + ":v1"},
		"publish, identity":   {args: publish, prepare: byIdentity, sent: []string{plantedIdentity, plantedToken, plantedState, plantedSignature}, pushed: webRepo + ":v1"},
		"push":                {args: push, prepare: byConfig, sent: transfer, pushed: webRepo + ":v1"},
		"inspect":             {args: inspect, prepare: byConfig, sent: []string{plantedPassword, plantedToken, plantedSignature}},
		"login":               {args: login, prepare: byStdin(plantedPassword), sent: []string{plantedPassword, plantedToken}},
		"login, identity":     {args: []string{"login", registryHost, "-u", "<token>", "--password-stdin"}, prepare: byStdin(plantedIdentity), sent: []string{plantedIdentity, plantedToken}},
		"tag refused":         {args: publish, prepare: byEnvironment, repeats: putTag, status: 400, code: exitPush, sent: transfer},
		"manifest refused":    {args: push, prepare: byEnvironment, repeats: putDigest, status: 422, code: exitPush, sent: transfer},
		"upload in trouble":   {args: push, prepare: byConfig, repeats: sendBlob, status: 503, code: exitPush, sent: transfer},
		"upload refused":      {args: publish, prepare: byConfig, repeats: sendBlob, status: 400, code: exitPush, sent: transfer},
		"no right to push":    {args: push, prepare: byIdentity, repeats: "^POST registry", status: 403, code: exitPush, sent: []string{plantedIdentity, plantedToken}},
		"storage refuses":     {args: inspect, prepare: byConfig, repeats: storageHost, status: 403, code: exitBase, sent: []string{plantedToken, plantedSignature}},
		"storage in trouble":  {args: publish, prepare: byConfig, repeats: storageHost, status: 500, code: exitBase, sent: []string{plantedToken, plantedSignature}},
		"storage sends on":    {args: inspect, prepare: byConfig, repeats: storageHost, status: 302, code: exitBase, sent: []string{plantedToken, plantedSignature}},
		"storage is gone":     {args: inspect, prepare: withoutStorage, code: exitBase, sent: []string{plantedToken}},
		"token refused":       {args: push, prepare: byEnvironment, repeats: tokensHost, status: 401, code: exitPush, sent: []string{plantedPassword}},
		"identity refused":    {args: push, prepare: byIdentity, repeats: tokensHost, status: 400, code: exitPush, sent: []string{plantedIdentity}},
		"login refused":       {args: login, prepare: byStdin(plantedPassword), repeats: tokensHost, status: 401, code: exitPush, sent: []string{plantedPassword}},
		"proxy with password": {args: push, prepare: byProxy, code: exitPush},
		"password misplaced":  {args: []string{"push", "oci:image", "--repo", "https://me:" + url.QueryEscape(plantedPassword) + "@" + webRepo}, code: exitUsage},
	}
}

func byEnvironment(_ *testing.T, w *secretWorld) {
	w.credentials("me", plantedPassword)
	w.environ = append(w.environ, string(envRegistryUser)+"=me", string(envRegistryPass)+"="+plantedPassword)
}

func byConfig(t *testing.T, w *secretWorld) {
	auth := base64.StdEncoding.EncodeToString([]byte("me:" + plantedPassword))
	w.write(t, w.home, ".docker/config.json", fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, registryHost, auth))
}

func byIdentity(t *testing.T, w *secretWorld) {
	w.write(t, w.home, ".docker/config.json", fmt.Sprintf(`{"auths": {%q: {"auth": "bWU6", "identitytoken": %q}}}`, registryHost, plantedIdentity))
}

func byStdin(secret string) func(*testing.T, *secretWorld) {
	return func(_ *testing.T, w *secretWorld) { w.stdin = secret + "\n" }
}

func withoutStorage(t *testing.T, w *secretWorld) {
	byConfig(t, w)
	w.places.set(withPort(storageHost), deadAddress(t))
}

func byProxy(t *testing.T, w *secretWorld) {
	byConfig(t, w)
	w.proxy(t, http.StatusProxyAuthRequired)
	proxy := &url.URL{Scheme: "http", Host: "proxy.example.com:3128", User: url.UserPassword("me", plantedProxy)}
	w.transport.Proxy = http.ProxyURL(proxy)
	w.environ = append(w.environ, string(envHTTPSProxy)+"="+proxy.String())
}

// TestNothingSecretIsShown: not in what is printed, whatever a server repeats, nor in
// any file or image.
func TestNothingSecretIsShown(t *testing.T) {
	t.Parallel()
	a := authority.New(t)
	for what, r := range secretRuns() {
		for _, format := range []string{"text", "json"} {
			t.Run(what+" "+format, func(t *testing.T) {
				t.Parallel()
				r.check(t, newSecretWorld(t, a, r.args...), format)
			})
		}
	}
}

func (r secretRun) check(t *testing.T, w *secretWorld, format string) {
	t.Helper()
	if r.prepare != nil {
		r.prepare(t, w)
	}
	if r.repeats != "" {
		w.repeats, w.status = regexp.MustCompile(r.repeats), r.status
	}
	got := w.run(t, append(w.arguments(r.args), "-v", "--log-format", format)...)
	if got.code != r.code {
		t.Fatalf("exit code %d, want %d: %s", got.code, r.code, got.stderr)
	}
	for _, secret := range r.sent {
		if !w.saw(secret) {
			t.Errorf("no server saw %s", secret)
		}
	}
	found := append(leaks([]byte(got.stdout)), leaks([]byte(got.stderr))...)
	found = append(found, w.leaked()...)
	for _, file := range filesIn(t, w.dir, w.temp, w.cache) {
		found = append(found, leaksIn(file)...)
	}
	if r.pushed != "" {
		found = append(found, w.leaksInRegistry(t, r.pushed)...)
	}
	if len(found) > 0 {
		slices.Sort(found)
		t.Errorf("%s\nstdout: %s\nstderr: %s", strings.Join(slices.Compact(found), "\n"), got.stdout, got.stderr)
	}
}

// TestLeaksAreFound shows that the search for secrets finds them.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"x" + plantedPassword, url.QueryEscape(plantedPassword), base64.StdEncoding.EncodeToString([]byte("me:" + plantedPassword)),
		base64.RawURLEncoding.EncodeToString([]byte("a:" + plantedState + "zz")), fmt.Sprintf("%q", plantedToken), "?_state=" + url.QueryEscape(plantedState),
	} {
		if len(leaks([]byte(text))) == 0 {
			t.Errorf("nothing found in %s", text)
		}
	}
	if found := leaks([]byte("pl4nted nothing")); found != nil {
		t.Errorf("found %q", found)
	}
}
