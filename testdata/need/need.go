// Package need lets tests ask for the outside programs they run. A missing one
// skips the test with a message; NANOBUILD_TEST_REQUIRE=dotnet,wine,registry,base,git,cosign
// turns that skip into a failure.
package need

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Dotnet skips the test where no .NET SDK is on PATH, and returns its path.
func Dotnet(t testing.TB) string { return program(t, "dotnet", "dotnet", "install the .NET SDK 10") }

// Git skips the test where git is missing, and returns its path.
func Git(t testing.TB) string { return program(t, "git", "git", "install git") }

// Base skips the test where no base image is named, and returns the OCI layout
// that holds one.
func Base(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("NANOBUILD_TEST_BASE")
	if dir == "" {
		missing(t, "base", "set NANOBUILD_TEST_BASE to an OCI layout of a Windows base")
	}
	return dir
}

// Skopeo skips the test where skopeo is missing, and returns its path. It
// belongs to the registry tests.
func Skopeo(t testing.TB) string { return program(t, "registry", "skopeo", "install skopeo") }

// Registry skips the test where no registry program is on PATH
// (docker-registry, or distribution's registry), and returns its path.
func Registry(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"docker-registry", "registry"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	missing(t, "registry", "no docker-registry or registry on PATH: install docker-registry")
	return ""
}

// Wine skips the test where no runner of Windows images is named, and returns
// the runner: a program that takes an OCI layout and starts its image.
func Wine(t testing.TB) string {
	t.Helper()
	p := os.Getenv("NANOBUILD_TEST_WINE")
	if p == "" {
		missing(t, "wine", "set NANOBUILD_TEST_WINE to a program that starts the image of an OCI layout")
	}
	return p
}

// Cosign skips the test where no programs of cosign are named, and returns the folder
// that has one for each major version: v2/cosign and v3/cosign.
func Cosign(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("NANOBUILD_TEST_COSIGN")
	if dir == "" {
		missing(t, "cosign", "no programs of cosign: .ci/interop builds them and sets NANOBUILD_TEST_COSIGN")
	}
	return dir
}

// WineHost skips the test where wine itself is missing, which runs programs that
// were built for Windows, and returns its path. It belongs to the wine tests.
func WineHost(t testing.TB) string {
	return program(t, "wine", "wine", "install wine")
}

func program(t testing.TB, what, name, remedy string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		missing(t, what, name+" is not on PATH: "+remedy)
	}
	return p
}

func missing(t testing.TB, what, message string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("NANOBUILD_TEST_REQUIRE"), ","), what) {
		t.Fatal(message)
	}
	t.Skip(message)
}
