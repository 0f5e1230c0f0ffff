package publish

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/publish/credentials"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

func TestRegistryOrderOfWrites(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	img := testImage(t, testLayer(t, 1, 40_000), testLayer(t, 2, 50_000))
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	mustPut(t, s, img, "v1", "latest")
	got := rec.take("PUT ")
	for i, q := range got[:min(len(got), 3)] {
		if !strings.HasPrefix(q, "PUT /v2/app/blobs/uploads/") {
			t.Errorf("write %d is %q, want a blob", i, q)
		}
	}
	want := []string{"PUT /v2/app/manifests/" + digestOf(t, img).String(), "PUT /v2/app/manifests/v1", "PUT /v2/app/manifests/latest"}
	if diff := cmp.Diff(want, got[min(len(got), 3):]); diff != "" {
		t.Errorf("writes after the three blobs (-want +got):\n%s", diff)
	}
}

func TestRegistryUnchangedImageWritesNothing(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	layer := testLayer(t, 1, 40_000)
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), testImage(t, layer), "v1")
	rec.take()
	again := testImage(t, brokenLayer{layer, failsMidway(0)})
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), again, "v1")
	if w := rec.take("PUT ", "POST ", "PATCH "); len(w) > 0 {
		t.Errorf("an unchanged image wrote %v", w)
	}
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), again, "v1", "v2")
	if diff := cmp.Diff([]string{"PUT /v2/app/manifests/v2"}, rec.take("PUT ", "POST ", "PATCH ")); diff != "" {
		t.Errorf("a new tag (-want +got):\n%s", diff)
	}
}

// remoteBase pushes an image of one layer to repo and returns that layer as the
// base reader does: mountable, its bytes in the registry.
func remoteBase(t *testing.T, repo string, content v1.Layer) v1.Layer {
	t.Helper()
	ref := mustRepo(t, repo).Tag("base")
	if err := remote.Write(ref, testImage(t, content)); err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers[0]
}

func TestRegistryMountsFromTheSameHost(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	content := testLayer(t, 7, 100_000)
	base := remoteBase(t, host+"/windows/nanoserver", content)
	rec.take()
	got, err := newTestRegistry(t, host+"/app", RegistryOptions{}).PutLayer(t.Context(), base)
	if err != nil || got != (Put{How: Mounted}) {
		t.Errorf("PutLayer = %+v, %v", got, err)
	}
	requests := rec.take("POST ", "PATCH ", "GET /v2/windows")
	if diff := cmp.Diff([]string{"POST /v2/app/blobs/uploads/ mount"}, requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRegistryRefusedMountBecomesUpload(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	content := testLayer(t, 7, 100_000)
	base := remoteBase(t, host+"/windows/nanoserver", content)
	rec.refuseWith(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPost && r.URL.Query().Has("from") {
			return http.StatusForbidden, "DENIED"
		}
		return 0, ""
	})
	got, err := newTestRegistry(t, host+"/app", RegistryOptions{}).PutLayer(t.Context(), base)
	if size, _ := content.Size(); err != nil || got != (Put{How: Uploaded, Bytes: size}) {
		t.Errorf("PutLayer = %+v, %v; want %d bytes uploaded", got, err, size)
	}
}

func TestRegistryStreamsFromAnotherHost(t *testing.T) {
	t.Parallel()
	source, sourceRec := newServer(t)
	target, rec := newServer(t)
	content := testLayer(t, 7, 100_000)
	base := remoteBase(t, source+"/windows/nanoserver", content)
	sourceRec.take()
	s := newTestRegistry(t, target+"/app", RegistryOptions{})
	got, err := s.PutLayer(t.Context(), base)
	if size, _ := content.Size(); err != nil || got != (Put{How: Uploaded, Bytes: size}) {
		t.Errorf("PutLayer = %+v, %v; want %d bytes uploaded", got, err, size)
	}
	for _, q := range rec.take("POST ") {
		if strings.HasSuffix(q, "mount") {
			t.Errorf("asked to mount from another registry: %s", q)
		}
	}
	sourceRec.take()
	got, err = newTestRegistry(t, target+"/app", RegistryOptions{}).PutLayer(t.Context(), base)
	if err != nil || got != (Put{How: Exists}) {
		t.Errorf("second PutLayer = %+v, %v", got, err)
	}
	if q := sourceRec.take("GET "); len(q) > 0 {
		t.Errorf("a layer that is there was read from its source: %v", q)
	}
}

func TestRegistryRefusesDamagedSource(t *testing.T) {
	t.Parallel()
	source, sourceRec := newServer(t)
	target, rec := newServer(t)
	content := testLayer(t, 7, 100_000)
	base := remoteBase(t, source+"/windows/nanoserver", content)
	next := sourceRec.next
	sourceRec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		b := answer.Body.Bytes()
		b[len(b)/2] ^= 1
		_, _ = io.Copy(w, bytes.NewReader(b))
	})
	if _, err := newTestRegistry(t, target+"/app", RegistryOptions{}).PutLayer(t.Context(), base); err == nil {
		t.Fatal("a damaged layer was pushed")
	}
	if n := len(rec.take("PUT ")); n > 1 { // none where the connection ends before the request is read
		t.Errorf("%d tries to send a damaged layer", n)
	}
	if has, err := newTestRegistry(t, target+"/app", RegistryOptions{}).Has(t.Context(), digestOf(t, content)); has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
}

