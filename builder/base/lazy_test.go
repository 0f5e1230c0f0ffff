package base_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// pinned is the reference that needs nothing of the registry.
func (r *remembered) pinned(t testing.TB) string {
	t.Helper()
	return r.ref + "@" + digest(t, r.list).String()
}

// TestLayersAreOpenedLate: what their manifest says of them asks nothing, and all
// that are read share one handshake.
func TestLayersAreOpenedLate(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{Layers: 3, Foreign: true, Padding: 50_000})
	b := r.resolve(t, r.pinned(t))
	want := must[[]v1.Layer](t)(r.img.Layers())
	for i, l := range b.Layers {
		m, ok := l.(*remote.MountableLayer)
		if !ok || m.Reference.Context().Name() != r.repo() {
			t.Fatalf("layer %d is a %T", i, l)
		}
		got, exp := must[*v1.Descriptor](t)(partial.Descriptor(l)), must[*v1.Descriptor](t)(partial.Descriptor(want[i]))
		if got.Digest != exp.Digest || got.Size != exp.Size || got.MediaType != exp.MediaType || !slices.Equal(got.URLs, exp.URLs) {
			t.Errorf("descriptor %+v, want %+v", got, exp)
		}
		if mt := must[types.MediaType](t)(l.MediaType()); mt != exp.MediaType || digest(t, l) != exp.Digest || must[int64](t)(l.Size()) != exp.Size {
			t.Errorf("layer %d: %s of type %s", i, digest(t, l), mt)
		}
		if got, want := must[v1.Hash](t)(l.DiffID()), must[v1.Hash](t)(want[i].DiffID()); got != want {
			t.Errorf("diffID %s, want %s", got, want)
		}
	}
	r.sent.check(t, 0)
	var all sync.WaitGroup
	for i, l := range b.Layers {
		all.Go(func() { checkBytes(t, l.Compressed, want[i].Compressed) })
	}
	all.Wait()
	slices.Sort(r.sent.sent)
	var asked []string
	for _, l := range want {
		asked = append(asked, "GET blobs "+digest(t, l).String())
	}
	slices.Sort(asked)
	r.sent.check(t, 1, asked...)
}

func TestLayersOfAStoppedRegistry(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	r.stop()
	b := r.resolve(t, r.pinned(t))
	for name, read := range map[string]func() (io.ReadCloser, error){"compressed": b.Layers[0].Compressed, "uncompressed": b.Layers[0].Uncompressed} {
		_, err := read()
		if !errors.Is(err, base.ErrUnreachable) {
			t.Errorf("%s: %v, want unreachable", name, err)
		}
		wantError(t, err, "read layer "+digest(t, b.Layers[0]).String()+" from "+r.repo()+": ", "check the name and the port")
	}
}

// answerBlob answers for the base's only layer.
func (r *remembered) answerBlob(t *testing.T, with func(req *http.Request, body []byte) *http.Response) {
	t.Helper()
	layer := must[[]v1.Layer](t)(r.img.Layers())[0]
	body := must[[]byte](t)(io.ReadAll(must[io.ReadCloser](t)(layer.Compressed())))
	suffix := "/blobs/" + digest(t, layer).String()
	r.sent.answer = func(req *http.Request) *http.Response {
		if !strings.HasSuffix(req.URL.Path, suffix) {
			return nil
		}
		return with(req, body)
	}
}

// cut is a body that breaks off.
type cut struct{ io.Reader }

func (c cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestLayersThatComeWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		with func(req *http.Request, body []byte) *http.Response
		kind error
		part string
	}{
		"damaged": {with: func(req *http.Request, body []byte) *http.Response {
			return answer(req, 200, "x"+string(body[1:]))
		}, part: "have the digest"},
		"longer": {with: func(req *http.Request, body []byte) *http.Response {
			return answer(req, 200, string(body)+"x")
		}, part: "bytes are offered instead of"},
		"shorter": {with: func(req *http.Request, body []byte) *http.Response {
			resp := answer(req, 200, string(body[1:]))
			resp.ContentLength = -1
			return resp
		}, kind: base.ErrUnreachable, part: "unexpected EOF"},
		"cut off": {with: func(req *http.Request, body []byte) *http.Response {
			resp := answer(req, 200, "")
			resp.ContentLength, resp.Body = int64(len(body)), io.NopCloser(cut{strings.NewReader(string(body[:100]))})
			return resp
		}, kind: base.ErrUnreachable, part: "unexpected EOF"},
		"gone":    {with: func(req *http.Request, _ []byte) *http.Response { return answer(req, 404, "") }, kind: base.ErrNotFound, part: "check the repository"},
		"refused": {with: func(req *http.Request, _ []byte) *http.Response { return answer(req, 403, "") }, kind: base.ErrUnauthorized, part: "nanobuild login"},
		"sent on to http": {with: func(req *http.Request, _ []byte) *http.Response {
			resp := answer(req, 307, "")
			resp.Header.Set("Location", "http://cdn.example.com/x")
			return resp
		}, kind: base.ErrUnreachable, part: "--insecure cdn.example.com"},
		"sent on in a circle": {with: func(req *http.Request, _ []byte) *http.Response {
			resp := answer(req, 307, "")
			resp.Header.Set("Location", req.URL.String())
			return resp
		}, kind: base.ErrUnreachable, part: "10 redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remember(t, sample.Options{})
			r.answerBlob(t, c.with)
			b := r.resolve(t, r.pinned(t))
			rc, err := b.Layers[0].Compressed()
			if err == nil {
				_, err = io.Copy(io.Discard, rc)
				rc.Close()
			}
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("%v, want a %q", err, c.kind)
			}
			wantError(t, err, "read layer "+digest(t, b.Layers[0]).String()+" from "+r.repo()+": ", c.part)
		})
	}
}

// TestForeignLayersAreFoundAtTheirURLs where the registry has them not.
func TestForeignLayersAreFoundAtTheirURLs(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{Foreign: true})
	r.answerBlob(t, func(req *http.Request, body []byte) *http.Response {
		if req.URL.Host == "base.example.com" {
			return answer(req, 200, string(body))
		}
		return answer(req, 404, "")
	})
	b := r.resolve(t, r.pinned(t))
	checkBytes(t, b.Layers[0].Compressed, must[[]v1.Layer](t)(r.img.Layers())[0].Compressed)
}

// TestKnownHostProcessBase has the first bytes of its layers looked at each time.
func TestKnownHostProcessBase(t *testing.T) {
	t.Parallel()
	r := &remembered{sent: &counter{}, memory: base.NewRemembered()}
	r.img = image(t, sample.Options{NoOSVersion: true, Uncompressed: true, Mislabel: true})
	r.list = index(t, r.img)
	host, _ := startRegistry(t)
	r.ref = host + "/windows/nanoserver:ltsc2022"
	pushIndex(t, r.ref, r.list)
	r.resolve(t, r.ref)
	r.sent.handshakes, r.sent.sent = 0, nil
	b := r.resolve(t, r.pinned(t))
	r.sent.check(t, 1, "GET blobs "+digest(t, b.Layers[0]).String())
	if d := must[*v1.Descriptor](t)(partial.Descriptor(b.Layers[0])); d.MediaType != types.DockerUncompressedLayer {
		t.Errorf("type %s", d.MediaType)
	}
}
