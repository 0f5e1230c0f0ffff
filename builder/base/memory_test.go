package base_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// remembered is an image in a registry, and the memory of a run that used it.
type remembered struct {
	img    v1.Image
	list   v1.ImageIndex
	ref    string // by tag
	stop   func() // the registry
	sent   *counter
	memory *base.Remembered
}

func (r *remembered) resolve(t testing.TB, ref string) *base.Base {
	t.Helper()
	return must[*base.Base](t)(base.Resolve(testContext(t), ref, r.options()))
}

func (r *remembered) options() base.Options {
	o := over(r.sent)
	o.Memory = r.memory
	return o
}

// configOf is the request for an image's config.
func configOf(t testing.TB, img v1.Image) string {
	t.Helper()
	return "GET blobs " + must[v1.Hash](t)(img.ConfigName()).String()
}

// remember resolves an image with nothing known, and checks what that asks.
func remember(t *testing.T, o sample.Options) *remembered {
	t.Helper()
	host, stop := startRegistry(t)
	r := &remembered{img: image(t, o), ref: host + "/windows/nanoserver:ltsc2022", stop: stop, sent: &counter{}, memory: base.NewRemembered()}
	r.list = index(t, r.img)
	pushIndex(t, r.ref, r.list)
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.check(t, 1, "GET manifests ltsc2022", "GET manifests "+digest(t, r.img).String(), configOf(t, r.img))
	return r
}

func (r *remembered) repo() string { return strings.TrimSuffix(r.ref, ":ltsc2022") }

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	n := r.memory.Documents()
	if len(n) != 3 || n[types.DockerManifestList] != 1 || n[types.DockerManifestSchema2] != 1 || n[types.DockerConfigJSON] != 1 {
		t.Errorf("kept %v, want a list, a manifest and a config", n)
	}
	if got, ok := r.memory.Tag(r.ref); !ok || got != digest(t, r.list) {
		t.Errorf("the tag is kept as %s, want %s", got, digest(t, r.list))
	}
}

func TestKnownDigestAsksNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sample.Options{"docker": {}, "oci without types": {OCI: true, NoMediaType: true}} {
		r := remember(t, o)
		r.stop()
		for _, by := range []string{"@" + digest(t, r.list).String(), ":ltsc2022@" + digest(t, r.list).String(), "@" + digest(t, r.img).String()} {
			b := r.resolve(t, r.repo()+by)
			if named, ok := r.memory.Tag(r.repo() + by[strings.IndexByte(by, '@'):]); ok {
				t.Errorf("%s: kept as a tag that names %s", by, named)
			}
			if b.Digest != digest(t, r.img) || b.MediaType != must[types.MediaType](t)(r.img.MediaType()) || b.Repository.Name() != r.repo() {
				t.Errorf("%s: %s of type %s in %s", name, b.Digest, b.MediaType, b.Repository)
			}
			if got, want := string(b.Config), string(must[[]byte](t)(r.img.RawConfigFile())); got != want {
				t.Errorf("%s: config %s", name, got)
			}
		}
		r.sent.check(t, 0)
	}
}

func TestKnownTagAsksOnce(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.check(t, 1, "HEAD manifests ltsc2022")
}

func checkDigests(t *testing.T, b *base.Base, r *remembered) {
	t.Helper()
	if b.Digest != digest(t, r.img) || b.Index == nil || *b.Index != digest(t, r.list) {
		t.Errorf("got %s of list %v", b.Digest, b.Index)
	}
}

// TestOneRequestAfterAuthorisation has a registry that wants a token.
func TestOneRequestAfterAuthorisation(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	r.sent.answer = func(req *http.Request) *http.Response {
		if strings.HasPrefix(req.URL.Path, "/token") {
			return answer(req, 200, `{"token":"let-me-in"}`)
		}
		if req.URL.Scheme == "https" || req.Header.Get("Authorization") == "Bearer let-me-in" {
			return nil
		}
		resp := answer(req, 401, "")
		resp.Header.Set("WWW-Authenticate", `Bearer realm="http://`+req.URL.Host+`/token",service="x"`)
		return resp
	}
	b := r.resolve(t, r.ref)
	r.sent.check(t, 2, "HEAD manifests ltsc2022")
	checkLayers(t, b, must[[]v1.Layer](t)(r.img.Layers()))
	layer := "GET blobs " + digest(t, b.Layers[0]).String()
	r.sent.check(t, 0, layer, layer)
}

func TestMovedTag(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	old := digest(t, r.list)
	r.img = image(t, sample.Options{OSVersion: "10.0.20348.9999"})
	r.list = index(t, r.img)
	pushIndex(t, r.ref, r.list)
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.check(t, 1, "HEAD manifests ltsc2022", "GET manifests ltsc2022", "GET manifests "+digest(t, r.img).String(), configOf(t, r.img))
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.check(t, 1, "HEAD manifests ltsc2022")
	if got, _ := r.memory.Tag(r.ref); got == old || got != digest(t, r.list) {
		t.Errorf("the tag is kept as %s", got)
	}
}

