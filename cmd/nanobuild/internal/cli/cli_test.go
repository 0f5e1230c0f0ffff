package cli

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// result is what one run of the command line showed.
type result struct {
	code           int
	stdout, stderr string
}

func runIn(ctx context.Context, t *testing.T, dir string, environ []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(ctx, Process{
		Stdout: &stdout, Stderr: &stderr, Environ: environ, WorkDir: dir, TempRoot: t.TempDir(),
		Now: time.Now, Transport: http.DefaultTransport.(*http.Transport), Version: "test",
	}, args)
	return result{code, stdout.String(), stderr.String()}
}

func TestArgumentsThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		args    []string
		want    string
	}{
		"unknown command":    {nil, []string{"publsh"}, "publish"},
		"unknown flag":       {nil, []string{"publish", "--reppo", "x"}, "--reppo"},
		"flag without value": {nil, []string{"publish", "--repo"}, "--repo"},
		"log format":         {nil, []string{"version", "--log-format", "xml"}, "text or json"},
		"quiet and verbose":  {nil, []string{"version", "-q", "-v"}, "contradict"},
		"too many arguments": {nil, []string{"version", "x"}, "nanobuild version"},
		"layers":             {nil, []string{"publish", "--layers", "five"}, "split or single"},
		"number in variable": {[]string{"NANOBUILD_JOBS=many"}, []string{"publish"}, "NANOBUILD_JOBS"},
		"capitals in repo":   {nil, []string{"publish", "--repo", "ghcr.io/Me/App"}, "ghcr.io/me/app"},
		"tag with a plus":    {nil, []string{"publish", "-t", "1.0+5"}, "1.0+5"},
		"several, one name":  {nil, []string{"publish", "a", "b", "--repo", "ghcr.io/me/app"}, "ghcr.io/me/app/"},
		"no project":         {nil, []string{"publish", "nowhere"}, "nowhere"},
		"no jobs":            {nil, []string{"publish", "-j", "0"}, "-j"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runIn(t.Context(), t, t.TempDir(), c.environ, c.args...)
			if got.code != exitUsage {
				t.Errorf("exit code %d, want %d", got.code, exitUsage)
			}
			if got.stdout != "" {
				t.Errorf("stdout = %q, want nothing", got.stdout)
			}
			if !strings.Contains(got.stderr, c.want) {
				t.Errorf("stderr = %q, want %q in it", got.stderr, c.want)
			}
		})
	}
}

func TestPublishPrintsOneReference(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishDemo(t, dir)
	got := runIn(t.Context(), t, dir, []string{"NANOBUILD_TAG=v1\nv2", "NANOBUILD_BASE=oci:" + filepath.Join(dir, "base")},
		"publish", "app", "--oci-layout", "out", "--image-refs", "refs", "--digest-file", "digest")
	if got.code != exitOK {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	if !regexp.MustCompile(`^oci:.*out@sha256:[0-9a-f]{64}\n$`).MatchString(got.stdout) {
		t.Errorf("stdout = %q", got.stdout)
	}
	refs, err := os.ReadFile(filepath.Join(dir, "refs"))
	if err != nil || string(refs) != got.stdout {
		t.Errorf("--image-refs: %q, %v; want %q", refs, err, got.stdout)
	}
	digest, err := os.ReadFile(filepath.Join(dir, "digest"))
	if err != nil || !strings.HasSuffix(got.stdout, "@"+string(digest)) {
		t.Errorf("--digest-file: %q, %v; want the digest of %q", digest, err, got.stdout)
	}
	index, err := os.ReadFile(filepath.Join(dir, "out", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"demo:v1", "demo:v2"} {
		if !strings.Contains(string(index), tag) {
			t.Errorf("the layout has no %s: %s", tag, index)
		}
	}
}

// publishDemo writes the sample app and a layout with a base into dir.
func publishDemo(t *testing.T, dir string) {
	t.Helper()
	if err := sampleapp.Write(filepath.Join(dir, "app"), "hi"); err != nil {
		t.Fatal(err)
	}
	writeBase(t, filepath.Join(dir, "base"))
}

func TestInterruptedRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGINT, exitInterrupted}, {syscall.SIGTERM, exitTerminated}} {
		dir := t.TempDir()
		publishDemo(t, dir)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(interrupted{c.signal})
		got := runIn(ctx, t, dir, nil, "publish", "app", "--base", "oci:"+filepath.Join(dir, "base"), "--oci-layout", "out")
		if got.code != c.code {
			t.Errorf("%s: exit code %d, want %d: %s", c.signal, got.code, c.code, got.stderr)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Errorf("%s: a layout was left", c.signal)
		}
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := runIn(t.Context(), t, dir, nil, "demo")
	if got.code != exitOK {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	for _, want := range []string{"First publish", "The same again", "uploaded 0 B in layers and config, 0 B in manifests", "nanobuild inspect oci:"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("stdout = %q, want %q in it", got.stdout, want)
		}
	}
	seen := runIn(t.Context(), t, dir, nil, "inspect", "oci:"+filepath.Join(dir, "nanobuild-out", "demo"))
	if seen.code != exitOK {
		t.Fatalf("inspect: exit code %d: %s", seen.code, seen.stderr)
	}
	for _, origin := range []string{"runtime", "aspnet", "desktop", "packages", "project", "assets", "app"} {
		if !strings.Contains(seen.stdout, origin) {
			t.Errorf("inspect does not show the %s layer:\n%s", origin, seen.stdout)
		}
	}
}

func writeBase(t *testing.T, dir string) {
	t.Helper()
	image, err := sample.Image(sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	index, err := sample.Index(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteLayout(dir, index); err != nil {
		t.Fatal(err)
	}
}
