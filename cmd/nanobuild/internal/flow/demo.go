package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
	"github.com/nanobuild/nanobuild/publish"
)

// DemoOptions are the settings of a demo.
type DemoOptions struct {
	Layout string    // OCI layout that receives the last image
	Out    io.Writer // where the demo tells what it did
}

// Demo publishes a sample application to a registry inside this process three
// times: first, again without a change, and after a change. It needs no .NET, no
// network and no registry, and leaves the last image in an OCI layout.
func Demo(ctx context.Context, o DemoOptions, d Deps) (err error) {
	r, err := startDemoRegistry(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.server.Close()) }()
	temp, err := newTempDir(d.TempRoot)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()

	demo := &demo{DemoOptions: o, deps: d, registry: r, app: filepath.Join(temp.path, sampleapp.Name), cache: filepath.Join(temp.path, "cache")}
	demo.deps.Log = quieter(ctx, d.Log)
	demo.deps.Keychain = nil // its registry asks for nothing, and docker's helpers may be broken
	demo.say("Registry in this process at %s, with a sample Windows base of a few kilobytes.\n", r.address)
	for _, step := range []struct{ title, message string }{
		{"First publish", "Hello from nanobuild!"},
		{"The same again", "Hello from nanobuild!"},
		{"After a change of the program", "Hello again from nanobuild!"},
	} {
		if err := demo.publish(ctx, step.title, step.message); err != nil {
			return err
		}
	}
	return demo.explain()
}

type demo struct {
	DemoOptions
	deps     Deps
	registry *demoRegistry
	app      string
	cache    string
	ref      string
}

func (m *demo) say(format string, args ...any) { fmt.Fprintf(m.Out, format, args...) }

func (m *demo) publish(ctx context.Context, title, message string) error {
	if err := sampleapp.Write(m.app, message); err != nil {
		return err
	}
	before, started := m.registry.uploaded(), m.deps.Now()
	refs, err := Publish(ctx, PublishOptions{
		Projects: []string{m.app},
		Bases:    []string{m.registry.address + "/windows/nanoserver:ltsc2022"},
		Targets: Targets{
			Repo: m.registry.address + "/demo", Tags: []string{"latest"},
			Layouts: []string{m.Layout + ":latest"},
		},
		Cache: m.cache,
		Image: builder.Overrides{Format: builder.FormatOCI}, // skopeo reads only OCI manifests from a layout
		Jobs:  4,
	}, m.deps)
	if err != nil {
		return err
	}
	m.ref = refs[0]
	sent := m.registry.uploaded()
	m.say("\n%s: %s\n  uploaded %s in layers and config, %s in manifests, %.2f s\n", title, m.ref,
		BytesText(sent.blobs-before.blobs), BytesText(sent.manifests-before.manifests), m.deps.Now().Sub(started).Seconds())
	return nil
}

func (m *demo) explain() error {
	layout := m.Layout
	if rel, err := filepath.Rel(m.deps.WorkDir, m.Layout); err == nil && !strings.HasPrefix(rel, "..") {
		layout = rel
	}
	_, err := fmt.Fprintf(m.Out, `
The registry ends with this process; the last image is in the OCI layout %[1]s.
Look at it:
  nanobuild inspect oci:%[1]s:latest
  skopeo inspect --config oci:%[1]s:latest
Now your own project:
  nanobuild publish PROJECT --repo REGISTRY/NAME -t v1
`, layout)
	return err
}

// quieter drops what the demo tells in its own words.
func quieter(ctx context.Context, l *slog.Logger) *slog.Logger {
	if l.Enabled(ctx, slog.LevelDebug) {
		return l
	}
	return slog.New(slog.DiscardHandler)
}

// demoRegistry is a registry on loopback that counts what is uploaded.
type demoRegistry struct {
	address          string
	server           *http.Server
	blobs, manifests atomic.Int64
}

type uploads struct{ blobs, manifests int64 }

func (r *demoRegistry) uploaded() uploads {
	return uploads{r.blobs.Load(), r.manifests.Load()}
}

func startDemoRegistry(ctx context.Context, d Deps) (*demoRegistry, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the demo's registry: %w", err)
	}
	r := &demoRegistry{address: listener.Addr().String()}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r.server = &http.Server{Handler: r.count(handler), ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	if err := r.pushBase(ctx, d); err != nil {
		return nil, errors.Join(err, r.server.Close())
	}
	return r, nil
}

func (r *demoRegistry) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		counter := &r.blobs
		if strings.Contains(req.URL.Path, "/manifests/") {
			counter = &r.manifests
		}
		req.Body = &countingBody{ReadCloser: req.Body, n: counter}
		next.ServeHTTP(w, req)
	})
}

type countingBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *countingBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (r *demoRegistry) pushBase(ctx context.Context, d Deps) error {
	image, err := sample.Image(sample.Options{})
	if err != nil {
		return err
	}
	index, err := sample.Index(image)
	if err != nil {
		return err
	}
	raw, err := index.RawManifest()
	if err != nil {
		return err
	}
	mt, err := index.MediaType()
	if err != nil {
		return err
	}
	if err := r.push(ctx, d, publish.OfIndex(raw, mt, []publish.Child{{Image: image}})); err != nil {
		return fmt.Errorf("push the sample base: %w", err)
	}
	return nil
}

func (r *demoRegistry) push(ctx context.Context, d Deps, base publish.Content) (err error) {
	repo, err := publish.ParseRepo(r.address + "/windows/nanoserver")
	if err != nil {
		return err
	}
	sink, err := publish.NewRegistry(repo, publish.RegistryOptions{Network: NetworkOptions{}.open(d)})
	if err != nil {
		return err
	}
	prepared, err := publish.Prepare(ctx, base, []publish.Sink{sink}, []string{"ltsc2022"}, publish.PushOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, prepared.Close()) }()
	_, err = prepared.Commit(ctx)
	return err
}

// DemoLayout is where a demo leaves its image: below the working directory.
func DemoLayout(workDir string) string { return filepath.Join(workDir, "nanobuild-out", "demo") }
