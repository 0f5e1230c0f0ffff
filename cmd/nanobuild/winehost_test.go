package main_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// wineHost is a Windows of a test's own: a wine prefix in which programs written
// in Go run. Its drive Z: is the root of this machine's file system.
type wineHost struct {
	wine   string // the program
	prefix string
	home   string // keeps wine away from the user's own folders
}

// startWine makes the prefix, which takes some seconds. It ends with the test.
func startWine(t *testing.T) *wineHost {
	t.Helper()
	w := &wineHost{wine: need.WineHost(t), prefix: filepath.Join(t.TempDir(), "prefix"), home: t.TempDir()}
	if err := os.Mkdir(w.prefix, 0o755); err != nil { // else wine says that it made one
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	// Without these nobody offers to download a .NET and a browser.
	quiet := "WINEDLLOVERRIDES=mscoree,mshtml,winemenubuilder.exe="
	if r := w.run(t, w.home, []string{quiet}, "wineboot", "-i"); r.code != 0 {
		t.Fatalf("make a wine prefix: %s", r)
	}
	w.addRandom(t)
	return w
}

// addRandom adds the library that every program written in Go takes its random
// numbers from, looking for it in system32 alone. Newer releases of wine have it.
func (w *wineHost) addRandom(t *testing.T) {
	t.Helper()
	const library = "bcryptprimitives.dll"
	file := filepath.Join(w.prefix, "drive_c", "windows", "system32", library)
	if _, err := os.Stat(file); err == nil {
		return
	}
	dll, err := forwarder(library, "ProcessPrng", "ADVAPI32.SystemFunction036")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, dll, 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a Windows program in the folder dir to its end. It writes into files:
// wine's services inherit a pipe, and keep it open when the program has ended.
func (w *wineHost) run(t *testing.T, dir string, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.wine, args...)
	cmd.Dir, cmd.Env = dir, append(w.environment(), env...)
	output := t.TempDir()
	for name, stream := range map[string]*io.Writer{"stdout": &cmd.Stdout, "stderr": &cmd.Stderr} {
		f, err := os.Create(filepath.Join(output, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		*stream = f
	}
	began := time.Now()
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatalf("start wine: %v", err)
	}
	return result{
		stdout: readFile(t, filepath.Join(output, "stdout")), stderr: readFile(t, filepath.Join(output, "stderr")),
		code: cmd.ProcessState.ExitCode(), took: time.Since(began),
	}
}

// environment has neither a display, nor a zone, nor anything else of the user.
func (w *wineHost) environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "WINEPREFIX=" + w.prefix, "WINEARCH=win64", "WINEDEBUG=-all",
		"LC_ALL=C.UTF-8", // wine reads names of files in the encoding of the locale
	}
}

// stop ends the prefix' services, which outlive the programs that needed them.
func (w *wineHost) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, how := range []string{"-k", "-w"} { // kill, wait
		cmd := exec.CommandContext(ctx, "wineserver", how)
		cmd.Env = w.environment()
		_ = cmd.Run() // fails where it has ended already
	}
}

// path is the name under which Windows programs know a file of this machine.
func (w *wineHost) path(file string) string { return "Z:" + strings.ReplaceAll(file, "/", `\`) }

// leftovers are the temporary folders that runs of nanobuild left.
func (w *wineHost) leftovers(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, temp := range []string{"Temp", "AppData/Local/Temp"} { // one or the other, by the release of wine
		dirs, err := filepath.Glob(filepath.Join(w.prefix, "drive_c", "users", "*", temp))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			found = append(found, leftovers(t, dir)...)
		}
	}
	return found
}
