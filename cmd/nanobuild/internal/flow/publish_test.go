package flow

import (
	"bytes"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// world is a registry, a base in a layout, and a log.
type world struct {
	Deps
	host string
	base string
	log  *safeBuffer
	puts *requests
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// requests records which tags of a registry are written.
type requests struct {
	mu   sync.Mutex
	list []string
}

func (r *requests) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/") {
			r.mu.Lock()
			if !strings.Contains(req.URL.Path, "sha256:") {
				r.list = append(r.list, req.URL.Path)
			}
			r.mu.Unlock()
		}
		next.ServeHTTP(w, req)
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{log: &safeBuffer{}, puts: &requests{}}
	server := httptest.NewServer(w.puts.wrap(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	t.Cleanup(server.Close)
	w.host = strings.TrimPrefix(server.URL, "http://")
	image, err := sample.Image(sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.base = layoutOf(t, image)
	w.Deps = Deps{
		Now: time.Now, TempRoot: t.TempDir(), WorkDir: t.TempDir(), Transport: http.DefaultTransport,
		Log: slog.New(slog.NewTextHandler(w.log, nil)), UserAgent: "test",
	}
	return w
}

// layoutOf is a layout with an index of the image.
func layoutOf(t *testing.T, image v1.Image) string {
	t.Helper()
	index, err := sample.Index(image)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "base")
	if err := sample.WriteLayout(dir, index); err != nil {
		t.Fatal(err)
	}
	return "oci:" + dir
}

func (w *world) app(t *testing.T, dir, message string) string {
	t.Helper()
	path := filepath.Join(w.WorkDir, dir)
	if err := sampleapp.Write(path, message); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) options(projects ...string) PublishOptions {
	return PublishOptions{
		Projects: projects, Bases: []string{w.base}, Jobs: 2,
		Describe: DescribeOptions{Builder: "https://example.com/builder"},
	}
}

func TestPublishToRegistryLayoutAndTarball(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "out", "hi"))
	o.Targets = Targets{Repo: w.host + "/demo", Tags: []string{"v1", "v2"}, Layouts: []string{"layout:v1"}, Tarballs: []string{"demo.tar"}}
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	if len(refs) != 1 || !strings.HasPrefix(refs[0], w.host+"/demo@sha256:") {
		t.Fatalf("references = %v, want the registry's", refs)
	}
	for _, tag := range []string{"v1", "v2"} {
		ref, err := name.ParseReference(w.host + "/demo:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Head(ref)
		if err != nil || !strings.HasSuffix(refs[0], got.Digest.String()) {
			t.Errorf("tag %s: %v, %v; want %s", tag, got, err, refs[0])
		}
	}
	for _, file := range []string{"layout/index.json", "demo.tar"} {
		if _, err := os.Stat(filepath.Join(w.WorkDir, filepath.FromSlash(file))); err != nil {
			t.Error(err)
		}
	}
	noTempLeft(t, w.TempRoot)
}

func noTempLeft(t *testing.T, root string) {
	t.Helper()
	left, err := os.ReadDir(root)
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}

func TestPublishSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.app(t, "one", "1"), w.app(t, "two", "2")
	o := w.options(one, two)
	o.Targets = Targets{Repo: w.host + "/shop/"}
	if _, err := Publish(t.Context(), o, w.Deps); err == nil || stageOf(err) != StageUsage || !strings.Contains(err.Error(), "demo") {
		t.Errorf("two images of one name: %v, want a usage error that names it", err)
	}
	if len(w.puts.list) != 0 {
		t.Errorf("tags moved: %v", w.puts.list)
	}
	rename(t, two, "Demo", "Other")
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	if len(refs) != 2 || !strings.Contains(refs[0], "/shop/demo@") || !strings.Contains(refs[1], "/shop/other@") {
		t.Errorf("references = %v, want demo and other in the order of the arguments", refs)
	}
	noTempLeft(t, w.TempRoot)
}

