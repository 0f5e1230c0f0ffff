package cli

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// TestOpenArguments: what the provenance says of the command line.
func TestOpenArguments(t *testing.T) {
	t.Parallel()
	a := &app{Process: Process{Environ: []string{"NANOBUILD_TAG=a\nb", "COSIGN_PASSWORD=hunter2hunter2", "NANOBUILD_CACHE=/home/me/cache"}}}
	a.log = newLogger(io.Discard, "text", 0)
	cmd, rest, err := a.root().Find([]string{"publish"})
	if err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	flags := cmd.Flags()
	if err := flags.Parse([]string{
		"-p", "ApiKey=k", "-p", "Version=1.2.3", "-e", "HOME_PAGE=x", "-l", "a=b", "-l", "title=Compass: a map", "--repo", "ghcr.io/me/web",
		"--push=true", "--base", "oci:/home/me/base:v1", "--base", "oci:base", "--sign-key", "/home/me/k.key", "-j", "3", "--cmd", "hunter2hunter2", "--ca-file", "/home/me/ca.pem",
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.applyEnvironment(flags); err != nil {
		t.Fatal(err)
	}
	a.log.secrets.Add(a.getenv(envKeyPassword))
	got := a.openArguments(cmd, []string{"src/Web", "/home/me/app", `C:\Users\me\app`}, []string{"-p:NuGetPassword=x", "--api-key", "y", "-v", "z", "--token=q"})
	want := []string{
		"publish", "src/Web", "app", "app", "--repo=ghcr.io/me/web", "--tag=a", "--tag=b", "--base=oci:base:v1", "--base=oci:base", "--env=HOME_PAGE=***",
		"--label=a=b", "--label=title=Compass: a map", "--cmd=***", "--property=ApiKey=***", "--property=Version=1.2.3",
		"--", "-p:NuGetPassword=***", "--api-key", "***", "-v", "z", "--token=***",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOpenValues: secrets are hidden, and what only sounds like one is not.
func TestOpenValues(t *testing.T) {
	t.Parallel()
	a := &app{log: newLogger(io.Discard, "text", 0)}
	for value, want := range map[string]string{
		"GH_PAT=ghp_0123456789abcdefghij":           "GH_PAT=***",
		"AUTH=Bearer abc":                           "AUTH=***",
		"SIGNING_KEY=abc":                           "SIGNING_KEY=***",
		"DB_PW=abc":                                 "DB_PW=***",
		"X=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.":    "X=***",
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.":      "***",
		"MSSQL=Server=db;User Id=sa;PW=abc":         "MSSQL=***",
		"BUS=Endpoint=sb://x;SharedAccessKey=abc":   "BUS=***",
		"C=Endpoint=sb://x;SharedAccessSignature=x": "C=***",
		"H=Authorization: Basic YWJj":               "H=***",
		"DefaultConnection=abc":                     "DefaultConnection=***",
		"PEM=-----BEGIN PRIVATE KEY-----":           "PEM=***",
		"AwsId=AKIA0123456789ABCDEF":                "AwsId=***",
		"U=https://me:x@example.com/":               "U=https://***@example.com/",
		"https://me:x@example.com/":                 "https://example.com/",
		"Bypass=true":                               "Bypass=true",
		"Passthrough=on":                            "Passthrough=on",
		"TokenizerModel=bert":                       "TokenizerModel=bert",
		"CompassVersion=1.2":                        "CompassVersion=1.2",
		"Kansas=1":                                  "Kansas=1",
		"HTMLKeyboard=x":                            "HTMLKeyboard=x",
		"title=Compass: a map of keys":              "title=Compass: a map of keys",
	} {
		if got := a.openValue(value); got != want {
			t.Errorf("%s is shown as %s, want %s", value, got, want)
		}
	}
}
