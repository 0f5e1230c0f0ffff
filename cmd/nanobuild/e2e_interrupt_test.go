//go:build linux

package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestInterrupted stops a run while dotnet builds: the exit code says so, and
// neither processes nor temporary folders are left.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	for name, tt := range map[string]struct {
		signal syscall.Signal
		code   int
	}{
		"Ctrl-C":    {syscall.SIGINT, 130},
		"terminate": {syscall.SIGTERM, 143},
	} {
		t.Run(name, func(t *testing.T) {
			marker := filepath.Join(t.TempDir(), "building")
			dir := writeProject(t, console("", `
  <Target Name="Wait" BeforeTargets="CoreCompile"><Exec Command="touch '`+marker+`'; sleep 120" /></Target>`))
			out := filepath.Join(t.TempDir(), "image")
			cmd := command(t, dir, nil, "publish", ".", "--base", ociBase(t), "--oci-layout", out)
			done, wait := make(chan result, 1), start(t, cmd)
			go func() { done <- wait() }()
			awaitFile(t, marker, done)
			if len(descendants(t, tempOf(cmd))) < 2 {
				t.Error("no processes found while dotnet works: the search is broken")
			}
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			signalled := time.Now()
			r := <-done
			if r.code != tt.code || r.stdout != "" {
				t.Errorf("want exit code %d and no output: %s", tt.code, r)
			}
			t.Logf("ended %.1f s after the signal", time.Since(signalled).Seconds())
			time.Sleep(200 * time.Millisecond) // a killed process needs a moment to be gone
			if left := descendants(t, r.temp); len(left) > 0 {
				t.Errorf("processes left: %q", left)
			}
			if left := leftovers(t, r.temp); len(left) > 0 {
				t.Errorf("folders left: %q", left)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("a layout was written: %v", err)
			}
		})
	}
}

func awaitFile(t *testing.T, file string, done chan result) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case r := <-done:
			t.Fatalf("ended before it was interrupted: %s", r)
		default:
		}
		if _, err := os.Stat(file); err == nil {
			return
		}
	}
	t.Fatalf("%s does not appear", file)
}

// descendants are the command lines of the processes that were started with the
// temporary folder temp in their environment.
func descendants(t *testing.T, temp string) []string {
	t.Helper()
	procs, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range procs {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", p.Name(), "environ"))
		if err != nil || !bytes.Contains(env, []byte("TMPDIR="+temp+"\x00")) {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", p.Name(), "cmdline"))
		if err == nil && len(line) > 0 {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return found
}
