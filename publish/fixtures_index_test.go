package publish

import (
	"encoding/json"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// windows returns the image of a Windows version, of the layers.
func windows(t testing.TB, version string, layers ...v1.Layer) v1.Image {
	t.Helper()
	return platformed(t, testImage(t, layers...), v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: version})
}

func platformed(t testing.TB, img v1.Image, p v1.Platform) v1.Image {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.OSVersion, config.OSFeatures = p.OS, p.Architecture, p.OSVersion, nil
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

// threeBuilds returns an image per build, with a base layer each and one that they
// share, under the suffixes of their names.
func threeBuilds(t testing.TB, shared v1.Layer) []Child {
	t.Helper()
	return []Child{
		{windows(t, "10.0.26100.1742", testLayer(t, 25, 30_000), shared), "ltsc2025", nil},
		{windows(t, "10.0.20348.2700", testLayer(t, 22, 20_000), shared), "ltsc2022", nil},
		{windows(t, "10.0.17763.6414", testLayer(t, 19, 10_000), shared), "ltsc2019", nil},
	}
}

func entryOf(t testing.TB, img v1.Image) v1.Descriptor {
	t.Helper()
	d, err := imageDocument(img)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := d.descriptor()
	if err != nil {
		t.Fatal(err)
	}
	return *desc
}

func rawIndex(t testing.TB, entries ...v1.Descriptor) []byte {
	t.Helper()
	raw, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.DockerManifestList, Manifests: entries})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// indexOf is an index of the children.
func indexOf(t testing.TB, children []Child) Content {
	t.Helper()
	var entries []v1.Descriptor
	for _, c := range children {
		entries = append(entries, entryOf(t, c.Image))
	}
	return OfIndex(rawIndex(t, entries...), types.DockerManifestList, children)
}

// mergeOf is a merge that puts the children in the place of entries of the same
// platform, or at the end.
func mergeOf(t testing.TB, children []Child) Content {
	t.Helper()
	var ours []v1.Descriptor
	for _, c := range children {
		ours = append(ours, entryOf(t, c.Image))
	}
	return OfMerge(children, func(current []byte, _ types.MediaType) ([]byte, types.MediaType, error) {
		var index v1.IndexManifest
		if current != nil {
			if err := json.Unmarshal(current, &index); err != nil {
				return nil, "", err
			}
		}
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool {
			return slices.ContainsFunc(ours, func(o v1.Descriptor) bool { return platformName(o.Platform) == platformName(d.Platform) })
		})
		return rawIndex(t, append(index.Manifests, ours...)...), types.DockerManifestList, nil
	})
}

// tagsOf returns what the tags name when the index is published under them.
func tagsOf(t testing.TB, c Content, tags ...string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for _, tag := range tags {
		want[tag] = digestOf(t, c).String()
		for _, child := range c.children {
			want[suffixed(tag, child.Suffix)] = digestOf(t, child.Image).String()
		}
	}
	return want
}
