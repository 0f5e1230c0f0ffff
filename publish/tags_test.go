package publish

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// refusesTag makes the registry refuse to put a manifest under the tag.
func refusesTag(rec *recorder, tag string, status int, code string) {
	rec.refuseWith(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/"+tag) {
			return status, code
		}
		return 0, ""
	})
}

// Tags that name something go first, and are put back when another is refused. What
// is new and cannot be taken away is named.
func TestTagsMoveTogether(t *testing.T) {
	t.Parallel()
	old, fresh := testImage(t, testLayer(t, 1, 1000)), testImage(t, testLayer(t, 2, 1000))
	for name, c := range map[string]struct {
		exist   []string // tags that name the old image before
		refused string
		want    TagError // but for its error
		names   map[string]v1.Image
	}{
		"the first": {[]string{"a"}, "a", TagError{Failed: "a", Left: []string{"b"}}, map[string]v1.Image{"a": old}},
		"the second of two old ones": {
			[]string{"a", "b"}, "b",
			TagError{Back: []string{"a"}, Failed: "b"},
			map[string]v1.Image{"a": old, "b": old},
		},
		"a new one after an old one": {
			[]string{"b"}, "a", // a is given first, and comes last
			TagError{Back: []string{"b"}, Failed: "a"},
			map[string]v1.Image{"b": old},
		},
		"the second of two new ones": {
			nil, "b",
			TagError{Moved: []string{"a"}, Failed: "b"},
			map[string]v1.Image{"a": fresh},
		},
		"an old one before a new one": {
			[]string{"b"}, "b",
			TagError{Failed: "b", Left: []string{"a"}},
			map[string]v1.Image{"b": old},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			if len(c.exist) > 0 {
				mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), old, c.exist...)
			}
			refusesTag(rec, c.refused, http.StatusForbidden, "DENIED")
			_, err := Push(t.Context(), fresh, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"a", "b"}, PushOptions{})
			var got *TagError
			if !errors.As(err, &got) {
				t.Fatalf("Push = %v, want a TagError", err)
			}
			c.want.Name, c.want.Err = got.Name, got.Err
			if diff := cmp.Diff(c.want, *got, cmpopts.EquateErrors(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("TagError (-want +got):\n%s", diff)
			}
			check := newTestRegistry(t, host+"/app", RegistryOptions{})
			for _, tag := range []string{"a", "b"} {
				held, err := check.remote.Head(t.Context(), tag)
				if err != nil {
					t.Fatal(err)
				}
				var want v1.Hash
				if img, ok := c.names[tag]; ok {
					want = digestOf(t, img)
				}
				if held.Digest != want {
					t.Errorf("%s names %s, want %s", tag, held.Digest, want)
				}
			}
		})
	}
}

// Registries have many ways to say that a tag stays.
func TestImmutableTags(t *testing.T) {
	t.Parallel()
	old, fresh := testImage(t, testLayer(t, 1, 1000)), testImage(t, testLayer(t, 2, 1000))
	for name, c := range map[string]struct {
		status int
		code   string
		is     bool
	}{
		"the protocol":   {http.StatusConflict, "DENIED", true},
		"Amazon ECR":     {http.StatusBadRequest, "TAG_INVALID", true},
		"Harbor":         {http.StatusPreconditionFailed, "PRECONDITION", true},
		"a bad manifest": {http.StatusBadRequest, "MANIFEST_INVALID", false},
		"no rights":      {http.StatusForbidden, "DENIED", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), old, "v1")
			refusesTag(rec, "v1", c.status, c.code)
			_, err := Push(t.Context(), fresh, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{})
			var immutable *ImmutableError
			if errors.As(err, &immutable) != c.is || err == nil {
				t.Errorf("Push = %v; want an ImmutableError: %v", err, c.is)
			}
		})
	}
}

// A tag that cannot move twice was moved by a try whose answer was lost.
func TestImmutableTagMovedUnheard(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	img := testImage(t, testLayer(t, 1, 1000))
	inner := rec.next
	puts := 0
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/v1") {
			inner.ServeHTTP(w, r)
			return
		}
		if puts++; puts > 1 {
			answers(http.StatusConflict)(w, r)
			return
		}
		inner.ServeHTTP(&deaf{ResponseWriter: w}, r)
		cutsOff(w, r)
	})
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
	if puts != 2 {
		t.Errorf("%d PUTs, want the second to be refused", puts)
	}
}

// deaf swallows an answer.
type deaf struct {
	http.ResponseWriter
	header http.Header
}

func (d *deaf) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

// A blob that vanishes between the question for it and the manifest is sent after
// all, and only that one where the registry names it.
func TestVanishedBlobsAreSentAgain(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{true, false} {
		host, rec := newServer(t)
		gone, there := testLayer(t, 1, 1000), testLayer(t, 2, 1000)
		img := testImage(t, gone, there)
		inner := rec.next
		sent := 0
		rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/blobs/"):
				w.WriteHeader(http.StatusOK) // it says that it has everything
				return
			case blobPut(r):
				sent++
			case manifestPut(r) && sent == 0:
				w.WriteHeader(http.StatusNotFound)
				detail := ""
				if named {
					detail = `,"detail":{"digest":"` + digestOf(t, gone).String() + `"}`
				}
				_, _ = w.Write([]byte(`{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"` + detail + `}]}`))
				return
			}
			inner.ServeHTTP(w, r)
		})
		if !named { // two layers and the config
			mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), img, "v1")
			if sent != 3 {
				t.Errorf("%d blobs were sent, want all 3", sent)
			}
			continue
		}
		s := newTestRegistry(t, host+"/app", RegistryOptions{})
		_, err := s.Stage(t.Context(), OfImage(img))
		if sent != 1 {
			t.Errorf("%d blobs were sent, want the one that is named: %v", sent, err)
		}
	}
}

// Where it stays so, the registry's words are shown.
func TestVanishedBlobsForGood(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	rec.refuseWith(func(r *http.Request) (int, string) {
		if manifestPut(r) {
			return http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN"
		}
		return 0, ""
	})
	_, err := Push(t.Context(), testImage(t, testLayer(t, 1, 1000)), []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{})
	var status *distribution.StatusError
	if !errors.As(err, &status) || !strings.Contains(err.Error(), "MANIFEST_BLOB_UNKNOWN") {
		t.Errorf("Push = %v", err)
	}
}

// A tag that was moved although no answer ever came counts as moved; where nobody can
// tell, the error says so.
func TestTagsMovedUnheard(t *testing.T) {
	t.Parallel()
	for _, headWorks := range []bool{true, false} {
		host, rec := newServer(t)
		img := testImage(t, testLayer(t, 1, 1000))
		inner, moved := rec.next, false
		rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tag := strings.HasSuffix(r.URL.Path, "/manifests/v1")
			switch {
			case tag && r.Method == http.MethodPut:
				moved = true
				inner.ServeHTTP(&deaf{ResponseWriter: w}, r)
				cutsOff(w, r)
			case tag && moved && !headWorks:
				cutsOff(w, r)
			default:
				inner.ServeHTTP(w, r)
			}
		})
		_, err := Push(t.Context(), img, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, []string{"v1"}, PushOptions{})
		var got *TagError
		if headWorks && err != nil || !headWorks && (!errors.As(err, &got) || !got.Unsure || !strings.Contains(err.Error(), "whether v1 moved is not known")) {
			t.Errorf("HEAD works: %v; Push = %v", headWorks, err)
		}
	}
}
