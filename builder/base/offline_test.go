package base_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// TestRegistryDown: a tag is never taken for what it was, but the error says how
// to do so, and that works.
func TestRegistryDown(t *testing.T) {
	t.Parallel()
	for name, bare := range map[string]bool{"list": false, "manifest": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remember(t, sample.Options{})
			root := digest(t, r.list)
			if bare {
				root = digest(t, r.img)
				pushImage(t, r.ref, r.img)
				r.resolve(t, r.ref)
			}
			r.stop()
			_, err := base.Resolve(testContext(t), r.ref, r.options())
			if !errors.Is(err, base.ErrUnreachable) {
				t.Fatalf("%v, want unreachable", err)
			}
			_, remedy, ok := strings.Cut(err.Error(), "; to go on with what it was last, pass --base ")
			if want := r.ref + "@" + root.String(); !ok || remedy != want {
				t.Fatalf("%v, want it to end with %s", err, want)
			}
			if b := r.resolve(t, remedy); b.Digest != digest(t, r.img) || b.Name != remedy || bare != (b.Index == nil) {
				t.Errorf("%s: %s", b.Name, b.Digest)
			}
		})
	}
}

func TestNoRemedyWhereItWouldNotHelp(t *testing.T) {
	t.Parallel()
	const hint = "what it was last"
	r := remember(t, sample.Options{})
	_, err := base.Resolve(testContext(t), r.repo()+":ltsc2025", r.options())
	if !errors.Is(err, base.ErrNotFound) || strings.Contains(err.Error(), hint) {
		t.Errorf("a tag that is not there: %v", err)
	}
	r.stop()
	for name, c := range map[string]struct {
		ref    string
		memory base.Memory
	}{
		"no memory":          {r.ref, nil},
		"another tag":        {r.repo() + ":ltsc2025", r.memory},
		"a digest":           {r.repo() + "@sha256:" + strings.Repeat("0", 64), r.memory},
		"document forgotten": {r.ref, onlyTags{r.memory}},
	} {
		o := options()
		o.Memory = c.memory
		_, err := base.Resolve(testContext(t), c.ref, o)
		if !errors.Is(err, base.ErrUnreachable) || strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := r.options()
	o.What = "image"
	_, err = base.Resolve(testContext(t), r.ref, o)
	wantError(t, err, "read image ", "to go on with what it was last, give "+r.ref+"@sha256:")
}

// TestRegistryBreaksOff: one that does not answer HEAD at all is not asked with GET.
func TestRegistryBreaksOff(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	o := over(roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodHead {
			r.sent.note(req)
			return nil, errors.New("no route to host")
		}
		return r.sent.RoundTrip(req)
	}))
	o.Memory = r.memory
	_, err := base.Resolve(testContext(t), r.ref, o)
	if !errors.Is(err, base.ErrUnreachable) {
		t.Errorf("%v, want unreachable", err)
	}
	wantError(t, err, "no route to host", "pass --base "+r.pinned(t))
	r.sent.check(t, 1, slices.Repeat([]string{"HEAD manifests ltsc2022"}, 6)...)
}

// onlyTags is a memory that has lost its documents.
type onlyTags struct{ base.Memory }

func (onlyTags) Document(v1.Hash) (types.MediaType, []byte, bool) { return "", nil, false }

// TestDigestInAHeader: that a manifest has its digest is not the registry's word.
func TestDigestInAHeader(t *testing.T) {
	t.Parallel()
	r := remember(t, sample.Options{})
	other := "sha256:" + strings.Repeat("0", 64)
	for _, ref := range []string{r.repo() + "@" + other, r.ref} {
		memory := base.NewRemembered()
		o := over(roundTrip(func(req *http.Request) (*http.Response, error) {
			if !strings.Contains(req.URL.Path, "/manifests/") {
				return http.DefaultTransport.RoundTrip(req)
			}
			resp := answer(req, 200, string(must[[]byte](t)(r.list.RawManifest())))
			resp.Header.Set("Content-Type", string(types.DockerManifestSchema1Signed))
			resp.Header.Set("Docker-Content-Digest", other)
			return resp, nil
		}))
		o.Memory = memory
		_, err := base.Resolve(testContext(t), ref, o)
		wantError(t, err, "came with the digest "+digest(t, r.list).String()+" instead of "+other)
		if n := memory.Documents(); len(n) > 0 {
			t.Errorf("kept %v", n)
		}
	}
}

// TestConfigInTheManifest is not asked for.
func TestConfigInTheManifest(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{OCI: true})
	config := must[[]byte](t)(img.RawConfigFile())
	for name, c := range map[string]struct {
		data []byte
		part string
	}{
		"right": {data: config},
		"wrong": {data: bytes.Replace(config, []byte("20348"), []byte("17763"), 1), part: "have the digest"},
	} {
		m := must[*v1.Manifest](t)(img.Manifest()).DeepCopy()
		m.Config.Data = c.data
		raw := must[[]byte](t)(json.Marshal(m))
		o := over(roundTrip(func(req *http.Request) (*http.Response, error) {
			switch {
			case strings.HasSuffix(req.URL.Path, "/v2/"):
				return answer(req, 200, ""), nil
			case strings.HasSuffix(req.URL.Path, "/manifests/v1"):
				return answer(req, 200, string(raw)), nil
			}
			return answer(req, 404, ""), nil
		}))
		o.Memory = base.NewRemembered()
		b, err := base.Resolve(testContext(t), "localhost:5000/x:v1", o)
		if c.part != "" {
			wantError(t, err, c.part)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o.Remote = over(roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("stopped") })).Remote
		again, err := base.Resolve(testContext(t), "localhost:5000/x@"+b.Digest.String(), o)
		if err != nil || !bytes.Equal(again.Config, config) {
			t.Errorf("%s, by digest: %v", name, err)
		}
	}
}
