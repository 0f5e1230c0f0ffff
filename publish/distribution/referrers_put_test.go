package distribution

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// referring is a manifest that refers to a subject, and its entry in a list.
func referring(t *testing.T, subject v1.Hash, what string) ([]byte, v1.Descriptor) {
	t.Helper()
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: "text/" + what,
		Config:  v1.Descriptor{MediaType: types.OCIConfigJSON, Size: 2, Digest: digestOfText(t, "{}")},
		Layers:  []v1.Descriptor{},
		Subject: &v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: 7, Digest: subject},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw, v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Size: int64(len(raw)), Digest: digestOfText(t, string(raw)),
		ArtifactType: "text/" + what, Annotations: map[string]string{"about": what},
	}
}

// registryWith is a registry whose answers f may give in its place.
func registryWith(t *testing.T, referrers bool, f func(w http.ResponseWriter, req *http.Request, next http.Handler)) *Repository {
	t.Helper()
	inner := registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { f(w, req, inner) }))
	t.Cleanup(server.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/a")
	if err != nil {
		t.Fatal(err)
	}
	r := quickNetwork().Repository(repo, nil, Push)
	if err := r.Upload(t.Context(), nil, digestOfText(t, "{}"), NewBody(2, func(int64) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil })); err != nil {
		t.Fatal(err)
	}
	return r
}

func isReferrers(req *http.Request) bool { return strings.Contains(req.URL.Path, "/referrers/") }

// tagEntries are the entries of the list under the tag, nil where there is none.
func tagEntries(t *testing.T, r *Repository, subject v1.Hash) []v1.Descriptor {
	t.Helper()
	list, err := r.taggedReferrers(t.Context(), subject)
	if err != nil || list.foreign != nil {
		t.Fatal(err, list.foreign)
	}
	return list.entries
}

// TestPutReferrer: what was put is listed, by the registry or under the tag, whatever
// the registry says of its list; and the entry under the tag tells type and
// annotations.
func TestPutReferrer(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		served, promised bool
		late             int // questions for the list that it takes to show
		list             *answered
		tagged           bool
	}{
		"a list":                           {served: true},
		"no list":                          {tagged: true},
		"a list that comes late":           {served: true, promised: true, late: 1},
		"a list that never comes":          {served: true, promised: true, late: 100, tagged: true},
		"a list that nobody promised":      {served: true, late: 100, tagged: true},
		"not acceptable":                   {list: &answered{406, "", ""}, tagged: true},
		"a list that is none":              {list: &answered{200, "application/json", "{}"}, tagged: true},
		"an index with the type of a list": {list: &answered{200, string(types.OCIImageIndex), `{"schemaVersion": 2}`}, tagged: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			subject := digestOfText(t, "subject")
			asked := 0
			r := registryWith(t, c.served, func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				if c.promised && req.Method == http.MethodPut {
					w.Header().Set(subjectHeader, subject.String())
				}
				if isReferrers(req) && c.list != nil {
					c.list.write(w)
					return
				}
				if isReferrers(req) {
					if asked++; asked <= c.late {
						answered{200, string(types.OCIImageIndex), referrersIndex(t)}.write(w)
						return
					}
				}
				next.ServeHTTP(w, req)
			})
			raw, entry := referring(t, subject, "sbom")
			for range 2 { // the second time changes nothing
				if err := r.PutReferrer(t.Context(), subject, raw, entry); err != nil {
					t.Fatal(err)
				}
				found, err := r.ListReferrers(t.Context(), subject)
				if err != nil || !lists(found, entry.Digest) || len(found) != 1 {
					t.Fatalf("ListReferrers = %v, %v", found, err)
				}
				entries := tagEntries(t, r, subject)
				if !c.tagged {
					if len(entries) > 0 {
						t.Errorf("the tag names %v; want no tag", entries)
					}
					continue
				}
				if len(entries) != 1 || entries[0].ArtifactType != "text/sbom" || !maps.Equal(entries[0].Annotations, entry.Annotations) || entries[0].Size != entry.Size {
					t.Errorf("the tag names %+v; want %+v", entries, entry)
				}
			}
		})
	}
}

// TestPutReferrerKeepsOthers: what others wrote under the tag stays as it is, fields
// that we do not know included, and so does a tag that is no list.
func TestPutReferrerKeepsOthers(t *testing.T) {
	t.Parallel()
	subject := digestOfText(t, "subject")
	pass := func(w http.ResponseWriter, req *http.Request, next http.Handler) { next.ServeHTTP(w, req) }
	raw, entry := referring(t, subject, "sbom")

	r := registryWith(t, false, pass)
	otherRaw, other := referring(t, subject, "other")
	if err := r.PutManifest(t.Context(), other.Digest.String(), otherRaw, other.MediaType); err != nil {
		t.Fatal(err)
	}
	old := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":%d,"strange":[1.50]}],"annotations":{"x":"y"}}`,
		types.OCIImageIndex, types.OCIManifestSchema1, other.Digest, other.Size)
	if err := r.PutManifest(t.Context(), ReferrersTag(subject), []byte(old), types.OCIImageIndex); err != nil {
		t.Fatal(err)
	}
	if err := r.PutReferrer(t.Context(), subject, raw, entry); err != nil {
		t.Fatal(err)
	}
	doc, err := r.Manifest(t.Context(), ReferrersTag(subject))
	if err != nil || !strings.Contains(string(doc.Content), `"strange":[1.50]`) || !strings.Contains(string(doc.Content), `"annotations":{"x":"y"}`) || !strings.Contains(string(doc.Content), entry.Digest.Hex) {
		t.Errorf("the tag names %s, %v", doc.Content, err)
	}

	r = registryWith(t, false, pass)
	if err := r.PutManifest(t.Context(), ReferrersTag(subject), otherRaw, types.OCIManifestSchema1); err != nil {
		t.Fatal(err)
	}
	var foreign *ListError
	if err := r.PutReferrer(t.Context(), subject, raw, entry); !errors.As(err, &foreign) {
		t.Errorf("over an image: %v", err)
	}
	if doc, err := r.Manifest(t.Context(), ReferrersTag(subject)); err != nil || string(doc.Content) != string(otherRaw) {
		t.Errorf("the tag names %s, %v", doc.Content, err)
	}
}

