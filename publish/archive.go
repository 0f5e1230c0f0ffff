package publish

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// archive writes the tar that is a docker archive (manifest.json) and an OCI
// layout (oci-layout, index.json) over the same blobs.
//
// https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md (Combined Image JSON)
type archive struct {
	file   *os.File
	buf    *bufio.Writer
	gz     *gzip.Writer // nil: plain tar
	tw     *tar.Writer
	n      int64
	closed bool
}

// taggedName is "repository:tag" with its tag, and what it names.
type taggedName struct {
	name, tag string
	doc       *document
}

// dockerImage is an element of manifest.json.
type dockerImage struct {
	Config       string
	RepoTags     []string
	Layers       []string
	LayerSources map[string]v1.Descriptor `json:",omitempty"`
}

func newArchive(f *os.File, compress bool) *archive {
	a := &archive{file: f, buf: bufio.NewWriterSize(f, 1<<20)}
	var w io.Writer = a.buf
	if compress {
		// The layers are compressed already: the fastest level does as well as any.
		a.gz, _ = gzip.NewWriterLevel(a.buf, gzip.BestSpeed)
		w = a.gz
	}
	a.tw = tar.NewWriter(w)
	return a
}

// writeBlobs writes configs, manifests, the index, and layers, each once.
func (a *archive) writeBlobs(ctx context.Context, top *document, nondistributable bool) error {
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := a.tw.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
			return err
		}
	}
	blobs, err := archiveBlobs(top)
	if err != nil {
		return err
	}
	seen := map[v1.Hash]bool{}
	for _, l := range blobs {
		skip, err := foreign(l)
		if err != nil {
			return err
		}
		digest, err := l.Digest()
		if err != nil {
			return err
		}
		if seen[digest] || skip && !nondistributable {
			continue
		}
		seen[digest] = true
		if err := a.writeBlob(ctx, l, digest); err != nil {
			return fmt.Errorf("add %s: %w", digest, err)
		}
	}
	return nil
}

// archiveBlobs returns the blobs of an archive in their order: documents first.
func archiveBlobs(top *document) ([]v1.Layer, error) {
	var documents, layers []v1.Layer
	for _, d := range top.flat() {
		if d.image != nil {
			config, err := partial.ConfigLayer(d.image)
			if err != nil {
				return nil, err
			}
			own, err := d.image.Layers()
			if err != nil {
				return nil, err
			}
			documents, layers = append(documents, config), append(layers, own...)
		}
		documents = append(documents, d.blob())
	}
	return append(documents, layers...), nil
}

func (a *archive) writeBlob(ctx context.Context, l v1.Layer, digest v1.Hash) error {
	size, err := l.Size()
	if err != nil {
		return err
	}
	src, err := openVerified(ctx, l)
	if err != nil {
		return err
	}
	err = a.entry(blobName(digest), size, src)
	return errors.Join(err, src.Close())
}

func (a *archive) entry(name string, size int64, r io.Reader) error {
	if err := a.tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	n, err := io.Copy(a.tw, r)
	a.n += n
	return err
}

// writeNames writes the files by which the images are found.
func (a *archive) writeNames(top *document, names []taggedName) error {
	docker, err := dockerManifest(top, names)
	if err != nil {
		return err
	}
	index, err := archiveIndex(names)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{"manifest.json", docker}, {indexFile, index}, {layoutFile, []byte(layoutContent)}} {
		if err := a.entry(f.name, int64(len(f.content)), bytes.NewReader(f.content)); err != nil {
			return err
		}
	}
	return nil
}

// size is the number of content bytes written so far.
func (a *archive) size() int64 { return a.n }

// close ends the archive and its file.
func (a *archive) close() error {
	if err := a.tw.Close(); err != nil {
		return err
	}
	if a.gz != nil {
		if err := a.gz.Close(); err != nil {
			return err
		}
	}
	if err := a.buf.Flush(); err != nil {
		return err
	}
	a.closed = true
	return a.file.Close()
}

// abandon closes the file as it is.
func (a *archive) abandon() error {
	if a.closed {
		return nil
	}
	a.closed = true
	return a.file.Close()
}

// dockerManifest returns manifest.json: all images with those names that are theirs
// alone, since it knows no indexes.
func dockerManifest(top *document, names []taggedName) ([]byte, error) {
	images := []dockerImage{}
	listed := map[v1.Hash]bool{}
	for _, d := range top.flat() {
		if d.image == nil || listed[d.digest] {
			continue
		}
		listed[d.digest] = true
		entry, err := dockerEntry(d, names)
		if err != nil {
			return nil, err
		}
		images = append(images, entry)
	}
	return json.Marshal(images)
}

// dockerEntry describes an image. Foreign layers are described in it by their diffID,
// so that Docker knows where they come from.
func dockerEntry(d *document, names []taggedName) (dockerImage, error) {
	m, err := d.image.Manifest()
	if err != nil {
		return dockerImage{}, err
	}
	config, err := d.image.ConfigFile()
	if err != nil {
		return dockerImage{}, err
	}
	e := dockerImage{Config: blobName(m.Config.Digest), Layers: []string{}}
	for _, n := range names {
		if n.doc.digest == d.digest {
			e.RepoTags = append(e.RepoTags, n.name)
		}
	}
	for i, l := range m.Layers {
		e.Layers = append(e.Layers, blobName(l.Digest))
		if !isForeign(l.MediaType) || i >= len(config.RootFS.DiffIDs) {
			continue
		}
		if e.LayerSources == nil {
			e.LayerSources = map[string]v1.Descriptor{}
		}
		e.LayerSources[config.RootFS.DiffIDs[i].String()] = l
	}
	return e, nil
}

// archiveIndex returns index.json with an entry per name.
func archiveIndex(names []taggedName) ([]byte, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, n := range names {
		d, err := n.doc.descriptor()
		if err != nil {
			return nil, err
		}
		d.Annotations = map[string]string{annotationRefName: n.tag, annotationImageName: n.name}
		index.Manifests = append(index.Manifests, *d)
	}
	return json.Marshal(index)
}

func blobName(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
