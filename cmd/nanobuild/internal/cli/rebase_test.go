package cli

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// rebaseRegistry holds a base, an image on it at web:v1, an image for Linux, and a
// newer base under the base's tag.
func rebaseRegistry(t *testing.T) (host string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	old := sampleBase(t, sample.Options{})
	put(t, host+"/nanoserver:ltsc2022", old)
	digest, err := old.Digest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.Append(old, mutate.Addendum{
		Layer: static.NewLayer([]byte("an app"), types.DockerLayer), History: v1.History{CreatedBy: "somebody"},
	})
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Labels = map[string]string{
		"org.opencontainers.image.base.name": host + "/nanoserver:ltsc2022", "org.opencontainers.image.base.digest": digest.String(),
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	put(t, host+"/web:v1", image)
	put(t, host+"/linux:v1", sampleBase(t, sample.Options{OS: "linux"}))
	put(t, host+"/nanoserver:ltsc2022", sampleBase(t, sample.Options{OSVersion: "10.0.20348.9000"}))
	return host
}

func sampleBase(t *testing.T, o sample.Options) v1.Image {
	t.Helper()
	image, err := sample.Image(o)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func put(t *testing.T, ref string, image v1.Image) {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatal(err)
	}
}

func runWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), Process{
		Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr, WorkDir: t.TempDir(), TempRoot: t.TempDir(),
		Now: time.Now, Transport: http.DefaultTransport.(*http.Transport), Version: "test",
	}, args)
	return result{code, stdout.String(), stderr.String()}
}

func TestRebaseCommand(t *testing.T) {
	t.Parallel()
	host := rebaseRegistry(t)
	image := host + "/web:v1"
	dry := runWith(t, "", "rebase", image, "--dry-run")
	if dry.code != exitOK || !strings.Contains(dry.stdout, image+": os.version 10.0.20348.4171 -> 10.0.20348.9000\n") {
		t.Errorf("dry run: %+v", dry)
	}
	refs := filepath.Join(t.TempDir(), "refs")
	list := "\xef\xbb\xbf# ours\r\n" + image + "\r\n"
	first := runWith(t, list, "rebase", "--from", "-", "--image-refs", refs)
	if first.code != exitOK || !strings.HasPrefix(first.stdout, host+"/web@sha256:") || strings.Count(first.stdout, "\n") != 1 {
		t.Errorf("from a list: %+v", first)
	}
	if written, err := os.ReadFile(refs); err != nil || string(written) != first.stdout {
		t.Errorf("--image-refs holds %q, %v; stdout was %q", written, err, first.stdout)
	}
	if !strings.Contains(first.stderr, image+": ltsc2022 10.0.20348.4171 -> 10.0.20348.9000, sha256:") {
		t.Errorf("stderr: %s", first.stderr)
	}
	again := runWith(t, "", "rebase", image, image, host+"/linux:v1")
	if again.code != exitUsage || again.stdout != first.stdout {
		t.Errorf("again, with one for Linux: %+v; want %q on stdout", again, first.stdout)
	}
	for _, says := range []string{
		image + ": is up to date\n", "error: " + host + "/linux:v1: failed: ", "it is an image for linux/amd64",
		"error: 0 rebased, 1 up to date, 1 failed\n",
	} {
		if !strings.Contains(again.stderr, says) {
			t.Errorf("stderr does not say %q:\n%s", says, again.stderr)
		}
	}
	fleet := runWith(t, "", "rebase", "--repo-prefix", host, "--tag", "v*", "--dry-run")
	if fleet.code != exitOK || fleet.stdout != image+": is up to date\n" || !strings.Contains(fleet.stderr, "0 to be rebased, 1 up to date, 1 not for Windows") {
		t.Errorf("a fleet: %+v", fleet)
	}
}

func TestRebaseCommandRefuses(t *testing.T) {
	t.Parallel()
	host := rebaseRegistry(t)
	for says, c := range map[string]struct {
		code int
		args []string
	}{
		"no image is named":          {exitUsage, []string{"rebase"}},
		"--from nowhere":             {exitUsage, []string{"rebase", "--from", "nowhere"}},
		"nanobuild push oci:out":     {exitUsage, []string{"rebase", "oci:out"}},
		"needs a pattern":            {exitUsage, []string{"rebase", "--repo-prefix", host}},
		"404 Not Found":              {exitBase, []string{"rebase", host + "/nothing:v1"}},
		"read base ":                 {exitBase, []string{"rebase", host + "/web:v1", "--base", host + "/nothing:v1"}},
		"is no part":                 {exitUsage, []string{"rebase", host + "/web:v1", "--shard", "2/2"}},
		"--image-refs . is a folder": {exitUsage, []string{"rebase", host + "/web:v1", "--image-refs", "."}},
	} {
		got := runWith(t, "", c.args...)
		if got.code != c.code || !strings.Contains(got.stderr, says) || got.stdout != "" {
			t.Errorf("%q: %+v; want code %d and %q", c.args, got, c.code, says)
		}
	}
	empty := runWith(t, "# nothing yet\n", "rebase", "--from", "-")
	if empty.code != exitOK || empty.stdout != "" || !strings.Contains(empty.stderr, "nothing to do") {
		t.Errorf("an empty list: %+v", empty)
	}
}

// What a base says fakes no lines of a dry run and steers no terminal, and secrets in it
// are hidden as everywhere.
func TestRebaseDryRunShowsForeignTextSafely(t *testing.T) {
	t.Parallel()
	host := rebaseRegistry(t)
	image := host + "/web:v1"
	put(t, host+"/nanoserver:ltsc2022", sampleBase(t, sample.Options{OSVersion: "10.0.20348.9000", Env: []string{
		"EVIL=\x1b[31mred\n" + host + "/app:v1: is up to date", "PROXY=http://me:hidden@proxy.example.com",
	}}))
	got := runWith(t, "", "rebase", image, "--dry-run")
	if got.code != exitOK || !strings.Contains(got.stdout, `Env EVIL none -> "\x1b[31mred\n`+host) || !strings.Contains(got.stdout, "http://***@proxy.example.com\n") {
		t.Errorf("%+v", got)
	}
	for line := range strings.Lines(got.stdout) {
		if !strings.HasPrefix(line, image+": ") || strings.ContainsAny(line, "\x1b\r") || strings.Contains(line, "hidden") {
			t.Errorf("%q is on stdout", line)
		}
	}
}
