package base

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

func TestParseMirror(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"mcr.microsoft.com=registry.corp/mcr":             "",
		"mcr.microsoft.com/windows=localhost:5000/win":    "",
		"localhost=127.0.0.1:5000":                        "",
		"[::1]:5000/a=[::1]:5000/b":                       "",
		"docker.io=registry.corp/hub":                     "",
		"index.docker.io/library=registry.corp/hub":       "docker.io/library=registry.corp/hub",
		"MCR.Microsoft.com=registry.corp":                 "mcr.microsoft.com=registry.corp",
		"mcr.microsoft.com=mcr.microsoft.com/copy":        "",
		"mcr.microsoft.com/a-b_c.d/e__f=r.example.com:80": "",
	} {
		if want == "" {
			want = s
		}
		if m, err := ParseMirror(s); err != nil || m.String() != want {
			t.Errorf("ParseMirror(%q) = %v, %v, want %s", s, m, err, want)
		}
	}
}

func TestMalformedMirrors(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                                      "there is no =",
		"mcr.microsoft.com":                     "there is no =",
		"=registry.corp":                        "begins with no host",
		"mcr.microsoft.com=":                    "begins with no host",
		"windows=registry.corp":                 "begins with no host",
		"mcr.microsoft.com=mirror/windows":      "begins with no host",
		"https://mcr.microsoft.com=registry.co": "leave https:// away",
		"mcr.microsoft.com=http://registry.co":  "leave http:// away",
		"a.com=b.com=c.com":                     "is no host",
		"a.com/x:v1=b.com":                      "has a tag or a digest",
		"a.com=b.com/x@" + someDigest:           "has a tag or a digest",
		"a.com/=b.com":                          "has an empty part",
		"a.com//x=b.com":                        "has an empty part",
		"a.com=b.com/x/../y":                    "has an empty part",
		"a.com=b.com/Upper":                     "is no path of repositories",
		"a.com=b.com/a b":                       "is no path of repositories",
		"a b.com=b.com":                         "is no host",
		"a.com?x=b.com":                         "is no host",
		"a.com/x=a.com/x":                       "both sides are the same",
		"docker.io=index.docker.io":             "both sides are the same",
		"a.com=A.com":                           "both sides are the same",
	} {
		m, err := ParseMirror(s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "such as mcr.microsoft.com/windows=") {
			t.Errorf("ParseMirror(%q) = %v, %v, want %q and an example", s, m, err, want)
		}
	}
}

