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

// taggedName is "repository:tag" with its tag.
type taggedName struct{ name, tag string }

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

// writeBlobs writes config, manifest and layers, each once.
func (a *archive) writeBlobs(ctx context.Context, img v1.Image, nondistributable bool) error {
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := a.tw.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
			return err
		}
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return err
	}
	manifest, err := manifestBlob(img)
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	seen := map[v1.Hash]bool{}
	for _, l := range append([]v1.Layer{config, manifest}, layers...) {
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

// writeNames writes the files by which the image is found.
func (a *archive) writeNames(img v1.Image, names []taggedName) error {
	docker, err := dockerManifest(img, names)
	if err != nil {
		return err
	}
	index, err := archiveIndex(img, names)
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

// dockerManifest returns manifest.json. Foreign layers are described in it by
// their diffID, so that Docker knows where they come from.
func dockerManifest(img v1.Image, names []taggedName) ([]byte, error) {
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	d := dockerImage{Config: blobName(m.Config.Digest), Layers: []string{}}
	for _, n := range names {
		d.RepoTags = append(d.RepoTags, n.name)
	}
	for i, l := range m.Layers {
		d.Layers = append(d.Layers, blobName(l.Digest))
		if l.MediaType.IsDistributable() || i >= len(config.RootFS.DiffIDs) {
			continue
		}
		if d.LayerSources == nil {
			d.LayerSources = map[string]v1.Descriptor{}
		}
		d.LayerSources[config.RootFS.DiffIDs[i].String()] = l
	}
	return json.Marshal([]dockerImage{d})
}

// archiveIndex returns index.json with an entry per name.
func archiveIndex(img v1.Image, names []taggedName) ([]byte, error) {
	d, err := descriptor(img)
	if err != nil {
		return nil, err
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, n := range names {
		e := *d
		e.Annotations = map[string]string{annotationRefName: n.tag, annotationImageName: n.name}
		index.Manifests = append(index.Manifests, e)
	}
	return json.Marshal(index)
}

func blobName(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