// TestRegistriesWithoutHEAD are asked with GET, and for nothing that is known.
func TestRegistriesWithoutHEAD(t *testing.T) {
	t.Parallel()
	head := func(set map[string]string) func(*http.Request) *http.Response {
		return func(req *http.Request) *http.Response {
			resp := answer(req, 200, "")
			for k, v := range set {
				resp.Header.Set(k, v)
			}
			return resp
		}
	}
	for name, answerHead := range map[string]func(*http.Request) *http.Response{
		"not allowed":    func(req *http.Request) *http.Response { return answer(req, 405, "") },
		"501":            func(req *http.Request) *http.Response { return answer(req, 501, "") },
		"not found":      func(req *http.Request) *http.Response { return answer(req, 404, "") },
		"no digest":      head(map[string]string{"Content-Type": string(types.DockerManifestList)}),
		"no type":        head(map[string]string{"Docker-Content-Digest": "sha256:" + strings.Repeat("0", 64)}),
		"no such digest": head(map[string]string{"Content-Type": "x", "Docker-Content-Digest": "sha256:" + strings.Repeat("0", 64)}),
		"bad digest":     head(map[string]string{"Content-Type": "x", "Docker-Content-Digest": "latest"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remember(t, sample.Options{})
			r.sent.answer = func(req *http.Request) *http.Response {
				if req.Method == http.MethodHead {
					return answerHead(req)
				}
				return nil
			}
			checkDigests(t, r.resolve(t, r.ref), r)
			r.sent.check(t, 1, "HEAD manifests ltsc2022", "GET manifests ltsc2022")
		})
	}
}

// TestListsThatSayLittle need more documents, which are known afterwards too.
func TestListsThatSayLittle(t *testing.T) {
	t.Parallel()
	host, _ := startRegistry(t)
	r := &remembered{ref: host + "/base:v1", sent: &counter{}, memory: base.NewRemembered()}
	r.img = image(t, sample.Options{})
	r.list = bare(t, image(t, sample.Options{OS: "linux", NoOSVersion: true}), index(t, r.img), artifact(t))
	pushIndex(t, r.ref, r.list)
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.handshakes, r.sent.sent = 0, nil
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.check(t, 1, "HEAD manifests v1")
}

// TestLargeDocumentsAreNotKept: of what the tag names nothing is known then, so
// that asking for its digest would be of no use.
func TestLargeDocumentsAreNotKept(t *testing.T) {
	t.Parallel()
	large := map[string]string{"large": strings.Repeat("x", 64<<10)}
	host, _ := startRegistry(t)
	r := &remembered{ref: host + "/base:v1", sent: &counter{}, memory: base.NewRemembered()}
	r.img = image(t, sample.Options{ExtraConfig: map[string]any{"large": large}})
	r.list = mutate.Annotations(index(t, r.img), large).(v1.ImageIndex)
	pushIndex(t, r.ref, r.list)
	for range 2 {
		checkDigests(t, r.resolve(t, r.ref), r)
		if n := r.memory.Documents(); len(n) != 1 || n[types.DockerManifestSchema2] != 1 {
			t.Errorf("kept %v, want the manifest alone", n)
		}
	}
	manifest := "GET manifests " + digest(t, r.img).String()
	r.sent.check(t, 2, "GET manifests v1", manifest, configOf(t, r.img), "GET manifests v1", configOf(t, r.img))
}

// TestWrongMemory: what does not have its digest, or is no manifest, is fetched.
func TestWrongMemory(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(types.MediaType, []byte) (types.MediaType, []byte){
		"one bit": func(mt types.MediaType, raw []byte) (types.MediaType, []byte) {
			raw = []byte(string(raw))
			raw[len(raw)/2] ^= 1
			return mt, raw
		},
		"truncated": func(mt types.MediaType, raw []byte) (types.MediaType, []byte) { return mt, raw[:len(raw)-1] },
		"longer": func(mt types.MediaType, raw []byte) (types.MediaType, []byte) {
			return mt, append(raw[:len(raw):len(raw)], ' ')
		},
		"empty": func(mt types.MediaType, _ []byte) (types.MediaType, []byte) { return mt, nil },
		"forged": func(mt types.MediaType, raw []byte) (types.MediaType, []byte) {
			return mt, []byte(strings.ReplaceAll(string(raw), "10.0.20348", "10.0.17763"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remember(t, sample.Options{})
			r.memory.Change(change)
			pinned := r.repo() + "@" + digest(t, r.list).String()
			checkDigests(t, r.resolve(t, pinned), r)
			manifest, child := "GET manifests "+digest(t, r.list).String(), "GET manifests "+digest(t, r.img).String()
			if name == "forged" { // manifests do not hold the version
				r.sent.check(t, 1, manifest, configOf(t, r.img))
			} else {
				r.sent.check(t, 1, manifest, child, configOf(t, r.img))
			}
			checkDigests(t, r.resolve(t, pinned), r) // and what was fetched is known
			r.sent.check(t, 0)
		})
	}
}

// TestWrongTypeInMemory: a list cannot be an image, whatever the memory says.
func TestWrongTypeInMemory(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{OCI: true, NoMediaType: true})
	r.memory.Change(func(mt types.MediaType, raw []byte) (types.MediaType, []byte) {
		if mt == types.OCIManifestSchema1 {
			mt = types.OCIImageIndex
		}
		return mt, raw
	})
	checkDigests(t, r.resolve(t, r.ref), r)
	r.sent.check(t, 1, "HEAD manifests ltsc2022", "GET manifests "+digest(t, r.img).String())
}

func TestSharedMemory(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{Layers: 3})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			b, err := base.Resolve(testContext(t), r.ref, r.options())
			if err != nil {
				t.Error(err)
				return
			}
			checkLayers(t, b, must[[]v1.Layer](t)(r.img.Layers()))
		})
	}
	all.Wait()
}
