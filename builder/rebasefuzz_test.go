package builder_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// FuzzRebase reads manifests and configs of anybody. What is rebased is an image
// of the new base's layers and the application's, for the new Windows, which
// counts its layers alike everywhere, and which is on its base from then on.
func FuzzRebase(f *testing.F) {
	for _, tool := range []string{"nanobuild", "ko", "crane", "sdk"} {
		e := fixture(f, tool, "old")
		f.Add(e.Manifest, e.Config, true)
		f.Add(e.Manifest, e.Config, false)
	}
	e := fixture(f, "base", "old")
	f.Add(e.Manifest, bytes.Replace(e.Config, []byte(`"history":[`), []byte(`"history":[null,{"empty_layer":true},`), 1), true)
	f.Add(e.Manifest, bytes.Replace(e.Config, []byte(`"Env":[`), []byte(`"Env":["","=","a","A=1","a=2",`), 1), true)
	f.Add(bytes.Replace(e.Manifest, []byte(`{`), []byte(`{"annotations":{"a":"b"},"subject":null,`), 1), e.Config, true)
	to := fixtureBase(f)
	f.Fuzz(func(t *testing.T, manifest, config []byte, known bool) {
		r := builder.RebaseRequest{Image: builder.Existing{Digest: sum(t, manifest), Manifest: manifest, Config: config}, New: to}
		if known {
			r.OldBase = &e
		}
		img, err := builder.Rebase(r)
		if err != nil {
			return
		}
		got := existing(t, img)
		if img.Current {
			if !bytes.Equal(got.Manifest, manifest) || !bytes.Equal(got.Config, config) {
				t.Fatalf("it is current, yet %s %s became %s %s", manifest, config, got.Manifest, got.Config)
			}
			return
		}
		wantRebased(t, manifest, got, to)
		r = builder.RebaseRequest{Image: got, OldBase: asOld(to), New: to}
		if again, err := builder.Rebase(r); err != nil || !again.Current {
			t.Errorf("%s %s is not on its base: %v", got.Manifest, got.Config, err)
		}
	})
}

func wantRebased(t *testing.T, manifest []byte, got builder.Existing, to *base.Base) {
	t.Helper()
	m, err1 := v1.ParseManifest(bytes.NewReader(got.Manifest))
	c, err2 := v1.ParseConfigFile(bytes.NewReader(got.Config))
	old, err3 := v1.ParseManifest(bytes.NewReader(manifest))
	next, err4 := v1.ParseManifest(bytes.NewReader(to.Manifest))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatalf("%v: %s %s", err, got.Manifest, got.Config)
	}
	steps := slices.DeleteFunc(c.History, func(h v1.History) bool { return h.EmptyLayer })
	if len(c.RootFS.DiffIDs) != len(m.Layers) || len(steps) != len(m.Layers) {
		t.Errorf("%d layers, %d diff_ids, %d steps: %s", len(m.Layers), len(c.RootFS.DiffIDs), len(steps), got.Config)
	}
	if c.OSVersion != thisMonth || m.Config.Size != int64(len(got.Config)) || m.Config.Digest != sum(t, got.Config) {
		t.Errorf("os.version %s, config %v", c.OSVersion, m.Config)
	}
	for i, d := range next.Layers {
		if m.Layers[i].Digest != d.Digest {
			t.Errorf("layer %d is %s", i, m.Layers[i].Digest)
		}
	}
	app := m.Layers[len(next.Layers):]
	for i, d := range app {
		if was := old.Layers[len(old.Layers)-len(app)+i]; was.Digest != d.Digest || was.Size != d.Size {
			t.Errorf("a layer of the application was %v, is %v", was, d)
		}
	}
}

// FuzzMergeIndexDocuments puts images into indexes of anybody: they are in it
// once, others keep their bytes, and the second time nothing changes.
func FuzzMergeIndexDocuments(f *testing.F) {
	images := []v1.Image{on(f, "10.0.17763.1"), on(f, "10.0.20348.2700"), sampleImage(f, sample.Options{NoOSVersion: true})}
	whole, _, err := builder.WriteIndex(images, true)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(linuxFirst(oldDigest, types.OCIImageIndex)))
	f.Add([]byte(`{"manifests":[{"digest":"` + oldDigest + `"},{"digest":"` + digestOf(f, images[0]) + `","platform":{"os":"x"}}],"mediaType":null}`))
	f.Add([]byte(fmt.Sprintf(`{"manifests":[{"digest":%[1]q},{"digest":%[1]q}]}`, digestOf(f, images[1]))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, mt, err := builder.MergeIndex(raw, types.OCIImageIndex, images)
		if err != nil {
			return
		}
		var before, after struct {
			Manifests []struct {
				Digest v1.Hash `json:"digest"`
			} `json:"manifests"`
		}
		if err := errors.Join(json.Unmarshal(raw, &before), json.Unmarshal(got, &after)); err != nil || !mt.IsIndex() {
			t.Fatalf("%s became %s, %s: %v", raw, got, mt, err)
		}
		for _, img := range images {
			if !slices.ContainsFunc(entries(t, got), func(e string) bool { return bytes.Contains([]byte(e), []byte(digestOf(t, img))) }) {
				t.Errorf("%s is not in %s", digestOf(t, img), got)
			}
		}
		again, _, err := builder.MergeIndex(got, mt, images)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s became %s, %v", got, again, err)
		}
		if len(after.Manifests) > len(before.Manifests)+len(images) {
			t.Errorf("%d entries became %d", len(before.Manifests), len(after.Manifests))
		}
		was := entries(t, raw)
		for i, e := range entries(t, got) {
			h := after.Manifests[i].Digest.String()
			mine := slices.ContainsFunc(images, func(img v1.Image) bool { return digestOf(t, img) == h })
			if !mine && !slices.Contains(was, e) {
				t.Errorf("%s was in no way in %s", e, raw)
			}
		}
		builder.LostAttestations(raw, got)
	})
}
