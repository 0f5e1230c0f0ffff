package distribution

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChallenges(t *testing.T) {
	t.Parallel()
	bearer := func(params map[string]string) challenge {
		return challenge{scheme: "bearer", realm: params["realm"], params: params}
	}
	for what, c := range map[string]struct {
		headers []string
		want    challenge
	}{
		"none":  {nil, challenge{}},
		"basic": {[]string{`Basic realm="Registry Realm"`}, challenge{scheme: "basic", realm: "Registry Realm", params: map[string]string{"realm": "Registry Realm"}}},
		"bearer": {
			[]string{`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push",error="invalid_token"`},
			bearer(map[string]string{"realm": "https://auth.docker.io/token", "service": "registry.docker.io", "scope": "repository:a/b:pull,push", "error": "invalid_token"}),
		},
		"capitals, spaces, tokens": {[]string{` BEARER  Realm = "https://a/t" ,  Service=x`}, bearer(map[string]string{"realm": "https://a/t", "service": "x"})},
		"escapes":                  {[]string{`Bearer realm="https://a/\"t\""`}, bearer(map[string]string{"realm": `https://a/"t"`})},
		"several, in one header":   {[]string{`Negotiate, Basic realm="x", Bearer realm="https://a/t"`}, bearer(map[string]string{"realm": "https://a/t"})},
		"several headers":          {[]string{`Negotiate abc==`, `Bearer realm="https://a/t"`, `Basic realm="x"`}, bearer(map[string]string{"realm": "https://a/t"})},
		"a bearer without a realm": {[]string{`Bearer service="x"`, `Basic realm="y"`}, challenge{scheme: "basic", realm: "y", params: map[string]string{"realm": "y"}}},
		"cut off":                  {[]string{`Bearer realm="https://a/t`}, bearer(map[string]string{"realm": "https://a/t"})},
		"nothing of ours":          {[]string{`Digest realm="x"`, `"`, `=`}, challenge{}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got := challengeOf(http.Header{"Www-Authenticate": c.headers})
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(challenge{})); diff != "" {
				t.Errorf("challengeOf (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzChallenge(f *testing.F) {
	for _, s := range []string{
		`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"`,
		`Basic realm="x", Bearer realm="y\"z"`, `Negotiate abc==, a=b`, `,,= ="`, "\x00\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range parseChallenges(s) {
			if c.scheme == "" || c.scheme != strings.ToLower(c.scheme) || len(c.realm) > len(s) {
				t.Errorf("%q gives %+v", s, c)
			}
		}
	})
}
