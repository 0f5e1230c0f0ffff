package base_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// mirrored is a base, and two mirrors that may have it.
type mirrored struct {
	img     v1.Image
	list    v1.ImageIndex
	origin  string // HOST of the base
	mirrors []string
	log     bytes.Buffer
	sent    *counter
	memory  *base.Remembered
}

const mirroredPath = "/windows/nanoserver:ltsc2022"

// newMirrored returns one whose base the origin has. Each mirror is one of what
// servers make.
func newMirrored(t *testing.T, mirrors ...string) *mirrored {
	t.Helper()
	m := &mirrored{img: image(t, sample.Options{Layers: 2}), origin: newRegistry(t), mirrors: mirrors, sent: &counter{}, memory: base.NewRemembered()}
	m.list = index(t, m.img)
	pushIndex(t, m.origin+mirroredPath, m.list)
	return m
}

func (m *mirrored) options(t *testing.T) base.Options {
	t.Helper()
	o := over(m.sent)
	o.Memory, o.Log = m.memory, slog.New(slog.NewTextHandler(&m.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, to := range m.mirrors {
		o.Mirrors = append(o.Mirrors, must[base.Mirror](t)(base.ParseMirror(m.origin+"="+to+"/mcr")))
	}
	return o
}

func (m *mirrored) fill(t *testing.T, host string) { pushIndex(t, host+"/mcr"+mirroredPath, m.list) }

func (m *mirrored) repo() string { return strings.TrimSuffix(m.origin+mirroredPath, ":ltsc2022") }

// check wants the base, as read from the repository.
func (m *mirrored) check(t *testing.T, b *base.Base, repo string) {
	t.Helper()
	if b.Digest != digest(t, m.img) || b.Index == nil || *b.Index != digest(t, m.list) {
		t.Errorf("%s of %v", b.Digest, b.Index)
	}
	if b.Name != m.origin+mirroredPath {
		t.Errorf("its name is %s", b.Name)
	}
	if b.Repository.Name() != repo {
		t.Errorf("read from %s, want %s", b.Repository, repo)
	}
	for _, l := range b.Layers {
		if from := l.(*remote.MountableLayer).Reference.Context().Name(); from != repo {
			t.Errorf("a layer can be mounted from %s, want %s", from, repo)
		}
	}
	if named, ok := m.memory.Tag(m.origin + mirroredPath); !ok || named != digest(t, m.list) {
		t.Errorf("kept %s for what was asked for", named)
	}
	checkLayers(t, b, must[[]v1.Layer](t)(m.img.Layers()))
}

// answering is a registry that answers everything but the handshake like this.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isHandshake(r) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func stopped(t *testing.T) string {
	t.Helper()
	host, stop := startRegistry(t)
	stop()
	return host
}

func TestMirrorIsAskedFirst(t *testing.T) {
	t.Parallel()
	mirror := newRegistry(t)
	m := newMirrored(t, mirror)
	m.fill(t, mirror)
	m.sent.answer = func(r *http.Request) *http.Response {
		if r.URL.Host == m.origin {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		return nil
	}
	o := m.options(t)
	b := must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, o))
	m.check(t, b, mirror+"/mcr/windows/nanoserver")
	m.sent.handshakes, m.sent.sent = 0, nil
	b = must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, o))
	m.sent.check(t, 0, "HEAD manifests ltsc2022")
	m.check(t, b, mirror+"/mcr/windows/nanoserver")
	if m.log.Len() > 0 {
		t.Errorf("logged %s", &m.log)
	}
}

func TestNextPlaceIsAsked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		mirror func(t *testing.T) string
		says   string
	}{
		"not found":      {func(t *testing.T) string { return newRegistry(t) }, "level=DEBUG msg=\"MIRROR: 404 Not Found"},
		"unauthorised":   {func(t *testing.T) string { return answering(t, 401, "") }, "level=WARN msg=\"MIRROR: 401 Unauthorized"},
		"forbidden":      {func(t *testing.T) string { return answering(t, 403, "") }, "level=WARN msg=\"MIRROR: 403 Forbidden"},
		"in trouble":     {func(t *testing.T) string { return answering(t, 503, "") }, "level=WARN msg=\"MIRROR: 503 Service Unavailable"},
		"a website":      {func(t *testing.T) string { return answering(t, 200, "<title>Welcome</title>") }, "level=WARN msg=\"MIRROR: "},
		"nobody answers": {stopped, "level=WARN msg=\"MIRROR: "},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			first, second := c.mirror(t), newRegistry(t)
			m := newMirrored(t, first, second)
			m.fill(t, second)
			b := must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, m.options(t)))
			m.check(t, b, second+"/mcr/windows/nanoserver")
			says := strings.Replace(c.says, "MIRROR", first+"/mcr/windows/nanoserver", 1)
			if got := m.log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, says) || !strings.Contains(got, "; asking "+second+"/mcr/windows/nanoserver\"") {
				t.Errorf("logged %s, want %s", got, says)
			}
			m.mirrors = m.mirrors[:1]
			b = must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, m.options(t)))
			m.check(t, b, m.repo())
		})
	}
}

// TestMirrorWithAPart: a base comes from one place as a whole, as far as its
// documents go.
func TestMirrorWithAPart(t *testing.T) {
	t.Parallel()
	mirror := newRegistry(t)
	m := newMirrored(t, mirror)
	m.fill(t, mirror)
	m.sent.answer = func(r *http.Request) *http.Response {
		if r.URL.Host == mirror && strings.HasSuffix(r.URL.Path, digest(t, m.img).String()) {
			return answer(r, 404, "")
		}
		return nil
	}
	b := must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, m.options(t)))
	m.check(t, b, m.repo())
}

