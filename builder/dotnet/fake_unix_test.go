//go:build unix

package dotnet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fake writes a script that plays dotnet; it finds $result and $publish set.
func fake(t *testing.T, script string) Request {
	t.Helper()
	dir := write(t, map[string]string{"app.csproj": console("", "")})
	exe := filepath.Join(t.TempDir(), "dotnet")
	text := `#!/bin/sh
for arg; do case "$arg" in
	-getResultOutputFile:*) result="${arg#*:}";;
	-p:PublishDir=*) publish="${arg#*=}";;
esac; done
` + script
	if err := os.WriteFile(exe, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return Request{Project: dir, WorkDir: dir, Dotnet: exe, TempDir: t.TempDir(), Env: []string{"PATH=/usr/bin:/bin"}}
}

// TestIncompleteSuccess has runs that end with exit code 0 and are no success.
func TestIncompleteSuccess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, script, want string }{
		{"stopped from outside", `exit 0`, "without a result"},
		{"no files", `echo '{"Properties":{},"Items":{"ResolvedFileToPublish":[]}}' >"$result"`, "no files"},
		{"damaged result", `echo '{"Prop' >"$result"`, "read the result of the build"},
		{
			"no program",
			`mkdir "$publish"; echo MZ >"$publish/App.dll"; echo '{"Properties":{"AssemblyName":"App","_NativeExecutableExtension":".exe"},"Items":{"ResolvedFileToPublish":[{"RelativePath":"App.dll"}]}}' >"$result"`,
			"the program App.exe is not among the 1 files",
		},
		{"result of a failed build", `echo '{"Properties":{},"Items":{"ResolvedFileToPublish":[{"RelativePath":"a"}]}}' >"$result"; echo 'CSC : error CS5001: no Main'; exit 1`, "exit code 1"},
		{"only a runtime", `echo 'No .NET SDKs were found.' >&2; exit 145`, "no .NET SDK"},
		{"no diagnostics", `echo 'something odd'; exit 3`, "something odd"},
		{"a signal", `kill -9 $$`, "exit code -1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			failed(t, fake(t, test.script), test.want)
		})
	}
}

// TestCancelStubborn has a program that ignores the interrupt, with a child that
// does too.
func TestCancelStubborn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "stubborn")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntrap '' INT\nsleep 60 &\ntouch started\nwait\nsleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
				cancel(stop)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	start := time.Now()
	cmd := command{program: script, dir: dir, env: []string{"PATH=/usr/bin:/bin"}, grace: 200 * time.Millisecond}
	if _, err := cmd.run(ctx, newOutput(Request{}, "")); !errors.Is(err, stop) {
		t.Errorf("run = %v, want %v", err, stop)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestPublishAlreadyCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	cancel(stop)
	req := fake(t, "exit 0")
	if _, err := Publish(ctx, req); !errors.Is(err, stop) {
		t.Errorf("Publish = %v, want %v", err, stop)
	}
	empty(t, req.TempDir)
}
