package need

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// StartRegistry starts a registry of its own for the test, on a loopback port,
// and returns its host:port. The test is skipped where Registry skips it.
func StartRegistry(t testing.TB) string {
	t.Helper()
	program, dir := Registry(t), t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: "127.0.0.1:0"}
`, filepath.Join(dir, "data"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", config)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "OTEL_TRACES_EXPORTER=none"}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return awaitAddress(t, stderr)
}

var listening = regexp.MustCompile(`listening on 127\.0\.0\.1:(\d+)`)

// awaitAddress reads the registry's log until it names its address.
func awaitAddress(t testing.TB, log io.Reader) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, log)
	}()
	select {
	case port, there := <-found:
		if !there {
			t.Fatal("the registry ended without an address")
		}
		return "localhost:" + port
	case <-time.After(20 * time.Second):
		t.Fatal("the registry does not start")
		return ""
	}
}
