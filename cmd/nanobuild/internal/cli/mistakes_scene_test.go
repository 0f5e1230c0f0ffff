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
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/publish/distribution"
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
	authority       *authority
	transport       *http.Transport
	registry        http.Handler // a working one
	places          *places
	moved           *tagLog
}

func newScene(t *testing.T, a *authority) *scene {
	t.Helper()
	s := &scene{
		dir: t.TempDir(), home: t.TempDir(), temp: t.TempDir(), authority: a,
		places: &places{known: map[string]string{}}, moved: &tagLog{},
		registry: registry.New(registry.Logger(log.New(io.Discard, "", 0))),
	}
	publishDemo(t, s.dir)
	writeImage(t, filepath.Join(s.dir, "image"))
	s.transport = Process{}.newTransport()
	s.transport.Proxy = nil
	s.transport.TLSClientConfig = &tls.Config{RootCAs: a.pool(), MinVersion: tls.VersionTLS12}
	s.transport.DialContext = s.places.dial(s.transport.DialContext)
	t.Cleanup(s.transport.CloseIdleConnections)
	return s
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

// places leads names of hosts to servers.
type places struct {
	mu    sync.Mutex
	known map[string]string // addresses by host and port
}

func (p *places) set(host, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[host] = address
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dial knows the names of the scene. Addresses of this machine are left to others,
// and no other name exists.
func (p *places) dial(others dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		p.mu.Lock()
		to, known := p.known[address]
		p.mu.Unlock()
		if known {
			return new(net.Dialer).DialContext(ctx, network, to)
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if net.ParseIP(host) == nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
		}
		return others(ctx, network, address)
	}
}

// serve has a host answer over https.
func (s *scene) serve(t *testing.T, host string, h http.Handler) {
	t.Helper()
	s.serveTLS(t, host, s.authority.pair(t, certificateFor{names: []string{host}}), h)
}

func (s *scene) serveTLS(t *testing.T, host string, pair tls.Certificate, h http.Handler) {
	t.Helper()
	server := newServer(t, h)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	s.places.set(withPort(host), server.Listener.Addr().String())
}

// servePlain has a host answer over http, on whatever port is asked.
func (s *scene) servePlain(t *testing.T, host string, h http.Handler) {
	t.Helper()
	server := newServer(t, h)
	server.Start()
	s.places.set(withPort(host), server.Listener.Addr().String())
	s.places.set(net.JoinHostPort(host, "80"), server.Listener.Addr().String())
}

func newServer(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server
}

func withPort(host string) string {
	if strings.Contains(host, ":") {
		return host
	}
	return net.JoinHostPort(host, "443")
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

// direct brings requests to a handler without a network.
type direct struct{ to http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	if sent.Body == nil {
		sent.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	d.to.ServeHTTP(answer, sent)
	resp := answer.Result()
	resp.Request = req
	return resp, nil
}

// tagLog notes which tags were written.
type tagLog struct {
	mu   sync.Mutex
	tags []string
}

func (l *tagLog) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		next.ServeHTTP(w, req)
		_, ref, manifest := strings.Cut(req.URL.Path, "/manifests/")
		if req.Method != http.MethodPut || !manifest || strings.HasPrefix(ref, "sha256:") {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tags = append(l.tags, ref)
	})
}

func (l *tagLog) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tags)
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