func TestRegistryForeignLayersOnRequest(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	base := foreignLayer("the licence lets this one out")
	s := newTestRegistry(t, host+"/app", RegistryOptions{Nondistributable: true})
	got, err := s.PutLayer(t.Context(), base)
	if err != nil || got.How != Uploaded {
		t.Errorf("PutLayer = %+v, %v", got, err)
	}
	if has, err := s.Has(t.Context(), digestOf(t, base)); !has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
}

func TestRegistryTagRefused(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	rec.refuseWith(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/v2") {
			return http.StatusBadRequest, "TAG_INVALID"
		}
		return 0, ""
	})
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	_, err := put(t.Context(), s, testImage(t, testLayer(t, 1, 40_000)), "v1", "v2", "latest")
	var tag *TagError
	if !errors.As(err, &tag) {
		t.Fatalf("Commit = %v, want a TagError", err)
	}
	got := TagError{Name: tag.Name, Moved: tag.Moved, Failed: tag.Failed, Left: tag.Left}
	want := TagError{Name: host + "/app", Moved: []string{"v1"}, Failed: "v2", Left: []string{"latest"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("TagError (-want +got):\n%s", diff)
	}
	for _, word := range []string{"v2", "TAG_INVALID", "tags moved: v1", "not tried: latest"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

func TestRegistryCheck(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	if err := newTestRegistry(t, host+"/app", RegistryOptions{}).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := rec.take("POST ", "DELETE ", "PUT ", "PATCH ")
	if len(got) != 2 || got[0] != "POST /v2/app/blobs/uploads/" || !strings.HasPrefix(got[1], "DELETE /v2/app/blobs/uploads/") {
		t.Errorf("Check sent %v, want an upload begun and cancelled", got)
	}
}

func TestRegistryErrors(t *testing.T) {
	t.Parallel()
	const password = "s3cret-of-the-test"
	known := credentials.New(credentials.Options{
		Environ: []string{"SDK_CONTAINER_REGISTRY_UNAME=bob", "SDK_CONTAINER_REGISTRY_PWORD=" + password},
	}).For("127.0.0.1")
	answer := func(status int, code string) func(*http.Request) (int, string) {
		return func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost {
				return status, code
			}
			return 0, ""
		}
	}
	for name, c := range map[string]struct {
		refuse   func(*http.Request) (int, string)
		keychain authn.Keychain
		is       func(error) bool
		says     []string
	}{
		"401 anonymous":   {answer(401, "UNAUTHORIZED"), nil, distribution.Unauthorized.In, []string{"UNAUTHORIZED", "no credentials were found", "DOTNET_CONTAINER_PUSH_REGISTRY_UNAME", "nanobuild login"}},
		"403 with rights": {answer(403, "DENIED"), anyHost{known}, distribution.Unauthorized.In, []string{"DENIED", "may not push"}},
		"404":             {answer(404, "NAME_UNKNOWN"), nil, distribution.NotFound.In, []string{"NAME_UNKNOWN", "create the repository"}},
		"418":             {answer(418, "TEAPOT"), nil, func(err error) bool { return true }, []string{"TEAPOT"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			rec.refuseWith(c.refuse)
			s := newTestRegistry(t, host+"/app", RegistryOptions{Keychain: c.keychain})
			for doing, err := range map[string]error{
				"check": s.Check(t.Context()),
				"push":  second(s.PutLayer(t.Context(), testLayer(t, 1, 1000))),
			} {
				if err == nil || !c.is(err) {
					t.Errorf("%s: error = %v", doing, err)
					continue
				}
				for _, word := range append(c.says, host+"/app") {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%s: %q does not say %q", doing, err, word)
					}
				}
				if strings.Contains(err.Error(), password) {
					t.Errorf("%s: the password is in %q", doing, err)
				}
			}
		})
	}
}

// anyHost asks a keychain as if every host were 127.0.0.1.
type anyHost struct{ k *credentials.Keychain }

func (a anyHost) Resolve(authn.Resource) (authn.Authenticator, error) {
	local, err := name.NewRegistry("127.0.0.1")
	if err != nil {
		return nil, err
	}
	return a.k.Resolve(local)
}

func second[T any](_ T, err error) error { return err }

func TestRegistryUnreachable(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	s := newTestRegistry(t, strings.TrimPrefix(closed.URL, "http://")+"/app", RegistryOptions{})
	for doing, err := range map[string]error{
		"check": s.Check(t.Context()),
		"has":   second(s.Has(t.Context(), digestOf(t, testLayer(t, 1, 10)))),
		"push":  second(s.PutLayer(t.Context(), testLayer(t, 1, 10))),
	} {
		if !distribution.Unreachable.In(err) || !strings.Contains(err.Error(), "connection refused; check the name and the port") {
			t.Errorf("%s: error = %v, want one that names the port", doing, err)
		}
	}
}

func TestRegistrySourceErrorIsNotTheRegistrys(t *testing.T) {
	t.Parallel()
	host, _ := newServer(t)
	layer := brokenLayer{testLayer(t, 1, 300_000), failsMidway(1000)}
	_, err := newTestRegistry(t, host+"/app", RegistryOptions{}).PutLayer(t.Context(), layer)
	var source *SourceError
	if !errors.As(err, &source) || distribution.Unreachable.In(err) {
		t.Errorf("PutLayer = %v, want a SourceError", err)
	}
}

func TestRegistryForbiddenReadCountsAsAbsent(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	rec.refuseWith(func(r *http.Request) (int, string) {
		if r.Method == http.MethodHead {
			return http.StatusForbidden, "DENIED"
		}
		return 0, ""
	})
	has, err := newTestRegistry(t, host+"/app", RegistryOptions{}).Has(t.Context(), digestOf(t, testLayer(t, 1, 10)))
	if has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
}
