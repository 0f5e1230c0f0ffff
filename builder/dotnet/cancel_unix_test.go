//go:build unix

package dotnet

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCancel stops a publish while a step of the build runs, with children that
// would go on for minutes.
func TestCancel(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc to see which processes are left")
	}
	dir := write(t, map[string]string{
		"app.csproj": console("", `<Target Name="Slow" BeforeTargets="CoreCompile"><Exec Command="touch started; sleep 300 &amp; sleep 300"/></Target>`),
		"p.cs":       consoleSource,
	})
	mark := "NANOBUILD_TEST_MARK=" + filepath.Base(filepath.Dir(dir)) + t.Name()
	req := request(t, dir)
	req.CI = false // a compiler server is to end too
	req.Env = append(req.Env, mark)

	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
				cancel(interrupted)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_, err := Publish(ctx, req)
	if !errors.Is(err, interrupted) {
		t.Errorf("Publish = %v, want %v", err, interrupted)
	}
	empty(t, req.TempDir)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := processes(t, mark)
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			for pid, command := range left {
				t.Errorf("still there: %d %s", pid, command)
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Log(err)
				}
			}
			break
		}
	}
}

// processes returns the command lines of the processes, by their ids, that have
// a variable in their environment.
func processes(t *testing.T, variable string) map[int]string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(env, []byte(variable)) {
			continue // ended meanwhile, or another user's
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		command, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err == nil && len(command) > 0 {
			found[pid] = strings.ReplaceAll(string(command), "\x00", " ")
		}
	}
	return found
}
