package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// needWine asks for the runner of Windows images.
func needWine(t testing.TB) string {
	t.Helper()
	return need.Wine(t)
}

// wineCommand prepares a start of the layout's image.
func wineCommand(t testing.TB, layout string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	options := []string{"--quiet", "--timeout", "90"}
	for _, kv := range env {
		options = append(options, "--env", kv)
	}
	cmd := exec.CommandContext(t.Context(), needWine(t), append(append(options, layout), args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	return cmd
}

// wineRun starts the program of the layout's image and returns what it printed
// on stdout, with plain line ends. It must end with exit code 0.
func wineRun(t testing.TB, layout string, env []string, args ...string) string {
	t.Helper()
	cmd := wineCommand(t, layout, env, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run the image in %s: %v\n%s%s", layout, err, out, &stderr)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

// wineServe starts the web application of the layout's image on a port of its
// own, waits until it answers, and hands its address to use. The application
// must then stop gracefully.
func wineServe(t testing.TB, layout string, env []string, use func(url string)) {
	t.Helper()
	port := freePort(t)
	cmd := wineCommand(t, layout, append([]string{"ASPNETCORE_HTTP_PORTS=" + port}, env...))
	log := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	url := "http://127.0.0.1:" + port
	if err := awaitAnswer(url, done); err != nil {
		t.Fatalf("the application of %s: %v\n%s", layout, err, log)
	}
	use(url)
	_ = cmd.Process.Signal(syscall.SIGTERM) // Ctrl-C to the application
	if err := <-done; err != nil {
		t.Errorf("the application of %s did not stop gracefully: %v\n%s", layout, err, log)
	}
}

func awaitAnswer(url string, done chan error) error {
	client := &http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-done:
			done <- err
			return fmt.Errorf("ended before it answered: %w", err)
		default:
		}
		r, err := client.Get(url)
		if err == nil {
			r.Body.Close()
			return nil
		}
	}
	return errors.New("does not answer")
}

// get is the answer to a GET with these headers, "Name: value" each.
func get(t testing.TB, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// lockedBuffer is a buffer that is read while a program still writes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// layoutOf is the folder of a "oci:DIR@digest" line that publish printed.
func layoutOf(t testing.TB, line string) string {
	t.Helper()
	dir, found := strings.CutPrefix(line, "oci:")
	at := strings.LastIndex(dir, "@")
	if !found || at < 0 {
		t.Fatalf("%q names no layout", line)
	}
	return filepath.Clean(dir[:at])
}
