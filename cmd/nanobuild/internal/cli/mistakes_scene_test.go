package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/testdata/authority"
)

// The hosts of a scene, and the repository that is pushed to.
const (
	registryHost = "registry.example.com"
	tokensHost   = "tokens.example.com"
	storageHost  = "storage.example.com"
	webRepo      = registryHost + "/team/web"
)

// scene is a machine in a world of a few hosts. Their names lead to servers of the
// test, whatever the real ones lead to.
type scene struct {
	dir, home, temp string
	cache           string // "" is none
	environ         []string
	stdin           string
	authority       *authority.Authority
	transport       *http.Transport
	registry        http.Handler // a working one
	places          *places
	moved           *tagLog
}

// newScene makes the world for a command: of the folders app, oci:base and oci:image
// there are those that its arguments name.
func newScene(t *testing.T, a *authority.Authority, args ...string) *scene {
	t.Helper()
	s := &scene{
		dir: t.TempDir(), home: t.TempDir(), temp: t.TempDir(), authority: a,
		places: &places{known: map[string]string{}}, moved: &tagLog{},
		registry: registry.New(registry.Logger(log.New(io.Discard, "", 0))),
	}
	s.furnish(t, args)
	s.transport = Process{}.newTransport()
	s.transport.Proxy = nil
	s.transport.TLSClientConfig = &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
	s.transport.DialContext = s.places.dial(s.transport.DialContext)
	t.Cleanup(s.transport.CloseIdleConnections)
	return s
}

func (s *scene) furnish(t *testing.T, args []string) {
	t.Helper()
	if slices.Contains(args, "app") {
		if err := sampleapp.Write(filepath.Join(s.dir, "app"), "hi"); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Contains(args, "oci:base") {
		writeBase(t, filepath.Join(s.dir, "base"))
	}
	if slices.Contains(args, "oci:image") {
		writeImage(t, filepath.Join(s.dir, "image"))
	}
}

// writeImage makes a layout with one image.
func writeImage(t *testing.T, dir string) {
	t.Helper()
	made, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.AppendImage(ourImage(t, sample.Options{})); err != nil {
		t.Fatal(err)
	}
}

// working is the registry as it is reached over the network: its tags are watched.
func (s *scene) working() http.Handler { return s.moved.watch(s.registry) }

// hold gives the registry an image or a list, from within.
func (s *scene) hold(t *testing.T, ref string, image remote.Taggable) {
	t.Helper()
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	within := remote.WithTransport(direct{s.registry})
	switch image := image.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(tag, image, within)
	case v1.Image:
		err = remote.Write(tag, image, within)
	default:
		err = fmt.Errorf("%T is neither image nor list", image)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a file below a folder.
func (s *scene) write(t *testing.T, dir, file, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// credentials sets the user's for the registry that is pushed to.
func (s *scene) credentials(user, password string) {
	s.environ = append(s.environ, string(envPushUser)+"="+user, string(envPushPassword)+"="+password)
}

// hasty makes as many tries as usual, without waiting.
func hasty() distribution.Policy {
	return distribution.Policy{
		Jitter: func() float64 { return 0.5 },
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// arguments has the places of images lead into the scene: they are the only relative
// paths that start at the folder of the test's own process.
func (s *scene) arguments(args []string) []string {
	var placed []string
	for _, a := range args {
		for _, kind := range []string{"oci:", "tar:"} {
			if file, ok := strings.CutPrefix(a, kind); ok {
				a = kind + filepath.Join(s.dir, file)
			}
		}
		placed = append(placed, a)
	}
	return placed
}

func (s *scene) run(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), Process{
		Stdin: strings.NewReader(s.stdin), Stdout: &stdout, Stderr: &stderr, Environ: s.environ,
		WorkDir: s.dir, TempRoot: s.temp, CacheDir: s.cache, Home: s.home,
		Now: time.Now, Transport: s.transport, Version: "test", policy: hasty(),
	}, args)
	return result{code, stdout.String(), stderr.String()}
}

// wholeBlob tells whether a file is one that a layout keeps for the next run when a
// push beside it does not succeed: a blob that no index names, or a folder of them.
func (s *scene) wholeBlob(t *testing.T, file string) bool {
	t.Helper()
	rel, err := filepath.Rel(filepath.Join(s.dir, "out"), file)
	if err != nil {
		t.Fatal(err)
	}
	switch rel = filepath.ToSlash(rel); rel {
	case ".", "blobs", "blobs/sha256":
		return true
	}
	hex, ok := strings.CutPrefix(rel, "blobs/sha256/")
	if !ok {
		return false
	}
	content, err := os.ReadFile(file)
	return err == nil && fmt.Sprintf("%x", sha256.Sum256(content)) == hex
}

// filesIn lists the files below the folders.
func filesIn(t *testing.T, dirs ...string) []string {
	t.Helper()
	var files []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
			files = append(files, p)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
