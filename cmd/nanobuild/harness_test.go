package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// The tests of this folder run the program itself, as a user would.

// scratch is removed when all tests have run: the program, the samples, a home.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "e2e-nanobuild-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

const testVersion = "v0.0.0-e2e"

// program builds nanobuild once, as a release is built.
var program = sync.OnceValues(func() (string, error) {
	out := filepath.Join(scratch, "bin", "nanobuild"+exeSuffix())
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+testVersion, "-o", out, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nanobuild: %w\n%s", err, b)
	}
	return out, nil
})

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// result is what a run of the program left.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
	state          *os.ProcessState
	temp           string // the TMPDIR of the run
}

// lines are the lines of stdout.
func (r result) lines() []string {
	if r.stdout == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d after %.1f s\nstdout:\n%s\nstderr:\n%s", r.code, r.took.Seconds(), r.stdout, r.stderr)
}

// command prepares a run in dir with a clean environment: what finds programs
// and packages, a home and a temporary folder of its own, and env.
func command(t testing.TB, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnvironment(t), env...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// temps counts the temporary folders. They are not those of the tests: dotnet
// takes no folder with a comma, which a test's name may have.
var temps atomic.Int64

func cleanEnvironment(t testing.TB) []string {
	home := filepath.Join(scratch, "home")
	t.Helper()
	temp := filepath.Join(scratch, "temp-"+strconv.FormatInt(temps.Add(1), 10))
	if err := os.MkdirAll(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + home, "USERPROFILE=" + home, "DOTNET_CLI_HOME=" + home, "DOCKER_CONFIG=" + filepath.Join(home, "no-docker"),
		"XDG_CACHE_HOME=" + temp, "TMPDIR=" + temp, "TMP=" + temp, "TEMP=" + temp, "CI=true", "GIT_CONFIG_NOSYSTEM=1"}
	for _, name := range []string{"PATH", "DOTNET_ROOT", "NUGET_PACKAGES", "NuGetAudit", "DOTNET_NOLOGO", "DOTNET_CLI_TELEMETRY_OPTOUT",
		"DOTNET_SKIP_FIRST_TIME_EXPERIENCE", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "SystemRoot", "PATHEXT", "ComSpec", "ProgramFiles", "LOCALAPPDATA", "APPDATA"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// run runs the program to its end.
func run(t testing.TB, dir string, env []string, args ...string) result {
	t.Helper()
	return finish(t, command(t, dir, env, args...))
}

func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	return start(t, cmd)()
}

// start starts a prepared run, and returns a function that waits for its end.
func start(t testing.TB, cmd *exec.Cmd) (wait func() result) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := os.MkdirAll(filepath.Join(scratch, "home"), 0o755); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start nanobuild %q: %v", cmd.Args[1:], err)
	}
	return func() result {
		_ = cmd.Wait() // the exit code says it all
		return result{
			stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode(),
			took: time.Since(began), state: cmd.ProcessState, temp: tempOf(cmd),
		}
	}
}

// tempOf is the temporary folder that a command was given.
func tempOf(cmd *exec.Cmd) string {
	dir := ""
	for _, kv := range cmd.Env {
		if v, ok := strings.CutPrefix(kv, "TMPDIR="); ok {
			dir = v
		}
	}
	return dir
}

// ok runs the program, which must succeed.
func ok(t testing.TB, dir string, env []string, args ...string) result {
	t.Helper()
	r := run(t, dir, env, args...)
	if r.code != 0 {
		t.Fatalf("nanobuild %q: %s", args, r)
	}
	return r
}

// leftovers are the temporary folders that a run left.
func leftovers(t testing.TB, temp string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(temp, "nanobuild-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// dotnetSlots keeps the runs of dotnet from starving each other.
var dotnetSlots = make(chan struct{}, 2)

// needDotnet asks for the SDK and waits for a free slot, held until the test ends.
func needDotnet(t testing.TB) {
	t.Helper()
	need.Dotnet(t)
	dotnetSlots <- struct{}{}
	t.Cleanup(func() { <-dotnetSlots })
}