// TestMirrorIsNoFreePass: a digest is the same everywhere.
func TestMirrorIsNoFreePass(t *testing.T) {
	t.Parallel()
	other := must[[]byte](t)(index(t, image(t, sample.Options{OSVersion: "10.0.20348.1"})).RawManifest())
	mirror := answering(t, 200, string(other))
	m := newMirrored(t, mirror)
	pinned := m.repo() + "@" + digest(t, m.list).String()
	b := must[*base.Base](t)(base.Resolve(testContext(t), pinned, m.options(t)))
	if b.Digest != digest(t, m.img) || b.Repository.Name() != m.repo() || b.Name != pinned {
		t.Errorf("%s, %s of %s", b.Name, b.Digest, b.Repository)
	}
	if got := m.log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "instead of "+digest(t, m.list).String()) || !strings.Contains(got, mirror) {
		t.Errorf("logged %s", got)
	}
}

// TestMirrorWithAnotherImage: what is no base there is none, whoever else has one.
func TestMirrorWithAnotherImage(t *testing.T) {
	t.Parallel()
	mirror := newRegistry(t)
	m := newMirrored(t, mirror)
	pushIndex(t, mirror+"/mcr"+mirroredPath, index(t, image(t, sample.Options{OS: "linux", NoOSVersion: true})))
	_, err := base.Resolve(testContext(t), m.origin+mirroredPath, m.options(t))
	wantError(t, err, "read base "+m.origin+mirroredPath+": at "+mirror+"/mcr/windows/nanoserver: no image for windows/amd64")
}

func TestNoPlaceHasIt(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		mirrors []string
		lines   int
	}{
		"one mirror":   {[]string{newRegistry(t)}, 3},
		"two mirrors":  {[]string{answering(t, 401, ""), stopped(t)}, 4},
		"five mirrors": {[]string{newRegistry(t), answering(t, 401, ""), stopped(t), newRegistry(t), newRegistry(t)}, 4},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, c.mirrors...)
			_, err := base.Resolve(testContext(t), m.repo()+":ltsc1999", m.options(t))
			if !errors.Is(err, base.ErrNotFound) || errors.Is(err, base.ErrUnreachable) {
				t.Errorf("%v is not what the base's own registry says", err)
			}
			parts := []string{"read base " + m.repo() + ":ltsc1999: no place that was asked gives it\n", "\n  " + m.repo() + ": 404 Not Found", "; check the repository"}
			for _, host := range c.mirrors {
				parts = append(parts, host+"/mcr/windows/nanoserver: ")
			}
			wantError(t, err, parts...)
			if got := strings.Count(err.Error(), "\n") + 1; got != c.lines {
				t.Errorf("%d lines, want %d: %v", got, c.lines, err)
			}
		})
	}
}

func TestRemedyWithMirrors(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	o := r.options()
	o.Mirrors = []base.Mirror{must[base.Mirror](t)(base.ParseMirror(r.repo() + "=" + newRegistry(t) + "/nano"))}
	r.stop()
	_, err := base.Resolve(testContext(t), r.ref, o)
	if !errors.Is(err, base.ErrUnreachable) {
		t.Errorf("%v, want unreachable", err)
	}
	wantError(t, err, "; to go on with what it was last, pass --base "+r.pinned(t))
	b := must[*base.Base](t)(base.Resolve(testContext(t), r.pinned(t), o))
	if b.Name != r.pinned(t) {
		t.Errorf("named %s", b.Name)
	}
}

// TestLayersOfAKnownBase are looked for at the next place too: which has them was
// not asked when the base was found.
func TestLayersOfAKnownBase(t *testing.T) {
	t.Parallel()
	for what, mirror := range map[string]string{"empty": newRegistry(t), "stopped": stopped(t)} {
		m := newMirrored(t)
		must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, m.options(t)))
		m.sent.handshakes, m.sent.sent, m.mirrors = 0, nil, []string{mirror}
		b := must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath+"@"+digest(t, m.list).String(), m.options(t)))
		m.sent.check(t, 0)
		checkLayers(t, b, must[[]v1.Layer](t)(m.img.Layers()))
		if got := m.log.String(); !strings.Contains(got, mirror) || !strings.Contains(got, "; asking "+m.repo()) {
			t.Errorf("%s: logged %s", what, got)
		}
	}
}

func TestNoPlaceHasTheLayer(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, answering(t, 404, ""))
	gone := digest(t, must[[]v1.Layer](t)(m.img.Layers())[0]).String()
	m.sent.answer = func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/blobs/"+gone) {
			return answer(r, 404, "")
		}
		return nil
	}
	must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath, m.options(t)))
	b := must[*base.Base](t)(base.Resolve(testContext(t), m.origin+mirroredPath+"@"+digest(t, m.list).String(), m.options(t)))
	_, err := b.Layers[0].Compressed()
	if !errors.Is(err, base.ErrNotFound) {
		t.Errorf("%v, want not found", err)
	}
	wantError(t, err, "read layer "+gone+": no place that was asked gives it\n", m.mirrors[0]+"/mcr/windows/nanoserver: 404", m.repo()+": 404")
}
