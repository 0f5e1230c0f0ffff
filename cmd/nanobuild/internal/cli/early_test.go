package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nanobuild/nanobuild/publish"
)

func TestErrorsBeforeTheFlagsAreKnownAreJSONToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ, args []string
	}{
		"flag":              {nil, []string{"publish", "--log-format", "json", "--reppo", "x"}},
		"variable":          {[]string{"NANOBUILD_LOG_FORMAT=json"}, []string{"publish", "--reppo", "x"}},
		"variable is wrong": {[]string{"NANOBUILD_JOBS=many"}, []string{"publish", "--log-format", "json"}},
	} {
		got := runIn(t.Context(), t, t.TempDir(), c.environ, c.args...)
		if got.code != exitUsage || !json.Valid([]byte(got.stderr)) {
			t.Errorf("%s: exit code %d, stderr %q; want %d and JSON", name, got.code, got.stderr, exitUsage)
		}
	}
	got := runIn(t.Context(), t, t.TempDir(), []string{"NANOBUILD_LOG_FORMAT=json"}, "publish", "--log-format", "text", "--reppo")
	if !strings.HasPrefix(got.stderr, "error: ") {
		t.Errorf("the flag says text: %q", got.stderr)
	}
}

func TestQuietAndVerboseAsFlagAndVariable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ []string
		flag    string
		code    int
	}{
		{[]string{"NANOBUILD_VERBOSE=true"}, "-q", exitOK},
		{[]string{"NANOBUILD_QUIET=true"}, "-v", exitOK},
		{[]string{"NANOBUILD_QUIET=true", "NANOBUILD_VERBOSE=true"}, "--log-format=text", exitUsage},
	} {
		if got := runIn(t.Context(), t, t.TempDir(), c.environ, "version", c.flag); got.code != c.code {
			t.Errorf("%v %s: exit code %d, want %d: %s", c.environ, c.flag, got.code, c.code, got.stderr)
		}
	}
}

func TestFilesForScriptsAreCheckedFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishDemo(t, dir)
	for _, c := range []struct{ flag, file string }{
		{"--image-refs", filepath.Join("none", "refs")}, {"--digest-file", dir},
	} {
		got := runIn(t.Context(), t, dir, []string{"NANOBUILD_BASE=oci:" + filepath.Join(dir, "base")},
			"publish", "app", "--oci-layout", "out", c.flag, c.file)
		if got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, c.flag) {
			t.Errorf("%s %s: exit code %d, stdout %q, stderr %q; want a usage error before anything is written", c.flag, c.file, got.code, got.stdout, got.stderr)
		}
	}
}

func TestBlankLinesInAVariableAreNoValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishDemo(t, dir)
	got := runIn(t.Context(), t, dir, []string{"NANOBUILD_TAG=\nv1\n\nv2\n", "NANOBUILD_BASE=oci:" + filepath.Join(dir, "base")},
		"publish", "app", "--oci-layout", "out")
	if got.code != exitOK {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
}

// TestInterruptedBetweenTags: a tag that moved before the interruption is told.
func TestInterruptedBetweenTags(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGINT})
	a := &app{log: newLogger(&stderr, "text", slog.LevelInfo)}
	a.report(ctx, fmt.Errorf("publish app: %w", &publish.TagError{
		Name: "example.com/app", Moved: []string{"v1"}, Failed: "v2", Err: context.Canceled,
	}))
	for _, want := range []string{"tags moved: v1", "error: interrupted"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr = %q, want %q in it", stderr.String(), want)
		}
	}
}
