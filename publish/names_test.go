package publish

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// The results of ParseContainerProperties in SDK 10.0.401, where they are names
// that registries take; "" is a refusal.
func TestRepositoryName(t *testing.T) {
	t.Parallel()
	for assembly, want := range map[string]string{
		"My.Api": "my-api", "my.api": "my.api", "My Company.API": "my-company-api", "FOO+XYZ": "foo-xyz", "My_App": "my_app",
		"FOO": "foo", "A": "a", "1App": "1app", "1": "1", "A--B": "a--b", "a--b": "a--b", "App__x": "app__x", "a__b": "a__b",
		"App+C": "app-c", "App/Sub": "app/sub", "a/b.C": "a/b-c", "a+b": "a-b", "my.api.V2": "my-api-v2", "a..b": "a--b",
		"App😀x": "app--x", "localhost/app": "localhost/app", "registry.io/app": "registry.io/app",
		// refused by the SDK
		"": "", "Übung.Web": "", "日本": "", ".x": "", "_App": "", "ÄB": "", "İx": "",
		// made by the SDK into names that no registry takes
		"App.": "", "App-": "", "C#": "", "aÄ": "", "App日本": "", "a___b": "", "a-_b": "", "app//sub": "", "app/": "",
	} {
		got, err := RepositoryName(assembly)
		var usage *UsageError
		if want == "" && errors.As(err, &usage) {
			continue
		}
		if err != nil || got != want {
			t.Errorf("RepositoryName(%q) = %q, %v; want %q", assembly, got, err, want)
		}
	}
	if _, err := RepositoryName("C#"); !strings.Contains(err.Error(), "ContainerRepository=c or") {
		t.Errorf("the refusal of C# shows no way out: %v", err)
	}
}

func TestParseRepo(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"ghcr.io/acme/app":       "ghcr.io/acme/app",
		"localhost:5000/app":     "localhost:5000/app",
		"10.1.1.1:5000/app":      "10.1.1.1:5000/app",
		"registry.corp/a/b__c-d": "registry.corp/a/b__c-d",
		"acme/app":               "index.docker.io/acme/app",
		"docker.io/acme/app":     "index.docker.io/acme/app",
		"[::1]:5000/app":         "[::1]:5000/app",
	} {
		repo, err := ParseRepo(s)
		if err != nil {
			t.Errorf("ParseRepo(%q): %v", s, err)
			continue
		}
		if got := repo.Name(); got != want {
			t.Errorf("ParseRepo(%q) = %s, want %s", s, got, want)
		}
	}
}

func TestParseRepoRefusals(t *testing.T) {
	t.Parallel()
	long := "ghcr.io/" + strings.Repeat("a", 256)
	for s, want := range map[string]struct{ reason, try string }{
		"":                              {"is empty", "registry.example.com/team/app"},
		"GHCR.io/Acme/App":              {"capital", "ghcr.io/acme/app"},
		"ghcr.io/Acme/My.App":           {"small letters", "ghcr.io/acme/my.app"},
		"https://ghcr.io/acme/app":      {"scheme", "ghcr.io/acme/app"},
		"docker://ghcr.io/Acme/app:v1":  {"scheme", "ghcr.io/acme/app"},
		"http://localhost:5000/app/":    {"scheme", "localhost:5000/app"},
		"ghcr.io/acme/app:v1":           {"tag", "ghcr.io/acme/app with -t v1"},
		"localhost:5000/app:v1":         {"tag", "localhost:5000/app with -t v1"},
		"acme/app:v1":                   {"tag", "acme/app with -t v1"},
		"ghcr.io/acme/app@sha256:abc":   {"digest", "ghcr.io/acme/app"},
		"ghcr.io/acme/":                 {"slash at the end", "ghcr.io/acme/app"},
		"ghcr.io//app":                  {"empty part", "ghcr.io/app"},
		"ghcr.io/my app":                {"my app", "ghcr.io/my-app"},
		"ghcr.io/a___b/-x.":             {"a___b", "ghcr.io/a-b/x"},
		"app":                           {"no registry", "registry.example.com/app"},
		"localhost:5000":                {"registry alone", "localhost:5000/app"},
		long:                            {"longer than 255", ""},
		"ghcr.io/%c3%bc":                {"not made of", "ghcr.io/c3-bc"},
		"bad host.io/app":               {"", ""},
		"ghcr.io/acme/app?x=secret&y=1": {"not made of", "ghcr.io/acme/app-x-secret-y-1"},
	} {
		_, err := ParseRepo(s)
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("ParseRepo(%q) = %v, want a UsageError", s, err)
			continue
		}
		if !strings.Contains(usage.Reason, want.reason) || usage.Try != want.try {
			t.Errorf("ParseRepo(%q): %q, try %q; want %q, try %q", s, usage.Reason, usage.Try, want.reason, want.try)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"ghcr.io/acme/", "localhost:5000/", "registry.corp/"} {
		p, err := ParsePrefix(s)
		if err != nil {
			t.Errorf("ParsePrefix(%q): %v", s, err)
			continue
		}
		repo, err := p.Repo("my-api")
		if err != nil || repo.Name() != s+"my-api" || p.String() != s {
			t.Errorf("%q: Repo = %v, %v", s, repo, err)
		}
		if _, err := p.Repo("My"); err == nil {
			t.Errorf("%q: a bad name was accepted", s)
		}
	}
	for _, s := range []string{"", "/", "ghcr.io/acme", "https://ghcr.io/acme/", "ghcr.io/Acme/", "ghcr.io//"} {
		var usage *UsageError
		if _, err := ParsePrefix(s); !errors.As(err, &usage) {
			t.Errorf("ParsePrefix(%q) = %v, want a UsageError", s, err)
		}
	}
}

