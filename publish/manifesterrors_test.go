package publish

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// refusing answers manifests that match with status and body.
func refusing(status int, body, under string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"+under) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func invalid(code, detail string) string {
	return `{"errors":[{"code":"` + code + `","message":"manifest invalid","detail":` + detail + `}]}`
}

func TestRegistriesThatTakeOnlyOCI(t *testing.T) {
	t.Parallel()
	docker, oci := testImage(t, testLayer(t, 1, 1000)), ociImage(t, testLayer(t, 2, 1000))
	zot := invalid("MANIFEST_INVALID", `{"mediaType":"application/vnd.docker.distribution.manifest.v2+json"}`)
	for name, c := range map[string]struct {
		status int
		body   string
		img    v1.Image
		format bool
	}{
		"415":                    {415, "", docker, true},
		"415 with words":         {415, "Unsupported Media Type", docker, true},
		"zot":                    {400, zot, docker, true},
		"unsupported":            {405, invalid("UNSUPPORTED", `"application/vnd.docker.distribution.manifest.v2+json"`), docker, true},
		"a layer's type":         {400, invalid("MANIFEST_INVALID", `"application/vnd.docker.image.rootfs.diff.tar.gzip is not known"`), docker, true},
		"another reason":         {400, invalid("MANIFEST_INVALID", `"too many layers"`), docker, false},
		"415 for OCI":            {415, "", oci, false},
		"zot's words for OCI":    {400, zot, oci, false},
		"an error of the moment": {503, zot, docker, false},
		"no rights":              {403, zot, docker, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			rec.next = refusing(c.status, c.body, "")(rec.next)
			_, err := put(t.Context(), newTestRegistry(t, host+"/app", RegistryOptions{}), c.img, "v1")
			var format *FormatError
			if err == nil || errors.As(err, &format) != c.format || strings.Contains(err.Error(), "--format oci") != c.format {
				t.Errorf("put = %v; want a FormatError: %v", err, c.format)
			}
		})
	}
}

func TestTagsThatKeepTheirKind(t *testing.T) {
	t.Parallel()
	img := testImage(t, testLayer(t, 1, 1000))
	zot := invalid("MANIFEST_INVALID", `{"reason":"changing manifest media-type from \"application/vnd.oci.image.index.v1+json\" to \"application/vnd.docker.distribution.manifest.v2+json\" is disallowed","reference":"v1"}`)
	for name, c := range map[string]struct {
		status int
		body   string
		index  bool // the tag names an index before
		kind   bool
	}{
		"zot":                         {400, zot, true, true},
		"zot, seen by its words only": {400, zot, false, true},
		"other words":                 {400, invalid("MANIFEST_INVALID", `"no"`), true, true},
		"another status":              {409, invalid("UNSUPPORTED", `null`), true, true},
		"another reason":              {400, invalid("MANIFEST_INVALID", `"no"`), false, false},
		"immutable":                   {400, invalid("TAG_INVALID", `"immutable"`), true, false},
		"immutable, by its status":    {409, "", true, false},
		"no rights":                   {401, "", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			if c.index {
				if err := remote.WriteIndex(mustRepo(t, host+"/app").Tag("v1"), empty.Index); err != nil {
					t.Fatal(err)
				}
			}
			rec.next = refusing(c.status, c.body, "v1")(rec.next)
			_, err := put(t.Context(), newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
			var tag *TagError
			var kind *KindError
			if !errors.As(err, &tag) || errors.As(err, &kind) != c.kind {
				t.Fatalf("put = %v; want a TagError, with a KindError: %v", err, c.kind)
			}
			if !c.kind {
				return
			}
			if kind.Tag != "v1" || kind.Wanted != types.DockerManifestSchema2 || c.index && kind.Holds != types.OCIImageIndex {
				t.Errorf("KindError = %+v", kind)
			}
			if strings.Contains(err.Error(), "--format") {
				t.Errorf("%q speaks of formats", err)
			}
		})
	}
}

// An index is refused where an image was, too.
func TestTagsThatKeepAnImage(t *testing.T) {
	t.Parallel()
	zot := invalid("MANIFEST_INVALID", `{"reason":"changing manifest media-type from \"application/vnd.docker.distribution.manifest.v2+json\" to \"application/vnd.docker.distribution.manifest.list.v2+json\" is disallowed","reference":"v1"}`)
	for name, body := range map[string]string{"zot": zot, "other words": invalid("MANIFEST_INVALID", `"no"`)} {
		host, rec := newServer(t)
		children := threeBuilds(t, testLayer(t, 1, 1000))
		mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), children[0].Image, "v1")
		for i := range children {
			children[i].Suffix = ""
		}
		rec.next = refusing(http.StatusBadRequest, body, "v1")(rec.next)
		_, err := PushContent(t.Context(), indexOf(t, children), []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{})
		var tag *TagError
		var kind *KindError
		if !errors.As(err, &tag) || !errors.As(err, &kind) || kind.Wanted != types.DockerManifestList || kind.Holds != types.DockerManifestSchema2 {
			t.Errorf("%s: Push = %v; want a TagError with a KindError", name, err)
		}
	}
}
