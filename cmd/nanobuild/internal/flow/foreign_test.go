package flow

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// TestForeignBase: the layers of an old base that have URLs stay there, word for word;
// a registry that minds that gets an error with the way out, and with --push-foreign
// they are layers like others.
func TestForeignBase(t *testing.T) {
	t.Parallel()
	for kind, start := range map[string]func(t *testing.T) (host string, refuses bool){
		"go-containerregistry": func(t *testing.T) (string, bool) { return newWorld(t).host, false },
		"distribution":         func(t *testing.T) (string, bool) { return need.StartRegistry(t), true },
	} {
		t.Run(kind, func(t *testing.T) {
			host, refuses := start(t)
			w := newWorld(t)
			image, err := sample.Image(sample.Options{Foreign: true, Layers: 2})
			if err != nil {
				t.Fatal(err)
			}
			old, err := image.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			o := w.options(w.app(t, "out", "hi"))
			o.Bases, o.Targets = []string{layoutOf(t, image)}, Targets{Repo: host + "/old", Tags: []string{"v1"}}
			refs, err := Publish(t.Context(), o, w.Deps)
			switch {
			case !refuses && err != nil:
				t.Fatal(err)
			case !refuses:
				first := manifestOf(t, refs[0]).Layers[0]
				if first.MediaType.IsDistributable() || len(first.URLs) != 1 || first.URLs[0] != old.Layers[0].URLs[0] {
					t.Errorf("first layer %+v", first)
				}
				if hasBlob(t, host+"/old", first.Digest) {
					t.Error("the foreign layer was uploaded")
				}
			case stageOf(err) != StagePush || !strings.Contains(err.Error(), "--push-foreign"):
				t.Errorf("%v", err)
			}
			o.Targets.Foreign = true
			if refs, err = Publish(t.Context(), o, w.Deps); err != nil {
				t.Fatal(err)
			}
			m := manifestOf(t, refs[0])
			if first := m.Layers[0]; !first.MediaType.IsDistributable() || len(first.URLs) != 0 || first.Digest != old.Layers[0].Digest || !hasBlob(t, host+"/old", first.Digest) {
				t.Errorf("first layer with --push-foreign: %+v", first)
			}
		})
	}
}

func manifestOf(t *testing.T, ref string) *v1.Manifest {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(parsed)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func hasBlob(t *testing.T, repo string, digest v1.Hash) bool {
	t.Helper()
	ref, err := name.NewDigest(repo + "@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	l, err := remote.Layer(ref)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Compressed()
	return err == nil
}
