//go:build unix

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/authority"
)

// script makes a program that notes its arguments, one run per line, before it does
// its work.
func script(t *testing.T, dir, name, work string) (arguments string) {
	t.Helper()
	arguments = filepath.Join(dir, name+".args")
	text := fmt.Sprintf("#!/bin/sh\necho \"$0 $*\" >> '%s'\ncd '%s'\n%s\n", arguments, dir, work)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return arguments
}

// TestNothingSecretIsAnArgument: all users of a machine can read the arguments of the
// programs that run there.
func TestNothingSecretIsAnArgument(t *testing.T) {
	bin := t.TempDir()
	helper := script(t, bin, "docker-credential-planted", `copy() { while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done; } # cat may not be there
case "$1" in
store) copy > stored;;
get) copy > asked; if [ -s stored ]; then copy < stored; else echo "credentials not found in native keychain"; exit 1; fi;;
erase) copy > erased; : > stored;;
esac`)
	dotnet := script(t, bin, "dotnet", "exit 1")
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	w := newSecretWorld(t, authority.New(t), "oci:image", "oci:base")
	w.write(t, w.home, ".docker/config.json", `{"credsStore": "planted"}`)
	w.write(t, w.dir, "web/web.csproj", `<Project Sdk="Microsoft.NET.Sdk"/>`)
	w.environ = append(w.environ, "PATH="+os.Getenv("PATH"), string(envPullUser)+"=me", string(envPullPassword)+"="+plantedPassword, string(envGitHubToken)+"="+plantedToken)
	w.stdin = plantedPassword + "\n"
	for _, step := range []struct {
		args []string
		code int
	}{
		{[]string{"login", registryHost, "-u", "me", "--password-stdin"}, exitOK},
		{[]string{"push", "oci:image", "--repo", webRepo, "-t", "v1"}, exitOK},
		{[]string{"publish", "web", "--base", "oci:base", "--repo", webRepo, "--dotnet", filepath.Join(bin, "dotnet")}, exitDotnet},
		{[]string{"logout", registryHost}, exitOK},
	} {
		got := w.run(t, append(w.arguments(step.args), "-v")...)
		if got.code != step.code {
			t.Fatalf("%s: exit code %d, want %d: %s", step.args[0], got.code, step.code, got.stderr)
		}
		if found := leaks([]byte(got.stdout + got.stderr)); found != nil {
			t.Errorf("%s shows %q: %s", step.args[0], found, got.stderr)
		}
	}
	started := read(t, helper) + read(t, dotnet)
	for _, want := range []string{"planted store", "planted get", "planted erase", "dotnet "} {
		if !strings.Contains(started, want) {
			t.Errorf("%q was not started: %s", want, started)
		}
	}
	config := read(t, filepath.Join(w.home, ".docker", "config.json"))
	if found := leaks([]byte(started + config)); found != nil {
		t.Errorf("%q is among\n%s%s", found, started, config)
	}
	if !w.saw(plantedPassword) {
		t.Error("the helper's password was not used")
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