// TestPutReferrerTogether: of many writers that share a tag, none takes away what
// another one wrote where it can see that, and a registry that shows an old state loses
// nothing that was known before.
func TestPutReferrerTogether(t *testing.T) {
	t.Parallel()
	subject := digestOfText(t, "subject")
	var mu sync.Mutex
	var hidden []byte // what the registry showed before, nil for what there is
	var intrude func(next http.Handler)
	r := registryWith(t, false, func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		mu.Lock()
		stale, other := hidden, intrude
		tag := strings.HasSuffix(req.URL.Path, "/"+ReferrersTag(subject))
		if tag && req.Method == http.MethodGet {
			hidden = nil
		}
		if tag && req.Method == http.MethodPut {
			intrude = nil
		}
		mu.Unlock()
		if tag && req.Method == http.MethodGet && stale != nil {
			answered{200, string(types.OCIImageIndex), string(stale)}.write(w)
			return
		}
		next.ServeHTTP(w, req)
		if tag && req.Method == http.MethodPut && other != nil {
			other(next)
		}
	})
	first, firstEntry := referring(t, subject, "first")
	second, secondEntry := referring(t, subject, "second")
	third, thirdEntry := referring(t, subject, "third")
	if err := r.PutReferrer(t.Context(), subject, first, firstEntry); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	hidden = []byte(referrersIndex(t)) // as it was before the first one
	mu.Unlock()
	if err := r.PutReferrer(t.Context(), subject, second, secondEntry, firstEntry); err != nil {
		t.Fatal(err)
	}
	if got := tagEntries(t, r, subject); !lists(got, firstEntry.Digest) || !lists(got, secondEntry.Digest) {
		t.Errorf("after a stale answer the tag names %v", got)
	}
	mu.Lock()
	// Another one writes over what we have put, before we look at it.
	intrude = func(next http.Handler) {
		req := httptest.NewRequest(http.MethodPut, "/v2/a/manifests/"+ReferrersTag(subject), strings.NewReader(referrersIndex(t)))
		req.Header.Set("Content-Type", string(types.OCIImageIndex))
		next.ServeHTTP(httptest.NewRecorder(), req)
	}
	mu.Unlock()
	if err := r.PutReferrer(t.Context(), subject, third, thirdEntry, firstEntry, secondEntry); err != nil {
		t.Fatal(err)
	}
	got := tagEntries(t, r, subject)
	for _, d := range []v1.Descriptor{firstEntry, secondEntry, thirdEntry} {
		if !slices.ContainsFunc(got, func(e v1.Descriptor) bool { return e.Digest == d.Digest && e.ArtifactType == d.ArtifactType }) {
			t.Errorf("after another writer the tag names %v, without %s", got, d.ArtifactType)
		}
	}
}

// TestPutReferrerHidden: a list that a push may write and not read stays as it is, and
// the error says so. Where the registry has a list of its own, nobody needs the tag.
func TestPutReferrerHidden(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{false, true} {
		subject := digestOfText(t, "subject")
		var hidden atomic.Bool
		r := registryWith(t, served, func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			if hidden.Load() && req.Method != http.MethodPut && strings.HasSuffix(req.URL.Path, "/"+ReferrersTag(subject)) {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, req)
		})
		first, firstEntry := referring(t, subject, "first")
		second, secondEntry := referring(t, subject, "second")
		if err := r.PutReferrer(t.Context(), subject, first, firstEntry); err != nil {
			t.Fatal(err)
		}
		hidden.Store(true)
		_, lerr := r.ListReferrers(t.Context(), subject)
		perr := r.PutReferrer(t.Context(), subject, second, secondEntry)
		for doing, err := range map[string]error{"list": lerr, "put": perr} {
			if served {
				if err != nil {
					t.Errorf("%s where the registry has a list: %v", doing, err)
				}
				continue
			}
			if !Unauthorized.In(err) || !strings.Contains(err.Error(), ReferrersTag(subject)) || !strings.Contains(err.Error(), "would be lost") || !strings.Contains(err.Error(), "403 Forbidden") {
				t.Errorf("%s: %v", doing, err)
			}
		}
		hidden.Store(false)
		if found, err := r.ListReferrers(t.Context(), subject); err != nil || !lists(found, firstEntry.Digest) || lists(found, secondEntry.Digest) != served {
			t.Errorf("served %t: ListReferrers = %v, %v", served, found, err)
		}
	}
}