func mirrors(t testing.TB, all ...string) []Mirror {
	t.Helper()
	parsed := make([]Mirror, len(all))
	for i, s := range all {
		var err error
		if parsed[i], err = ParseMirror(s); err != nil {
			t.Fatal(err)
		}
	}
	return parsed
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	const nano = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
	for what, c := range map[string]struct {
		mirrors []string
		ref     string
		want    []string // before ref itself
	}{
		"none":         {nil, nano, nil},
		"a host":       {[]string{"mcr.microsoft.com=r.corp/mcr"}, nano, []string{"r.corp/mcr/windows/nanoserver:ltsc2022"}},
		"host to host": {[]string{"mcr.microsoft.com=r.corp"}, nano, []string{"r.corp/windows/nanoserver:ltsc2022"}},
		"a path":       {[]string{"mcr.microsoft.com/windows=r.corp"}, nano, []string{"r.corp/nanoserver:ltsc2022"}},
		"a repository": {[]string{"mcr.microsoft.com/windows/nanoserver=r.corp/nano"}, nano, []string{"r.corp/nano:ltsc2022"}},
		"another host": {[]string{"microsoft.com=r.corp", "mcr.microsoft.com:444=r.corp"}, nano, nil},
		"half a name":  {[]string{"mcr.microsoft.com/win=r.corp", "mcr.microsoft.com/windows/nano=r.corp"}, nano, nil},
		"below it":     {[]string{"mcr.microsoft.com/windows/nanoserver/x=r.corp"}, nano, nil},
		"longest": {
			[]string{"mcr.microsoft.com=a.corp", "mcr.microsoft.com/windows=b.corp/w", "mcr.microsoft.com=c.corp", "mcr.microsoft.com/windows=d.corp/w"}, nano,
			[]string{"b.corp/w/nanoserver:ltsc2022", "d.corp/w/nanoserver:ltsc2022"},
		},
		"twice the same": {[]string{"mcr.microsoft.com=a.corp", "mcr.microsoft.com=a.corp"}, nano, []string{"a.corp/windows/nanoserver:ltsc2022"}},
		"a digest":       {[]string{"mcr.microsoft.com=a.corp"}, "mcr.microsoft.com/x/y@" + someDigest, []string{"a.corp/x/y@" + someDigest}},
		"both":           {[]string{"mcr.microsoft.com=a.corp"}, "mcr.microsoft.com/x/y:v1@" + someDigest, []string{"a.corp/x/y@" + someDigest}},
		"an alias":       {[]string{"docker.io=a.corp/hub"}, "nano", []string{"a.corp/hub/library/nano:latest"}},
		"to docker hub":  {[]string{"a.corp=docker.io"}, "a.corp/team/nano:v1", []string{"index.docker.io/team/nano:v1"}},
		"in capitals":    {[]string{"mcr.microsoft.com=a.corp"}, "MCR.microsoft.com/xx:v1", []string{"a.corp/xx:v1"}},
	} {
		ref, err := name.ParseReference(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		places, err := placesOf(ref, mirrors(t, c.mirrors...))
		if err != nil || places[len(places)-1] != ref {
			t.Errorf("%s: %v, %v", what, places, err)
			continue
		}
		var got []string
		for _, p := range places[:len(places)-1] {
			got = append(got, p.Name())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

func TestMirrorWithoutAName(t *testing.T) {
	t.Parallel()
	ref := name.MustParseReference("mcr.microsoft.com/windows/nanoserver:ltsc2022")
	for mirror, want := range map[string]string{
		"mcr.microsoft.com/windows/nanoserver=r.corp":          "give the path of mcr.microsoft.com/windows/nanoserver there too",
		"mcr.microsoft.com=r.corp/" + strings.Repeat("a", 240): "--registry-map mcr.microsoft.com=",
	} {
		if places, err := placesOf(ref, mirrors(t, mirror)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", mirror, places, err, want)
		}
	}
}

// FuzzMirror: what is taken reads the same when it is written out, and leads only
// from below its left side to below its right side.
func FuzzMirror(f *testing.F) {
	for _, s := range []string{
		"mcr.microsoft.com=r.corp/mcr", "mcr.microsoft.com/windows=localhost:5000", "docker.io=a.corp/hub", "a.corp=docker.io/library",
		"https://a.com=b.com", "a.com/x:v1=b.com", "[::1]:5/a=b.com//", "=", "a.com=a.com", "../..=.", "a.com/é=b.com",
	} {
		f.Add(s, "mcr.microsoft.com/windows/nanoserver:ltsc2022")
		f.Add(s, "nano@"+someDigest)
	}
	f.Fuzz(func(t *testing.T, s, given string) {
		m, err := ParseMirror(s)
		if err != nil {
			return
		}
		if again, err := ParseMirror(m.String()); err != nil || again != m {
			t.Errorf("%q is %s, which reads as %s, %v", s, m, again, err)
		}
		ref, err := name.ParseReference(given)
		if err != nil {
			return
		}
		places, err := placesOf(ref, []Mirror{m})
		if err != nil {
			return
		}
		if len(places) > 2 || places[len(places)-1] != ref {
			t.Fatalf("%s below %s: %v", ref, m, places)
		}
		if at := places[0]; at != ref {
			if !m.from.covers(ref.Context()) || !m.to.covers(at.Context()) || at.Identifier() != ref.Identifier() {
				t.Errorf("%s below %s is %s", ref, m, at)
			}
			if _, err := name.ParseReference(at.Name()); err != nil {
				t.Errorf("%s below %s: %v", ref, m, err)
			}
		}
	})
}
