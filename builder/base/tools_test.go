package base_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// startRegistry runs the real registry program and returns HOST:PORT.
func startRegistry(t *testing.T) string {
	t.Helper()
	program := need.Registry(t)
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", dir, addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "serve", config)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context ends it
	for range 100 {
		resp, err := http.Get("http://" + addr + "/v2/")
		if err == nil {
			_ = resp.Body.Close()
			return addr
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the registry does not answer")
	return ""
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// TestWhatOtherToolsWrite reads bases out of Debian's registry and out of what
// skopeo makes of them.
func TestWhatOtherToolsWrite(t *testing.T) {
	t.Parallel()
	skopeo, host := need.Skopeo(t), startRegistry(t)
	for name, o := range map[string]sample.Options{
		"docker": {Layers: 2, Padding: 100_000, ExtraConfig: map[string]any{"config.X": 1}},
		"oci":    {OCI: true, OSFeatures: []string{"win32k"}},
	} {
		img := image(t, o)
		ref, dir := host+"/"+name+":v1", t.TempDir()
		pushIndex(t, ref, index(t, img))
		for _, c := range []struct{ from, target, ref string }{
			{"docker://" + ref, "oci:" + dir + "/layout:v1", "oci:" + dir + "/layout:v1"},
			{"docker://" + ref, "oci:" + dir + "/unnamed", "oci:" + dir + "/unnamed"},
			{"docker://" + ref, "oci-archive:" + dir + "/oci.tar", "tar:" + dir + "/oci.tar"},
			{"docker://" + ref, "docker-archive:" + dir + "/docker.tar:base:v1", "tar:" + dir + "/docker.tar"},
			{"", "", ref},
		} {
			if c.from != "" {
				run(t, skopeo, "copy", "--override-os", "windows", "--override-arch", "amd64", "--src-tls-verify=false", c.from, c.target)
			}
			b, err := base.Resolve(testContext(t), c.ref, base.Options{})
			if err != nil {
				t.Errorf("%s: %v", c.ref, err)
				continue
			}
			converted := !o.OCI && strings.HasPrefix(c.target, "oci") // skopeo rewrites the config then
			if got, want := string(b.Config), string(must[[]byte](t)(img.RawConfigFile())); got != want && !converted {
				t.Errorf("%s: config %s, want %s", c.ref, got, want)
			}
			for i, l := range must[[]v1.Layer](t)(img.Layers()) {
				checkBytes(t, b.Layers[i].Uncompressed, l.Uncompressed)
			}
		}
	}
}
