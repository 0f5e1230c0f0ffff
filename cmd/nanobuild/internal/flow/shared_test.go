package flow

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/layers"
)

// Three images in one run: what they share is sent once.
func TestSharedLayersAreSentOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var apps []string
	for _, name := range []string{"Alpha", "Beta", "Gamma"} {
		apps = append(apps, s.app(t, name, "I am "+name))
		rename(t, filepath.Join(s.WorkDir, name), "Demo", name)
	}
	o := s.options("", apps[0])
	o.Projects, o.Targets.Repo = apps, s.host+"/shop/"
	three := s.publish(t, o)
	s.sound(t, "shop/gamma", "v1")
	alone := newSite(t)
	o = alone.options("one", apps[0])
	one := alone.publish(t, o)
	if extra := three.sent - one.sent; extra <= 0 || extra > 20_000 {
		t.Errorf("three images sent %d bytes, one %d", three.sent, one.sent)
	}
	if n := strings.Count(strings.Join(three.bases, "\n"), "GET blobs"); n != 3 {
		t.Errorf("%d blobs of the base were read, want its config and 2 layers: %q", n, three.bases)
	}
}

func TestZstdImage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options("web", s.app(t, "out", "hi"))
	o.Image.Compression = layers.Zstd
	if _, err := Publish(t.Context(), o, s.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--format oci") {
		t.Errorf("on a base of Docker's family: %v; want a usage error that names --format oci", err)
	}
	o.Image.Format = "oci"
	first := s.publish(t, o)
	found, err := Inspect(t.Context(), InspectOptions{Image: s.host + "/web:v1"}, s.Deps)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range found.Layers[2:] {
		if l.Verdict != "ok" || !strings.HasSuffix(l.MediaType, "+zstd") {
			t.Errorf("%s layer, %s: %s %v", l.Origin, l.MediaType, l.Verdict, l.Findings)
		}
	}
	s.target.since()
	if again := s.publish(t, o); again.packed != nil || again.sent != 0 || again.ref != first.ref {
		t.Errorf("again: packed %q, sent %d bytes", again.packed, again.sent)
	}
	o.Image.Compression = layers.Gzip
	if gz := s.publish(t, o); len(gz.packed) != 7 || gz.ref == first.ref {
		t.Errorf("records of zstd were used for gzip: packed %q", gz.packed)
	}
}

// A layer of ours that cannot be made when a place asks for it is no failure of
// the base.
func TestFilesChangeBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app(t, "out", "hi")
	s.publish(t, s.options("one", app))
	next := s.target.next
	s.target.next = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/two/manifests/") {
			if err := os.WriteFile(filepath.Join(app, "coreclr.dll"), []byte("changed"), 0o600); err != nil {
				t.Error(err)
			}
		}
		next.ServeHTTP(w, req)
	})
	s.target.lose("one")
	_, err := Publish(t.Context(), s.options("two", app), s.Deps)
	if stageOf(err) != StageOther || !strings.Contains(err.Error(), "coreclr.dll") {
		t.Errorf("stage %d: %v", stageOf(err), err)
	}
	noTempLeft(t, s.TempRoot)
}
