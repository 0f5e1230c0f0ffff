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
	return start(t, Registry(t), RegistryOptions{})
}

// RegistryOptions are what a registry may have besides blobs and manifests.
type RegistryOptions struct {
	Certificate, Key string // files; without them it speaks plain http
	Auth             string // the auth section of its configuration, as a YAML mapping in one line
	Data             string // folder for all that it gets; "" is one of its own
}

// StartRegistryWith is StartRegistry with options. It prefers distribution's
// registry, whose checks are stricter than those of older programs.
func StartRegistryWith(t testing.TB, o RegistryOptions) string {
	t.Helper()
	program := Registry(t)
	if newer, err := exec.LookPath("registry"); err == nil {
		program = newer
	}
	return start(t, program, o)
}

func start(t testing.TB, program string, o RegistryOptions) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	if o.Data == "" {
		o.Data = filepath.Join(dir, "data")
	}
	text := fmt.Sprintf(`version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: "127.0.0.1:0"%s}
%s`, o.Data, o.tls(), o.auth())
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

func (o RegistryOptions) tls() string {
	if o.Certificate == "" {
		return ""
	}
	return fmt.Sprintf(", tls: {certificate: %q, key: %q}", o.Certificate, o.Key)
}

func (o RegistryOptions) auth() string {
	if o.Auth == "" {
		return ""
	}
	return "auth: " + o.Auth + "\n"
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
