package base

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/layers"
)

// openArchive returns the source of "tar:" + s. An archive that is an OCI layout
// too, as those of Docker since version 25, is read as one: that keeps digests.
func openArchive(ctx context.Context, given, s string) (source, error) {
	want := selection{path: s}
	if _, err := os.Stat(s); err != nil {
		if p, digest, ok := cutDigest(s); ok {
			want = selection{path: p, digest: &digest}
		}
	}
	t, err := scanTar(ctx, want.path, maxKeep)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no such file", ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	if _, err := t.head("index.json"); err == nil {
		return fromLayout(ctx, given, t, want)
	}
	raw, err := readJSON(t, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("it holds neither manifest.json nor index.json: give an archive of docker save or of an OCI layout")
	}
	if err != nil {
		return nil, err
	}
	return fromDocker(ctx, given, t, raw, want)
}

// saved is an image in the manifest.json of docker save:
// https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md
type saved struct {
	Config       string
	RepoTags     []string
	Layers       []string
	LayerSources map[v1.Hash]v1.Descriptor // by diffID: where foreign layers live
}

// dockerArchive makes manifests for the images of an archive without any.
type dockerArchive struct {
	files     *tarball
	paths     map[v1.Hash]string
	manifests map[v1.Hash]document
	hashes    map[string]v1.Hash // of compressed layers, by path
	configs   int                // bytes of those that were read
}

// maxConfigs bounds the bytes of the configs of all images of an archive.
const maxConfigs = 32 << 20

func fromDocker(ctx context.Context, given string, t *tarball, raw []byte, want selection) (*local, error) {
	if err := layers.CheckJSON(raw); err != nil {
		return nil, fmt.Errorf("parse manifest.json: %w", err)
	}
	var images []saved
	if err := json.Unmarshal(raw, &images); err != nil {
		return nil, fmt.Errorf("parse manifest.json: %w", err)
	}
	a := &dockerArchive{files: t, paths: map[v1.Hash]string{}, manifests: map[v1.Hash]document{}, hashes: map[string]v1.Hash{}}
	var entries []v1.Descriptor
	for _, img := range images {
		doc, err := a.manifest(ctx, img)
		if err != nil {
			return nil, err
		}
		a.manifests[doc.digest] = doc
		d := v1.Descriptor{Digest: doc.digest, MediaType: doc.mediaType}
		if len(img.RepoTags) > 0 {
			d.Annotations = map[string]string{"io.containerd.image.name": img.RepoTags[0]}
		}
		entries = append(entries, d)
	}
	l := &local{given: given, files: t, blob: func(h v1.Hash) (string, bool) { p, ok := a.paths[h]; return p, ok }}
	d, err := l.find(ctx, entries, want)
	l.top = a.manifests[d.Digest]
	return l, err
}

// manifest makes the manifest of an image, in the Docker family.
func (a *dockerArchive) manifest(ctx context.Context, img saved) (document, error) {
	raw, err := readJSON(a.files, img.Config)
	if err != nil {
		return document{}, err
	}
	if a.configs += len(raw); a.configs > maxConfigs {
		return document{}, fmt.Errorf("the configs of its images have more than %d MiB", maxConfigs>>20)
	}
	hash, err := digestOf(raw, "sha256")
	if err != nil {
		return document{}, err
	}
	m := v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.DockerManifestSchema2,
		Config:        v1.Descriptor{MediaType: types.DockerConfigJSON, Size: int64(len(raw)), Digest: hash},
		Layers:        make([]v1.Descriptor, len(img.Layers)),
	}
	a.paths[hash] = img.Config
	cfg, err := parseConfig(raw, &m)
	if err != nil {
		return document{}, err
	}
	for i, path := range img.Layers {
		if m.Layers[i], err = a.layer(ctx, path, cfg.RootFS.DiffIDs[i], img.LayerSources); err != nil {
			return document{}, err
		}
	}
	if raw, err = json.Marshal(m); err != nil {
		return document{}, err
	}
	if hash, err = digestOf(raw, "sha256"); err != nil {
		return document{}, err
	}
	return parse(raw, hash, m.MediaType)
}

// layer returns the descriptor of a layer. A plain tar has its diffID as its
// digest, checked when it is read; a compressed one is hashed here. A foreign
// layer keeps the descriptor it was pulled by; Docker saves it as a plain tar,
// which that does not describe.
func (a *dockerArchive) layer(ctx context.Context, path string, diffID v1.Hash, from map[v1.Hash]v1.Descriptor) (v1.Descriptor, error) {
	p, e, err := a.files.entry(path)
	if d, ok := from[diffID]; ok && isForeign(d.MediaType) && len(d.URLs) > 0 {
		if err == nil && e.size == d.Size {
			a.paths[d.Digest] = p
		}
		return d, nil
	}
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := v1.Descriptor{Digest: diffID, Size: e.size, MediaType: typeOf(types.DockerLayer, e.first)}
	if compressionOf(e.first) != plain {
		if d.Digest, err = a.hash(ctx, p); err != nil {
			return d, err
		}
	}
	a.paths[d.Digest] = p
	return d, nil
}

// hash returns the digest of a file. Images of one archive share layers.
func (a *dockerArchive) hash(ctx context.Context, path string) (h v1.Hash, err error) {
	if h, ok := a.hashes[path]; ok {
		return h, nil
	}
	if _, e, err := a.files.entry(path); err == nil && e.digest != nil {
		return *e.digest, nil
	}
	rc, _, err := a.files.open(path)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	if h, _, err = v1.SHA256(&interruptible{ctx, rc}); err != nil {
		return h, fmt.Errorf("read %s: %w", path, err)
	}
	a.hashes[path] = h
	return h, nil
}
