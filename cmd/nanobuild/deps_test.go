package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The rules of the source tree: which package may import which, which calls
// only the command may make, what the binary may contain.

const (
	mainLines   = 40       // of main.go
	sourceLines = 400      // of any file that is no test
	binaryBytes = 30 << 20 // of the stripped program for linux/amd64
	nosignBytes = 12 << 20 // of the one without signing
)

func TestSourceFollowsTheRules(t *testing.T) {
	t.Parallel()
	files := sourceFiles(t)
	if len(files) < 10 {
		t.Fatalf("only %d source files found: the walk is broken", len(files))
	}
	for _, f := range files {
		for _, problem := range f.problems() {
			t.Error(problem)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range sourceFiles(t) {
		limit := sourceLines
		if f.name == "cmd/nanobuild/main.go" {
			limit = mainLines
		}
		if f.lines > limit {
			t.Errorf("%s has %d lines, more than %d", f.name, f.lines, limit)
		}
	}
}

func TestTopLevelNames(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !topLevel(e.Name()) {
			t.Errorf("%s does not belong at the top of the repository", e.Name())
		}
	}
}

// topLevel reports whether a name may stand at the top of the repository: the
// rooms, the usual files, dot-files, and what builds leave behind.
func topLevel(name string) bool {
	switch name {
	case "cmd", "builder", "layers", "publish", "testdata",
		"go.mod", "go.sum", "README.md", "LICENSE",
		"bin", "obj", "dist", "nanobuild", "nanobuild.exe", "nanobuild-out":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".out")
}

// TestBinaryHoldsNoClient keeps daemons' and clouds' client libraries out of
// the program, on each system it is built for.
func TestBinaryHoldsNoClient(t *testing.T) {
	t.Parallel()
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, d := range dependencies(t, goos) {
			if unwanted(d) {
				t.Errorf("the %s program contains %s", goos, d)
			}
		}
	}
}

// TestSigningCanBeLeftOut: built with the tag nosign, the program has nothing of
// sigstore.
func TestSigningCanBeLeftOut(t *testing.T) {
	t.Parallel()
	if !slices.ContainsFunc(dependencies(t, "linux"), sigstores) {
		t.Error("the complete program has no sigstore: the test looks for the wrong thing")
	}
	for _, d := range dependencies(t, "linux", "-tags=nosign") {
		if sigstores(d) {
			t.Errorf("the program without signing contains %s", d)
		}
	}
}

func sigstores(pkg string) bool { return strings.HasPrefix(pkg, "github.com/sigstore/") }

// dependencies are the packages of the program for a system.
func dependencies(t *testing.T, goos string, flags ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"list", "-deps"}, flags...), "./cmd/nanobuild")...)
	cmd.Dir = moduleRoot(t)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the dependencies for %s: %v\n%s", goos, err, &stderr)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 {
		t.Errorf("only %d packages listed for %s", len(deps), goos)
	}
	return deps
}

// unwanted reports whether the program must not contain the package.
func unwanted(pkg string) bool {
	for _, module := range []string{
		"github.com/docker/docker", "github.com/moby/moby", "github.com/moby/buildkit", "github.com/containerd/containerd",
		"k8s.io", "sigs.k8s.io", "cloud.google.com", "google.golang.org/api", "github.com/open-policy-agent",
		"github.com/aws", "github.com/awslabs", "github.com/Azure", "github.com/AzureAD", "github.com/sigstore/cosign/v2/cmd",
		module + "/testdata",
	} {
		// Microsoft's library for terminals is no client of its cloud.
		if !under(pkg, "github.com/Azure/go-ansiterm") && under(pkg, module) {
			return true
		}
	}
	return false
}

func TestBinarySize(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	for _, p := range []struct {
		tags string
		most int64
	}{{"", binaryBytes}, {"nosign", nosignBytes}} {
		out := filepath.Join(t.TempDir(), "nanobuild"+p.tags)
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-tags="+p.tags, "-o", out, "./cmd/nanobuild")
		cmd.Dir = moduleRoot(t)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, b)
		}
		info, err := os.Stat(out)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("tags %q: %.1f MB", p.tags, float64(info.Size())/1e6)
		if info.Size() > p.most {
			t.Errorf("the stripped program with the tags %q has %d bytes, more than %d", p.tags, info.Size(), p.most)
		}
	}
}

func TestUnwanted(t *testing.T) {
	t.Parallel()
	for pkg, want := range map[string]bool{
		"github.com/docker/docker/client":              true,
		"github.com/docker/docker-credential-helpers":  false,
		"github.com/docker/cli/cli/config":             false,
		"k8s.io/client-go/kubernetes":                  true,
		"github.com/aws/aws-sdk-go-v2/aws":             true,
		"github.com/Azure/go-ansiterm/winterm":         false,
		"github.com/Azure/azure-sdk-for-go/sdk":        true,
		"github.com/awsome/x":                          false,
		"github.com/awslabs/amazon-ecr-x":              true,
		"github.com/sigstore/cosign/v2/cmd/cosign/cli": true,
		"github.com/sigstore/cosign/v2/pkg/cosign":     false,
		module + "/testdata/need":                      true,
		module + "/layers":                             false,
	} {
		if got := unwanted(pkg); got != want {
			t.Errorf("unwanted(%q) = %v", pkg, got)
		}
	}
}

func TestTopLevel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"cmd": true, ".github": true, "go.mod": true,
		"pkg": false, "internal": false, "util": false, "docs": false, "Makefile": false,
	} {
		if got := topLevel(name); got != want {
			t.Errorf("topLevel(%q) = %v", name, got)
		}
	}
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs(filepath.FromSlash(path.Join("..", "..")))
	if err != nil {
		t.Fatal(err)
	}
	return root
}
