package sign

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tokenOf is a token with claims; nobody but its issuer looks at its signature.
func tokenOf(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("planted-signature"))
}

func tokenFor(subject string) string { return tokenOf(`{"aud":"sigstore","sub":"` + subject + `"}`) }

func writeToken(t *testing.T, content string) (dir, name string) {
	t.Helper()
	dir, name = t.TempDir(), "token"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, name
}

// actionsServer is GitHub's endpoint with one token.
func actionsServer(t *testing.T, token string) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer planted-bearer" || r.URL.RawQuery != "api-version=2.0&audience=sigstore" {
			http.Error(w, r.URL.RawQuery+" with planted-bearer", http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"count":1,"value":"` + token + `"}`))
	}))
	t.Cleanup(server.Close)
	return []string{"ACTIONS_ID_TOKEN_REQUEST_URL=" + server.URL + "/t?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=planted-bearer"}
}

// TestTokenOrder: what somebody names counts more than what is there by chance.
func TestTokenOrder(t *testing.T) {
	t.Parallel()
	dir, file := writeToken(t, tokenFor("file")+"\n")
	usualDir, usual := writeToken(t, tokenFor("usual"))
	usual = filepath.Join(usualDir, usual)
	variable := []string{"SIGSTORE_ID_TOKEN=old", "SIGSTORE_ID_TOKEN=" + tokenFor("variable")}
	job := actionsServer(t, tokenFor("job"))
	for _, test := range []struct {
		file    string
		environ []string
		usual   string
		want    string
	}{
		{file, append(variable, job...), usual, "file"},
		{filepath.Join(dir, file), nil, usual, "file"},
		{"", append(variable, job...), usual, "variable"},
		{"", job, usual, "job"},
		{"", job[:1], usual, "usual"},
		{"", []string{"SIGSTORE_ID_TOKEN="}, usual, "usual"},
	} {
		token, err := findToken(t.Context(), TokenOptions{File: test.file, Environment: Environment{Environ: test.environ, WorkDir: dir}}, test.usual)
		if err != nil || token != tokenFor(test.want) {
			t.Errorf("file %q, %d variables: the token is not that of the %s: %v", test.file, len(test.environ), test.want, err)
		}
	}
}

// TestTokenMissing: who has none is told all ways to have one, and in a job of GitHub
// the one that counts there.
func TestTokenMissing(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		environ []string
		says    []string
		lacks   string
	}{
		{nil, []string{"id-token: write", "SIGSTORE_ID_TOKEN", "--identity-token", "--sign-key"}, "may not ask"},
		{[]string{"GITHUB_ACTIONS=true"}, []string{"may not ask", "permissions: id-token: write", "forks"}, "laptop"},
		{[]string{"GITHUB_ACTIONS=true", "ACTIONS_ID_TOKEN_REQUEST_URL=https://x.example"}, []string{"permissions: id-token: write"}, "laptop"},
	} {
		_, err := findToken(t.Context(), TokenOptions{Environment: Environment{Environ: test.environ}}, none)
		if err == nil || strings.Contains(err.Error(), test.lacks) || strings.Count(err.Error(), "\n") > 3 {
			t.Fatalf("%q: %v", test.environ, err)
		}
		for _, want := range test.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
	}
}

// TestTokenMistakes: each has its own message, with where the token is from and never
// with a part of it.
func TestTokenMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content, variable, file string
		says                    []string
	}{
		"a password":       {variable: "planted", says: []string{"SIGSTORE_ID_TOKEN", "no JSON Web Token"}},
		"no claims":        {variable: tokenOf("planted"), says: []string{"no JSON Web Token"}},
		"another audience": {variable: tokenOf(`{"aud":"else\u001b[31m","sub":"planted"}`), says: []string{`"else [31m"`, "audience sigstore"}},
		"no audience":      {variable: tokenOf(`{"sub":"planted"}`), says: []string{"audience sigstore"}},
		"nobody":           {variable: tokenOf(`{"aud":["x","sigstore"]}`), says: []string{"names nobody"}},
		"an empty file":    {content: " \n", says: []string{"--identity-token token", "no JSON Web Token"}},
		"a large file":     {content: tokenFor(strings.Repeat("planted", 10<<10)), says: []string{"no JSON Web Token"}},
		"no such file":     {file: "nowhere", says: []string{"read the identity token --identity-token nowhere: "}},
		"a folder":         {file: ".", says: []string{"--identity-token ."}},
		"the token itself": {file: tokenFor("planted"), says: []string{"takes a file", "SIGSTORE_ID_TOKEN"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, file := writeToken(t, test.content)
			if test.file != "" {
				file = test.file
			}
			o := TokenOptions{File: file, Environment: Environment{WorkDir: dir}}
			if test.variable != "" {
				o = TokenOptions{Environment: Environment{Environ: []string{"SIGSTORE_ID_TOKEN=" + test.variable}}}
			}
			_, err := TokenFrom(o)(t.Context())
			if err == nil || strings.Contains(err.Error(), "planted") || strings.Contains(err.Error(), tokenFor("planted")[:20]) {
				t.Fatalf("TokenFrom: %v", err)
			}
			for _, want := range test.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// TestActionsMistakes: what GitHub answers instead of a token is told without the
// bearer's.
func TestActionsMistakes(t *testing.T) {
	t.Parallel()
	denied := actionsServer(t, "")
	denied[0] += "&more"
	for name, test := range map[string]struct {
		environ []string
		says    string
	}{
		"denied":    {denied, "id-token: write"},
		"no token":  {actionsServer(t, ""), "no token"},
		"bad token": {actionsServer(t, "planted"), "the answer of GitHub Actions"},
		"address":   {[]string{"ACTIONS_ID_TOKEN_REQUEST_URL=:", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=planted"}, "ACTIONS_ID_TOKEN_REQUEST_URL"},
		"clear":     {[]string{"ACTIONS_ID_TOKEN_REQUEST_URL=http://github.example/t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=planted"}, "in the clear"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := TokenFrom(TokenOptions{Environment: Environment{Environ: test.environ}})(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "planted") {
				t.Errorf("TokenFrom: %v", err)
			}
		})
	}
}

// TestTokenStops: a context that has ended asks nobody.
func TestTokenStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := TokenFrom(TokenOptions{Environment: Environment{Environ: actionsServer(t, tokenFor("job"))}})(ctx)
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("TokenFrom: %v", err)
	}
}

func TestTokenIsCurrent(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	for _, test := range []struct {
		expires float64
		now     time.Time
		current bool
	}{
		{1_800_000_001, at, true}, {1_800_000_000, at, false}, {1_799_999_000.5, at, false},
		{0, at, true}, {1, time.Time{}, true},
	} {
		if err := (claims{Expires: test.expires}).current(test.now); (err == nil) != test.current {
			t.Errorf("%v at %v: %v", test.expires, test.now, err)
		}
	}
}

// FuzzClaims: no token breaks the reading, and what is taken is for sigstore and names
// somebody.
func FuzzClaims(f *testing.F) {
	f.Add(tokenFor("x"))
	f.Add(tokenOf(`{"aud":["sigstore"],"email":"a@b","exp":1e300}`))
	f.Add(tokenOf(`{"aud":{},"sub":[]}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := readClaims(token)
		if err == nil && (c.name() == "" || len(c.Audience) == 0) {
			t.Errorf("%+v", c)
		}
		_ = c.current(time.Unix(0, 0))
	})
}
