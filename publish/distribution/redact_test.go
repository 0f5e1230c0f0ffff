package distribution

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestRedactHidesWhatWasAdded(t *testing.T) {
	t.Parallel()
	const password = `pa"ss wörd/+&=%`
	s := new(Secrets)
	s.Add(password)
	for name, text := range map[string]string{
		"plain":       "the password " + password + " is wrong",
		"query":       "grant_type=password&password=" + url.QueryEscape(password),
		"path":        "x/" + url.PathEscape(password) + "/y",
		"quoted":      fmt.Sprintf("refused %q", password),
		"JSON":        `{"password":"pa\"ss wörd/+\u0026=%"}`,
		"base64":      base64.StdEncoding.EncodeToString([]byte(password)),
		"of user":     base64.StdEncoding.EncodeToString([]byte("me:" + password)),
		"of another":  base64.StdEncoding.EncodeToString([]byte("me2:" + password)),
		"of a third":  base64.URLEncoding.EncodeToString([]byte("me23:" + password)),
		"without end": base64.RawStdEncoding.EncodeToString([]byte("me:" + password + "\nmore")),
	} {
		got := s.Redact(text)
		if !strings.Contains(got, "***") || strings.Contains(got, "ss w") || strings.Contains(got, "c3Mgd") {
			t.Errorf("%s: %q becomes %q", name, text, got)
		}
		// Of a base64 text at most the user, and a few bits at the end, are left.
		if strings.HasPrefix(name, "base64") || strings.HasPrefix(name, "of ") || name == "without end" {
			if rest := strings.ReplaceAll(got, "***", ""); len(rest) > 16 {
				t.Errorf("%s: %q is left", name, rest)
			}
		}
	}
}

func TestRedactHidesWhatLooksLikeASecret(t *testing.T) {
	t.Parallel()
	header := http.Header{"Authorization": {"Basic bWU6c2VjcmV0"}, "Accept": {"a/b"}}
	for text, want := range map[string]string{
		"Authorization: Basic bWU6c2VjcmV0":                "Authorization: ***",
		"authorization: Bearer eyJhbGciOi.abc.def, next":   "authorization: ***, next",
		"Proxy-Authorization: Basic bWU6c2VjcmV0 failed":   "Proxy-Authorization: *** failed",
		`{"Authorization":"token 123"}`:                    `{"Authorization":"***"}`,
		fmt.Sprint(header):                                 "map[Accept:[a/b] Authorization:[***]]",
		"sent Bearer eyJhbGciOiJI.e30.x-_ to it":           "sent Bearer *** to it",
		"Basic authentication is not supported":            "Basic authentication is not supported",
		`Bearer realm="https://a.example.com/token"`:       `Bearer realm="https://a.example.com/token"`,
		`Bearer error="invalid_token"`:                     `Bearer error="invalid_token"`,
		"https://me:pass@r.example.com/v2/":                "https://***@r.example.com/v2/",
		"https://me:p@ss@r.example.com/v2/":                "https://***@r.example.com/v2/",
		"HTTPS://tokenonly@r.example.com":                  "HTTPS://***@r.example.com",
		"proxy socks5://u:p@10.0.0.1:1080":                 "proxy socks5://***@10.0.0.1:1080",
		"ssh://git@github.com/a/b":                         "ssh://git@github.com/a/b",
		`Get "https://s.example.com/b?sig=a%2Bb&e=1": EOF`: `Get "https://s.example.com/b?***": EOF`,
		"PUT https://r.example.com/u/1?_state=abc: 404":    "PUT https://r.example.com/u/1?***: 404",
		"PUT /v2/a/blobs/uploads/1?_state=abc, again":      "PUT /v2/a/blobs/uploads/1?***, again",
		"went to /upload?_state=abc&digest=sha256:12":      "went to /upload?***",
		"this and/or? that=other":                          "this and/or? that=other",
		"(see https://example.com/doc?a=b).":               "(see https://example.com/doc?***).",
		"is it at https://example.com/doc?":                "is it at https://example.com/doc?",
		"sha256:0123 repository@sha256:4567 me@corp.com":   "sha256:0123 repository@sha256:4567 me@corp.com",
	} {
		for name, s := range map[string]*Secrets{"nil": nil, "zero": new(Secrets)} {
			if got := s.Redact(text); got != want {
				t.Errorf("%s: %q becomes %q, want %q", name, text, got, want)
			}
		}
	}
}

func TestRedactKeepsShortWords(t *testing.T) {
	t.Parallel()
	s := new(Secrets)
	s.Add("")
	s.Add("abc")
	if got := s.Redact("abc and nothing"); got != "abc and nothing" {
		t.Errorf("got %q", got)
	}
	var none *Secrets
	none.Add("secret") // must not panic
}

// A server's message is cut somewhere.
func TestRedactHidesCutSecrets(t *testing.T) {
	t.Parallel()
	s := new(Secrets)
	s.Add("hunter2 & planted")
	for text, want := range map[string]string{
		"it is hunter2 & pla…; try": "it is ***…; try", "it is hunt…": "it is ***…", "it is hun…": "it is hun…",
		`{"it":"hunter2 \u00…`: `{"it":"***…`, "hunt… hunter2 &… hunter": "***… ***… hunter",
	} {
		if got := s.Redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// A key file has many lines, and may be shown by any of them.
func TestRedactHidesLines(t *testing.T) {
	t.Parallel()
	s := new(Secrets)
	s.Add("{\n  \"private_key\": \"MIIEvQIBADANBg\",\n  \"x\": 1\n}\n")
	if got := s.Redact(`line 2: "private_key": "MIIEvQIBADANBg", and`); strings.Contains(got, "MIIE") {
		t.Errorf("got %q", got)
	}
}

func TestSecretsFromManyWorkers(t *testing.T) {
	t.Parallel()
	s := new(Secrets)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			secret := fmt.Sprintf("secret-%d", i)
			s.Add(secret)
			if got := s.Redact("a " + secret + " b"); got != "a *** b" {
				t.Errorf("got %q", got)
			}
		})
	}
	all.Wait()
}

func FuzzRedact(f *testing.F) {
	f.Add("hunter2!", "Authorization: Basic aHVudGVyMiE= https://u:hunter2!@h/p?q=hunter2!")
	f.Add("hunt…hunt", "hunt…hunt…hunt…")
	f.Add("a***", "aa***b a*** a*aa***")
	f.Add("https", "https://h/p?token=1")
	f.Add("Bearer", "Bearer Bearer abcdefg1h Basic Bearer ABCDEFGHIJ")
	f.Add("ü€ß√", "http://ü€ß√@x/v2/?ü€ß√")
	f.Fuzz(func(t *testing.T, secret, text string) {
		s := new(Secrets)
		s.Add(secret)
		got := s.Redact(text)
		if again := s.Redact(got); again != got {
			t.Errorf("%q becomes %q, and then %q", text, got, again)
		}
		if len(secret) >= minSecret && utf8.ValidString(secret) && strings.Contains(got, secret) {
			t.Errorf("%q is left in %q", secret, got)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q becomes %q, which is not UTF-8", text, got)
		}
	})
}
