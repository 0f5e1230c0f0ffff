package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// What the comparison needs of the .NET SDK: its own way to publish images, a
// plain publish beside it, and the time that nanobuild spends in dotnet.

// sdkEnvironment is what nanobuild sets for its own dotnet, for every dotnet of
// the comparison: no run starts faster because an earlier one left a server.
var sdkEnvironment = []string{"MSBUILDDISABLENODEREUSE=1", "DOTNET_CLI_USE_MSBUILD_SERVER=0", "MSBUILDTERMINALLOGGER=off", "DOTNET_NOLOGO=1"}

// sdkServers says it in the table's header.
const sdkServers = "every dotnet with --disable-build-servers and MSBUILDDISABLENODEREUSE=1, as nanobuild runs it where CI is set"

// sdkArgs are the arguments of a plain publish, the same as nanobuild's where
// they decide what is built and how.
func sdkArgs(project string) []string {
	return []string{
		"publish", project, "-c", "Release", "-r", "win-x64", "--self-contained", "-nologo", "-v:q", "-tl:off",
		"-clp:NoSummary;DisableConsoleColor;ForceNoAlign", "--disable-build-servers",
	}
}

// sdkImageArgs make the publish an image: the SDK takes a Windows base only with
// the old name of the runtime identifier.
func sdkImageArgs(base, repo string) []string {
	registry, repository, _ := strings.Cut(repo, "/")
	return []string{
		"-t:PublishContainer", "-p:ContainerRuntimeIdentifier=win10-x64", "-p:ContainerBaseImage=" + base,
		"-p:ContainerRegistry=" + registry, "-p:ContainerRepository=" + repository, "-p:ContainerImageTag=latest",
	}
}

// runDotnet runs dotnet to its end, in dir.
func runDotnet(t testing.TB, dir string, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, need.Dotnet(t), args...)
	cmd.Dir = dir
	cmd.Env = append(append(cleanEnvironment(t), sdkEnvironment...), env...)
	return finish(t, cmd)
}

// stopwatch is a dotnet that writes down when it began and ended.
type stopwatch struct {
	program string // for --dotnet
	log     string
}

// newStopwatch makes one. The shell and the two dates around dotnet count for
// nanobuild, not for dotnet: a few milliseconds.
func newStopwatch(t testing.TB, dotnet string) stopwatch {
	t.Helper()
	dir := t.TempDir()
	s := stopwatch{filepath.Join(dir, "dotnet"), filepath.Join(dir, "times")}
	script := fmt.Sprintf("#!/bin/sh\nbegan=$(date +%%s%%N)\n'%s' \"$@\"\ncode=$?\necho $began $(date +%%s%%N) >>'%s'\nexit $code\n", dotnet, s.log)
	if err := os.WriteFile(s.program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// longest is the longest run since the last call of longest. ran is false when
// there was none.
func (s stopwatch) longest(t testing.TB) (most time.Duration, ran bool) {
	t.Helper()
	b, err := os.ReadFile(s.log)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false
	}
	if err := errors.Join(err, os.Remove(s.log)); err != nil {
		t.Fatalf("the times of dotnet: %v", err)
	}
	for line := range bytes.Lines(b) {
		var began, ended int64
		if _, err := fmt.Sscan(string(line), &began, &ended); err != nil {
			t.Fatalf("the times of dotnet: %q: %v", line, err)
		}
		most = max(most, time.Duration(ended-began))
	}
	return most, true
}

// TestStopwatch times a dotnet of two runs, one of them failing.
func TestStopwatch(t *testing.T) {
	t.Parallel()
	if err := exec.Command("sh", "-c", "case $(date +%s%N) in ''|*[!0-9]*) exit 1; esac").Run(); err != nil {
		t.Skip("no shell, or a date without nanoseconds")
	}
	s := newStopwatch(t, "/bin/sh")
	for script, want := range map[string]int{"sleep 0.05": 0, "exit 3": 3} {
		cmd := exec.Command(s.program, "-c", script)
		_ = cmd.Run() // the exit code says it all
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%q ended with %d, want %d", script, got, want)
		}
	}
	if got, ran := s.longest(t); !ran || got < 50*time.Millisecond || got > 5*time.Second {
		t.Errorf("the longest run took %s (%v), want 50 ms and a little", got, ran)
	}
	if got, ran := s.longest(t); ran {
		t.Errorf("%s of a run that was told already", got)
	}
}
