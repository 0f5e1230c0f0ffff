package base

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/layers"
)

// files are what a layout or an archive consists of, by slash-separated path. A
// path that is not there is fs.ErrNotExist.
type files interface {
	// open returns a file's content and its size in bytes.
	open(path string) (io.ReadCloser, int64, error)
	// reach is how many bytes have to be read and thrown away before those of a
	// file that is there.
	reach(path string) int64
	// head returns the first bytes of a file: see readHead.
	head(path string) ([]byte, error)
}

// local is a source over files.
type local struct {
	given string // as the user wrote it
	files files
	top   document
	// blob returns the path of a blob.
	blob func(v1.Hash) (string, bool)
}

var _ source = (*local)(nil)

// blobPath is where an OCI layout keeps a blob:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
func blobPath(h v1.Hash) (string, bool) {
	return path.Join("blobs", h.Algorithm, h.Hex), h.Hex != ""
}

func (l *local) name() string { return l.given }

func (l *local) root(context.Context) (document, error) { return l.top, nil }

func (l *local) has(d v1.Descriptor) bool {
	p, ok := l.blob(d.Digest)
	if !ok {
		return false
	}
	_, err := l.files.head(p)
	return err == nil
}

func (l *local) manifest(ctx context.Context, d v1.Descriptor) (document, error) {
	raw, err := l.read(ctx, d)
	if err != nil {
		return document{}, err
	}
	return parse(raw, d.Digest, d.MediaType)
}

func (l *local) config(ctx context.Context, image document) ([]byte, error) {
	return l.read(ctx, image.image.Config)
}

// read returns a manifest or config, its digest checked.
func (l *local) read(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, ok := l.blob(d.Digest)
	if !ok {
		return nil, fmt.Errorf("%w: blob %s", ErrNotFound, d.Digest)
	}
	raw, err := readJSON(l.files, p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: blob %s: %w; it was not copied along", ErrNotFound, d.Digest, err)
	}
	if err != nil {
		return nil, err
	}
	if err := verify(raw, d); err != nil {
		return nil, fmt.Errorf("it is damaged, so copy it again: %w", err)
	}
	return raw, nil
}

func (l *local) layers(_ context.Context, image document, diffIDs []v1.Hash, _ bool) ([]v1.Layer, error) {
	var all []v1.Layer
	for i, desc := range image.image.Layers {
		p, ok := l.blob(desc.Digest)
		head, err := []byte(nil), fs.ErrNotExist
		if ok {
			head, err = l.files.head(p)
		}
		switch {
		case err == nil:
			desc.MediaType = typeOf(desc.MediaType, head)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read layer %s: %w", desc.Digest, err)
		case !isForeign(desc.MediaType):
			return nil, fmt.Errorf("%w: layer %s: %w; it was not copied along", ErrNotFound, desc.Digest, err)
		}
		reach := int64(0)
		if err == nil {
			reach = l.files.reach(p)
		}
		all = append(all, &layer{described: described{desc, diffIDs[i]}, reach: reach, open: func() (io.ReadCloser, error) {
			if !ok {
				return nil, fs.ErrNotExist
			}
			rc, _, err := l.files.open(p)
			return rc, err
		}})
	}
	return all, nil
}

// readJSON returns a whole file of at most maxJSON bytes.
func readJSON(f files, path string) (raw []byte, err error) {
	rc, size, err := f.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	if size > maxJSON {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", path, size, maxJSON)
	}
	if raw, err = io.ReadAll(io.LimitReader(rc, maxJSON)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return raw, nil
}

// fromLayout returns a source over the files of an OCI layout, for the image or
// list that want selects there.
func fromLayout(ctx context.Context, given string, f files, want selection) (*local, error) {
	raw, err := readJSON(f, "index.json")
	if err != nil {
		return nil, err
	}
	if err := layers.CheckJSON(raw); err != nil {
		return nil, fmt.Errorf("parse index.json: %w", err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("parse index.json: %w", err)
	}
	l := &local{given: given, files: f, blob: blobPath}
	if want.name == "" && want.digest == nil && isList(&index) {
		hash, err := digestOf(raw, "sha256")
		if err != nil {
			return nil, err
		}
		l.top, err = parse(raw, hash, index.MediaType)
		return l, err
	}
	d, err := l.find(ctx, index.Manifests, want)
	if err != nil {
		return nil, err
	}
	l.top, err = l.manifest(ctx, d)
	return l, err
}

// isList says whether an index.json is the list of one image's platforms,
// rather than the names of the images in the layout.
func isList(index *v1.IndexManifest) bool {
	described := false
	for _, d := range index.Manifests {
		if len(names(d)) > 0 {
			return false
		}
		described = described || d.Platform != nil && d.Platform.OS != ""
	}
	return described || index.MediaType == types.DockerManifestList
}

// names returns the reference names of an entry of index.json, as OCI,
// containerd and Docker write them.
func names(d v1.Descriptor) []string {
	var all []string
	for _, key := range []string{"org.opencontainers.image.ref.name", "io.containerd.image.name"} {
		if n := d.Annotations[key]; n != "" {
			all = append(all, n)
		}
	}
	return all
}

// hasName says whether an entry is called name: by the whole of one of its
// names, or by the tag at its end.
func hasName(d v1.Descriptor, name string) bool {
	for _, n := range names(d) {
		if n == name || strings.HasSuffix(n, ":"+name) || strings.HasSuffix(n, "/"+name) {
			return true
		}
	}
	return false
}
