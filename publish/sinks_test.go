package publish

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// place is a kind of sink under test, with its own way to look at the result.
type place struct {
	sink func() Sink // a fresh sink on the same place, as another run would make
	// visible returns the digest behind each tag that a reader finds.
	visible func() map[string]string
	// image reads the image behind a tag back, and index the index.
	image func(tag string) (v1.Image, error)
	index func(tag string) (v1.ImageIndex, error)
	// keeps tells that a place remembers blobs and other images.
	keeps bool
	// litter returns leftovers of unfinished work.
	litter func() []string
}

func places(t *testing.T) map[string]place {
	return map[string]place{"registry": registryPlace(t), "layout": layoutPlace(t), "tarball": tarballPlace(t, "image.tar")}
}

func registryPlace(t *testing.T) place {
	host, _ := newServer(t)
	return registryPlaceAt(t, host+"/team/app")
}

func registryPlaceAt(t *testing.T, at string) place {
	repo := mustRepo(t, at)
	return place{
		sink: func() Sink { return newTestRegistry(t, repo.Name(), RegistryOptions{}) },
		visible: func() map[string]string {
			found := map[string]string{}
			tags, err := remote.List(repo)
			if err != nil { // no such repository yet
				return found
			}
			for _, tag := range tags {
				if strings.HasPrefix(tag, "sha256:") { // the test registry lists digests too
					continue
				}
				d, err := remote.Head(repo.Tag(tag))
				if err != nil {
					t.Fatal(err)
				}
				found[tag] = d.Digest.String()
			}
			return found
		},
		image:  func(tag string) (v1.Image, error) { return remote.Image(repo.Tag(tag)) },
		index:  func(tag string) (v1.ImageIndex, error) { return remote.Index(repo.Tag(tag)) },
		keeps:  true,
		litter: func() []string { return nil },
	}
}

func layoutPlace(t *testing.T) place {
	dir := filepath.Join(t.TempDir(), "deep", "layout")
	entries := func() map[string]v1.Descriptor { return namedIn(t, dir) }
	return place{
		sink: func() Sink { return NewLayout(dir, LayoutOptions{Repository: "team/app"}) },
		visible: func() map[string]string {
			found := map[string]string{}
			for tag, d := range entries() {
				found[tag] = d.Digest.String()
			}
			return found
		},
		image: func(tag string) (v1.Image, error) {
			p, err := layout.FromPath(dir)
			if err != nil {
				return nil, err
			}
			return p.Image(entries()[tag].Digest)
		},
		index:  func(tag string) (v1.ImageIndex, error) { return indexIn(dir, entries()[tag]) },
		keeps:  true,
		litter: func() []string { return hidden(t, dir) },
	}
}

// namedIn returns the entries of a layout by their names.
func namedIn(t *testing.T, dir string) map[string]v1.Descriptor {
	t.Helper()
	found := map[string]v1.Descriptor{}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return found
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		found[d.Annotations[annotationRefName]] = d
	}
	return found
}

func indexIn(dir string, d v1.Descriptor) (v1.ImageIndex, error) {
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	return top.ImageIndex(d.Digest)
}

func tarballPlace(t *testing.T, base string) place {
	file := filepath.Join(t.TempDir(), "deep", base)
	unpacked := func() string { return unpack(t, file) }
	image := func(tag string) (v1.Image, error) {
		ref, err := name.NewTag("team/app:" + tag)
		if err != nil {
			return nil, err
		}
		return tarball.ImageFromPath(file, &ref)
	}
	return place{
		sink: func() Sink { return NewTarball(file, []string{"team/app"}, TarballOptions{}) },
		visible: func() map[string]string {
			found := map[string]string{}
			for tag, d := range namedIn(t, unpacked()) {
				found[tag] = d.Digest.String()
			}
			return found
		},
		image: image,
		index: func(tag string) (v1.ImageIndex, error) {
			dir := unpacked()
			return indexIn(dir, namedIn(t, dir)[tag])
		},
		litter: func() []string { return hidden(t, filepath.Dir(file)) },
	}
}

// hidden lists what begins with a dot below dir.
func hidden(t *testing.T, dir string) []string {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && path != dir && strings.HasPrefix(filepath.Base(path), ".") {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unpack returns a folder with what is in the archive, if there is one.
func unpack(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := os.Stat(file); err != nil {
		return dir
	}
	content, order := archiveFiles(t, file)
	for _, name := range order {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, content[name], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
