package base

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const someDigest = "sha256:34be59fee51c8213b1b9750149e6f711de305cab3f9f7f7ca568d9d00aa91fc5"

func TestExpand(t *testing.T) {
	t.Parallel()
	const mcr = "mcr.microsoft.com/windows/"
	for ref, want := range map[string]string{
		"":                              mcr + "nanoserver:ltsc2022",
		"ltsc2019":                      mcr + "nanoserver:ltsc2019",
		"1809":                          mcr + "nanoserver:ltsc2019",
		"ltsc2022":                      mcr + "nanoserver:ltsc2022",
		"ltsc2025":                      mcr + "nanoserver:ltsc2025",
		"nanoserver":                    mcr + "nanoserver:ltsc2022",
		"nanoserver:ltsc2022-amd64":     mcr + "nanoserver:ltsc2022-amd64",
		"nanoserver@" + someDigest:      mcr + "nanoserver@" + someDigest,
		"servercore":                    mcr + "servercore:ltsc2022",
		"servercore:ltsc2019":           mcr + "servercore:ltsc2019",
		"nanoserver:":                   mcr + "nanoserver:",
		"nanoserver2":                   "nanoserver2",
		"nanoserver/x":                  "nanoserver/x",
		"mynanoserver":                  "mynanoserver",
		"localhost:5000/nanoserver:x":   "localhost:5000/nanoserver:x",
		"oci:nanoserver":                "oci:nanoserver",
		mcr + "nanoserver:10.0.20348.1": mcr + "nanoserver:10.0.20348.1",
	} {
		if got := Expand(ref); got != want {
			t.Errorf("Expand(%q) = %q, want %q", ref, got, want)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]struct {
		place place
		rest  string
	}{
		`oci:C:\bases\nano:v1`: {inLayout, `C:\bases\nano:v1`},
		"tar:/tmp/base.tar":    {inTar, "/tmp/base.tar"},
		"ltsc2022":             {inRegistry, "ltsc2022"},
		"oci.example.com/x":    {inRegistry, "oci.example.com/x"},
	} {
		if place, rest := locate(ref); place != want.place || rest != want.rest {
			t.Errorf("locate(%q) = %v, %q, want %v", ref, place, rest, want)
		}
	}
}

func TestSelections(t *testing.T) {
	t.Parallel()
	hash, err := v1.NewHash(someDigest)
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string][]selection{
		"dir":               {{path: "dir"}},
		"dir:v1":            {{path: "dir:v1"}, {path: "dir", name: "v1"}},
		"dir:repo/x:v1":     {{path: "dir:repo/x:v1"}, {path: "dir:repo/x", name: "v1"}, {path: "dir", name: "repo/x:v1"}},
		`C:\dir`:            {{path: `C:\dir`}},
		`C:/dir`:            {{path: `C:/dir`}},
		`C:\dir:v1`:         {{path: `C:\dir:v1`}, {path: `C:\dir`, name: "v1"}},
		"dir@" + someDigest: {{path: "dir@" + someDigest}, {path: "dir", digest: &hash}, {path: "dir@sha256", name: hash.Hex}},
		"dir:":              {{path: "dir:"}},
		":v1":               {{path: ":v1"}},
		"":                  {{}},
	} {
		if d := cmp.Diff(want, selections(s), cmp.AllowUnexported(selection{})); d != "" {
			t.Errorf("selections(%q) (-want +got):\n%s", s, d)
		}
	}
}

func TestIsAlias(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]bool{
		"mynanoserver": true, "mynanoserver:v1": true, "team/nano": true,
		"docker.io/library/x": false, "localhost/x": false, "localhost:5000/x": false, "host:1/x": false,
	} {
		if got := isAlias(ref); got != want {
			t.Errorf("isAlias(%q) = %v", ref, got)
		}
	}
}

func TestWrittenOutName(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"ltsc2025":                          "mcr.microsoft.com/windows/nanoserver:ltsc2025",
		"mynano":                            "docker.io/library/mynano:latest",
		"docker.io/team/nano:v1":            "docker.io/team/nano:v1",
		"host:5000/x":                       "host:5000/x:latest",
		"host:5000/x@" + someDigest:         "host:5000/x@" + someDigest,
		"host:5000/x:v1@" + someDigest:      "host:5000/x:v1@" + someDigest,
		"[::1]:5000/x:v1":                   "[::1]:5000/x:v1",
		"nanoserver:ltsc2022@" + someDigest: "mcr.microsoft.com/windows/nanoserver:ltsc2022@" + someDigest,
	} {
		ref, err := parseReference(given)
		if err != nil {
			t.Errorf("%s: %v", given, err)
		} else if got := writtenOut(ref); got != want {
			t.Errorf("name of %q = %q, want %q", given, got, want)
		}
	}
	for _, bad := range []string{"https://mcr.microsoft.com/x", "UPPER/Case", "a b", "x:", "oops@sha256:12"} {
		if ref, err := parseReference(bad); err == nil {
			t.Errorf("%q is taken for %s", bad, ref)
		}
	}
}
