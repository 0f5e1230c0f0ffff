package publish

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// The library's registry takes an image whose foreign layers it does not have; what
// the manifest says of them stays.
func TestForeignLayersStayAsTheyAre(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	base := foreignLayer("stays at home")
	img := testImage(t, brokenLayer{base, failsMidway(0)}, testLayer(t, 1, 1000))
	content := indexOf(t, []Child{{Image: img}})
	if _, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, q := range rec.take("PUT ", "POST ", "HEAD ") {
		if strings.Contains(q, digestOf(t, base).String()) {
			t.Errorf("a foreign layer was on the way: %s", q)
		}
	}
	index, err := registryPlaceAt(t, host+"/app").index("v1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := index.Image(digestOf(t, img))
	if err != nil {
		t.Fatal(err)
	}
	m, err := got.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Descriptor{
		MediaType: types.DockerForeignLayer, Digest: digestOf(t, base), Size: int64(len("stays at home")),
		URLs: []string{"https://mcr.microsoft.com/v2/windows/nanoserver/blobs/" + digestOf(t, base).String()},
	}
	if diff := cmp.Diff(want, m.Layers[0]); diff != "" {
		t.Errorf("the foreign layer (-want +got):\n%s", diff)
	}
}

// distribution takes no address of a layer unless it was told which.
func TestDockerRegistryRefusesForeignLayers(t *testing.T) {
	t.Parallel()
	for name, host := range map[string]string{"first found": need.StartRegistry(t), "newer": need.StartRegistryWith(t, need.RegistryOptions{})} {
		base := foreignLayer("stays at home")
		img := testImage(t, base, testLayer(t, 1, 1000))
		for _, send := range []bool{false, true} {
			s := newTestRegistry(t, host+"/app", RegistryOptions{Nondistributable: send})
			_, err := PushContent(t.Context(), indexOf(t, []Child{{Image: img, Suffix: "ltsc2019"}}), []Sink{s}, []string{"v1"}, PushOptions{})
			var refused *ForeignError
			if !errors.As(err, &refused) || refused.Sent != send || refused.Layers[0].Digest != digestOf(t, base) {
				t.Fatalf("%s, sent %v: Push = %v, want a ForeignError", name, send, err)
			}
			for words, want := range map[string]bool{"--push-foreign": !send, "were uploaded": send, "mcr.microsoft.com": true} {
				if strings.Contains(err.Error(), words) != want {
					t.Errorf("%s, sent %v: %q; says %q: %v", name, send, err, words, !want)
				}
			}
			if held := headOf(t, newTestRegistry(t, host+"/app", RegistryOptions{}), "v1"); held != (v1.Hash{}) {
				t.Errorf("v1 names %s", held)
			}
		}
	}
}

// needsAll answers a manifest that lacks a blob as registries do that know no foreign
// layers.
func needsAll(rec *recorder, detail func(digest string) any) http.Handler {
	inner := rec.next
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !manifestPut(r) {
			inner.ServeHTTP(w, r)
			return
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		for blob := range rec.blobs {
			if strings.HasSuffix(blob, digestOfText("stays at home")) {
				inner.ServeHTTP(w, r)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]any{
			{"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown", "detail": detail(digestOfText("stays at home"))},
		}})
	})
}

func digestOfText(s string) string {
	h, _, err := v1.SHA256(strings.NewReader(s))
	if err != nil {
		return err.Error()
	}
	return h.String()
}

// Registries that know no foreign layers miss them until they are uploaded.
func TestRegistriesThatMissForeignLayers(t *testing.T) {
	t.Parallel()
	for name, detail := range map[string]func(string) any{
		"no detail": func(string) any { return nil },
		"a digest":  func(d string) any { return d },
		"an object": func(d string) any { return map[string]string{"digest": d} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			rec.next = needsAll(rec, detail)
			img := testImage(t, foreignLayer("stays at home"), testLayer(t, 1, 1000))
			_, err := Push(t.Context(), img, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{})
			var refused *ForeignError
			if !errors.As(err, &refused) || refused.Sent || !strings.Contains(err.Error(), "--push-foreign") {
				t.Errorf("Push = %v, want a ForeignError", err)
			}
			if _, err := Push(t.Context(), img, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{Nondistributable: true})}, []string{"v1"}, PushOptions{}); err != nil {
				t.Errorf("with the foreign layers: %v", err)
			}
		})
	}
}

// Another refusal of an image with foreign layers is not about them.
func TestRefusalsThatAreNotOfForeignLayers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"too large": invalid("MANIFEST_INVALID", `"too many layers"`), "no rights": invalid("DENIED", "null"),
	} {
		host, rec := newServer(t)
		rec.next = refusing(http.StatusBadRequest, body, "")(rec.next)
		img := testImage(t, foreignLayer("stays at home"), testLayer(t, 1, 1000))
		_, err := Push(t.Context(), img, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{})
		var refused *ForeignError
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%s: Push = %v", name, err)
		}
	}
}