func TestParseTag(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"latest", "v1.0.0", "1.0.0-beta.2", "_x", "A", strings.Repeat("a", 128)} {
		if err := ParseTag(s); err != nil {
			t.Errorf("ParseTag(%q): %v", s, err)
		}
	}
	for s, want := range map[string]struct{ reason, try string }{
		"":                       {"is empty", "latest"},
		"1.0.0+abc":              {"a +", "1.0.0-abc"},
		"a, b":                   {"more than one tag", "-t a -t b"},
		"a;b":                    {"more than one tag", "-t a -t b"},
		"latest;":                {"more than one tag", "-t latest"},
		" v1":                    {"more than one tag", "-t v1"},
		strings.Repeat("a", 129): {"128", strings.Repeat("a", 128)},
		"feature/x":              {"a reference", "x"},
		"ghcr.io/a/b:v1":         {"a reference", "v1"},
		".x":                     {"begin", "x"},
		"-x":                     {"begin", "x"},
		"ü1":                     {"letters, digits", "1"},
	} {
		var usage *UsageError
		if err := ParseTag(s); !errors.As(err, &usage) || !strings.Contains(usage.Reason, want.reason) || usage.Try != want.try {
			t.Errorf("ParseTag(%q) = %v; want %q, try %q", s, err, want.reason, want.try)
		}
	}
}

func TestSplitRegistry(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][2]string{
		"ghcr.io": {"ghcr.io", ""}, "ghcr.io/": {"ghcr.io", ""}, "https://ghcr.io/acme/": {"ghcr.io", "acme/"},
		"http://localhost:5000": {"localhost:5000", ""}, "ghcr.io/a/b": {"ghcr.io", "a/b/"}, " ghcr.io//a// ": {"ghcr.io", "a/"}, "": {"", ""},
	} {
		if host, prefix := SplitRegistry(s); host != want[0] || prefix != want[1] {
			t.Errorf("SplitRegistry(%q) = %q, %q; want %q", s, host, prefix, want)
		}
	}
}

func TestStripRegistry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, repo, want string
		stripped         bool
	}{
		{"ghcr.io", "ghcr.io/acme/app", "acme/app", true},
		{"ghcr.io", "GHCR.io/acme/app", "acme/app", true},
		{"ghcr.io", "https://ghcr.io/acme/app", "acme/app", true},
		{"ghcr.io", "acme/app", "acme/app", false},
		{"ghcr.io", "ghcr.io", "ghcr.io", false},
		{"", "/app", "/app", false},
	} {
		if got, ok := StripRegistry(c.host, c.repo); got != c.want || ok != c.stripped {
			t.Errorf("StripRegistry(%q, %q) = %q, %v", c.host, c.repo, got, ok)
		}
	}
}

// What is accepted is valid everywhere, and each corrected value is accepted.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"ghcr.io/acme/app", "https://A/B:c@d", "a, b", "1.0+x", "Übung.Web", "localhost:5000", "[::1]:5/x", "a/../b", "x:y/z:w", "a.b/__/c", "::/x", "a:/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if repo, err := ParseRepo(s); err == nil {
			if !validRepositoryPath(repo.RepositoryStr()) {
				t.Errorf("ParseRepo(%q) accepts %q", s, repo.RepositoryStr())
			}
		} else {
			checkRefusal(t, err, func(try string) error {
				repo, _, _ := strings.Cut(try, " with -t ")
				_, err := ParseRepo(repo)
				return err
			})
		}
		if err := ParseTag(s); err != nil {
			checkRefusal(t, err, func(try string) error {
				for _, tag := range strings.Split(strings.TrimPrefix(try, "-t "), " -t ") {
					if err := ParseTag(tag); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if made, err := RepositoryName(s); err == nil && !validRepositoryPath(made) {
			t.Errorf("RepositoryName(%q) = %q", s, made)
		} else if err != nil {
			checkRefusal(t, err, func(string) error { return nil })
		}
		host, prefix := SplitRegistry(s)
		if strings.Contains(host, "/") || prefix != "" && !strings.HasSuffix(prefix, "/") {
			t.Errorf("SplitRegistry(%q) = %q, %q", s, host, prefix)
		}
	})
}

func checkRefusal(t *testing.T, err error, accepts func(try string) error) {
	t.Helper()
	var usage *UsageError
	if !errors.As(err, &usage) {
		t.Fatalf("%v is no UsageError", err)
	}
	if usage.Try == "" || !utf8.ValidString(usage.Value) {
		return
	}
	if err := accepts(usage.Try); err != nil {
		t.Errorf("%v: what it offers is refused: %v", usage, err)
	}
}