// rename gives a published app another assembly name.
func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	for _, suffix := range []string{".exe", ".deps.json", ".runtimeconfig.json"} {
		if err := os.Rename(filepath.Join(dir, from+suffix), filepath.Join(dir, to+suffix)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingMovesWhenOneProjectIsBad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, bad := w.app(t, "good", "1"), w.app(t, "bad", "2")
	rename(t, bad, "Demo", "Bad")
	if err := os.WriteFile(filepath.Join(bad, ".wh.gone"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := w.options(good, bad)
	o.Targets = Targets{Repo: w.host + "/shop/"}
	_, err := Publish(t.Context(), o, w.Deps)
	if err == nil || stageOf(err) != StageUsage || !strings.Contains(err.Error(), ".wh.gone") {
		t.Errorf("error = %v, want a usage error about .wh.gone", err)
	}
	if len(w.puts.list) != 0 {
		t.Errorf("manifests were written: %v", w.puts.list)
	}
	noTempLeft(t, w.TempRoot)
}

func stageOf(err error) Stage {
	var staged *Error
	if !errors.As(err, &staged) {
		return StageOther
	}
	return staged.Stage
}

func TestStagesOfErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.app(t, "out", "hi")
	for name, c := range map[string]struct {
		change func(*PublishOptions)
		stage  Stage
		want   string
	}{
		"no such base":      {func(o *PublishOptions) { o.Bases = []string{w.host + "/nothing:here"} }, StageBase, "/nothing"},
		"no such registry":  {func(o *PublishOptions) { o.Targets.Repo = "127.0.0.1:1/demo" }, StagePush, "127.0.0.1:1"},
		"layout is a file":  {func(o *PublishOptions) { o.Targets.Layouts = []string{filepath.Join(app, "Demo.exe")} }, StagePush, "Demo.exe"},
		"insecure address":  {func(o *PublishOptions) { o.Insecure = []string{"http://reg.corp:5000/x"} }, StageUsage, "--insecure reg.corp:5000"},
		"mirror":            {func(o *PublishOptions) { o.RegistryMap = []string{"mcr.microsoft.com=mirror"} }, StageUsage, "--registry-map"},
		"layout twice":      {func(o *PublishOptions) { o.Targets.Layouts = []string{"a", "a"} }, StageUsage, "twice"},
		"project twice":     {func(o *PublishOptions) { o.Projects = []string{app, app} }, StageUsage, "same project"},
		"tag with a space":  {func(o *PublishOptions) { o.Targets.Tags = []string{"a b"} }, StageUsage, "a b"},
		"env without value": {func(o *PublishOptions) { o.Image = builder.Overrides{Env: []string{"A"}} }, StageUsage, "A"},
		"one of all":        {func(o *PublishOptions) { o.OSVersion, o.Index = "10.0.20348", true }, StageUsage, "--index"},
		"one of several":    {func(o *PublishOptions) { o.OSVersion, o.Bases = "10.0.20348", []string{"all"} }, StageUsage, "several --base"},
		"index and repo":    {func(o *PublishOptions) { o.IntoIndex, o.Targets.Repo = w.host+"/demo:v1", w.host+"/demo" }, StageUsage, "leave --repo"},
		"index, layout":     {func(o *PublishOptions) { o.IntoIndex, o.Targets.Layouts = w.host+"/demo:v1", []string{"l"} }, StageUsage, "leave --oci-layout"},
		"index, no tag":     {func(o *PublishOptions) { o.IntoIndex = w.host + "/demo" }, StageUsage, "name the tag of an index"},
		"index by digest":   {func(o *PublishOptions) { o.IntoIndex = w.host + "/demo@sha256:" + strings.Repeat("0", 64) }, StageUsage, "name the tag of an index"},
		"os version":        {func(o *PublishOptions) { o.OSVersion = "9" }, StageUsage, "--os-version"},
		"clock":             {func(o *PublishOptions) { o.Epoch = "yesterday" }, StageUsage, "SOURCE_DATE_EPOCH"},
		"annotation":        {func(o *PublishOptions) { o.Image = builder.Overrides{Annotations: []string{"a=b"}} }, StageUsage, "--format oci"},
		"base folder":       {func(o *PublishOptions) { o.Image = builder.Overrides{AppDir: `C:\Windows\app`} }, StageUsage, "Windows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := w.options(app)
			o.Targets.Layouts = []string{filepath.Join(t.TempDir(), "layout")}
			c.change(&o)
			refs, err := Publish(t.Context(), o, w.Deps)
			if err == nil || stageOf(err) != c.stage || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v in stage %d, want %q in stage %d", err, stageOf(err), c.want, c.stage)
			}
			if refs != nil {
				t.Errorf("references = %v, want none", refs)
			}
		})
	}
}

func TestFallbackLayout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs, err := Publish(t.Context(), w.options(w.app(t, "out", "hi")), w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(w.WorkDir, "nanobuild-out")
	if len(refs) != 1 || !strings.HasPrefix(refs[0], "oci:"+dir+"@sha256:") {
		t.Errorf("references = %v, want one in %s", refs, dir)
	}
	if !strings.Contains(w.log.String(), "nanobuild-out") {
		t.Error("the log does not say where the image went")
	}
}

func TestTarballs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.app(t, "one", "1"), w.app(t, "two", "2")
	rename(t, two, "Demo", "Other")
	o := w.options(one, two)
	o.Targets = Targets{Tarballs: []string{"both.tar"}}
	if _, err := Publish(t.Context(), o, w.Deps); err == nil || stageOf(err) != StageUsage || !strings.Contains(err.Error(), "both.tar/") {
		t.Errorf("two images for one tarball: %v, want a usage error that names a folder", err)
	}
	o.Targets = Targets{Repo: w.host + "/shop/", NoPush: true, Tarballs: []string{"tars/"}}
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"demo", "other"} {
		file := filepath.Join(w.WorkDir, "tars", "shop", name+".tar.gz")
		if !strings.HasPrefix(refs[i], "tar:"+file+"@sha256:") {
			t.Errorf("reference %d = %s, want one in %s", i, refs[i], file)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	if len(w.puts.list) != 0 {
		t.Errorf("pushed in spite of NoPush: %v", w.puts.list)
	}
}

func TestWritableFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "out", "hi"))
	o.Image = builder.Overrides{Writable: []string{`C:\app\data`}}
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Inspect(t.Context(), InspectOptions{Image: strings.Split(refs[0], "@")[0]}, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range found.Layers {
		if l.Verdict != "" && l.Verdict != "ok" {
			t.Errorf("%s layer: %s %v", l.Origin, l.Verdict, l.Findings)
		}
	}
}

func TestSplitLayout(t *testing.T) {
	t.Parallel()
	for place, want := range map[string][2]string{
		"dir":           {"dir", ""},
		"dir:v1":        {"dir", "v1"},
		"a/b:latest":    {"a/b", "latest"},
		"a:b/c":         {"a:b/c", ""},
		`C:\out`:        {`C:\out`, ""},
		`C:\out:v1`:     {`C:\out`, "v1"},
		"dir:not a tag": {"dir:not a tag", ""},
	} {
		dir, tag := splitLayout(place)
		if got := [2]string{dir, tag}; got != want {
			t.Errorf("splitLayout(%q) = %q, want %q", place, got, want)
		}
	}
}
