package flow

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// A registry that checks what manifests name takes the results, and the base is mounted
// where it has that itself.
func TestRebaseAtARealRegistry(t *testing.T) {
	t.Parallel()
	host := need.StartRegistry(t)
	p := newPatchDay(t)
	p.host, p.base = host, host+"/mcr/nanoserver:ltsc2022"
	p.putBase(t, sampleImage(t, sample.Options{Layers: 2}), "ltsc2022")
	var images []string
	for _, repo := range []string{"shop/api", "shop/web"} {
		o := p.options(repo, p.app(t, strings.ReplaceAll(repo, "/", "-"), repo))
		o.Bases, o.Targets.Tags = []string{p.base}, []string{"prod"}
		p.publish(t, o)
		images = append(images, host+"/"+repo+":prod")
	}
	p.patch(t, patched)
	before := len(p.log.String())
	done, err := p.rebase(t, func(o *RebaseOptions) { o.Fleet = Fleet{Prefix: host + "/shop", Tags: []string{"p*"}} })
	if err != nil || len(done) != len(images) {
		t.Fatalf("%+v, %v\n%s", done, err, p.log.String()[before:])
	}
	if log := p.log.String()[before:]; strings.Contains(log, "uploaded") {
		t.Errorf("a layer was sent, and all could be mounted:\n%s", log)
	}
	for i, image := range images {
		got, err := remote.Image(parseTag(t, image))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(got); err != nil {
			t.Error(err)
		}
		if c := configOf(t, got); c.OSVersion != patched || done[i].Image != image {
			t.Errorf("%s is on %s, and the result is of %s", image, c.OSVersion, done[i].Image)
		}
	}
}

// A registry that lost a layer of the application says so when it gets the manifest.
func TestRebaseOfALostLayer(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	layer := appLayers(t, p.image(t, "web:v1"), 2)[0]
	p.patch(t, patched)
	next := p.target.next
	p.target.next = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "/manifests/") {
			next.ServeHTTP(w, req)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		if err := json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{
			"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown", "detail": map[string]string{"digest": layer},
		}}}); err != nil {
			t.Error(err)
		}
	})
	done, err := p.rebase(t, nil, p.host+"/web:v1")
	if says := fmt.Sprintf("has lost the layer %s of the application; publish the image again", layer); stageOf(err) != StagePush || !strings.Contains(err.Error(), says) {
		t.Errorf("%+v, %v; want %q", done, err, says)
	}
}

// A foreign layer of the new base stays where its URL points, or becomes an ordinary one.
func TestRebaseOntoForeignLayers(t *testing.T) {
	t.Parallel()
	for _, send := range []bool{false, true} {
		p := newPatchDay(t)
		base := sampleImage(t, sample.Options{OSVersion: patched, Foreign: true, Folders: []string{"foreign"}})
		if err := remote.Write(parseTag(t, p.base), base, remote.WithNondistributable); err != nil {
			t.Fatal(err)
		}
		p.blobs.since()
		if _, err := p.rebase(t, func(o *RebaseOptions) { o.Foreign = send }, p.host+"/web:v1"); err != nil {
			t.Fatal(err)
		}
		m, err := p.image(t, "web:v1").Manifest()
		if err != nil {
			t.Fatal(err)
		}
		first := m.Layers[0]
		if first.MediaType.IsDistributable() != send || (len(first.URLs) == 0) != send {
			t.Errorf("sent %v: the layer is %+v", send, first)
		}
		if _, sent := p.blobs.since(); (sent[first.Digest.String()] == 1) != send {
			t.Errorf("sent %v: it was sent %d times", send, sent[first.Digest.String()])
		}
		// What is foreign or ordinary now stays that, without a flag.
		base = sampleImage(t, sample.Options{OSVersion: "10.0.20348.4300", Foreign: true, Folders: []string{"next"}})
		if err := remote.Write(parseTag(t, p.base), base, remote.WithNondistributable); err != nil {
			t.Fatal(err)
		}
		if _, err := p.rebase(t, nil, p.host+"/web:v1"); err != nil {
			t.Fatal(err)
		}
		if m, err = p.image(t, "web:v1").Manifest(); err != nil {
			t.Fatal(err)
		}
		next := m.Layers[0]
		if _, sent := p.blobs.since(); next.Digest == first.Digest || next.MediaType.IsDistributable() != send || (sent[next.Digest.String()] == 1) != send {
			t.Errorf("sent %v: the next layer is %+v, sent %d times", send, next, sent[next.Digest.String()])
		}
	}
}
