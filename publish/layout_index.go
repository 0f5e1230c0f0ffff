package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The files of a layout, and the annotations by which its entries are found.
const (
	layoutFile = "oci-layout"
	indexFile  = "index.json"
	lockName   = ".nanobuild.lock"

	layoutContent = `{"imageLayoutVersion":"1.0.0"}`

	// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
	annotationRefName = "org.opencontainers.image.ref.name"
	// https://github.com/containerd/containerd/blob/v2.0.0/core/images/annotations.go
	annotationImageName = "io.containerd.image.name"
)

// entries returns the descriptors for index.json, one per tag.
func (l *Layout) entries(d *document, tags []string) ([]v1.Descriptor, error) {
	if len(tags) == 0 {
		desc, err := d.descriptor()
		if err != nil {
			return nil, err
		}
		return []v1.Descriptor{*desc}, nil
	}
	var entries []v1.Descriptor
	for _, n := range d.namings(tags) {
		e, err := n.doc.descriptor()
		if err != nil {
			return nil, err
		}
		e.Annotations = map[string]string{annotationRefName: suffixed(l.o.RefName(n.tag), n.suffix)}
		if l.o.Repository != "" {
			e.Annotations[annotationImageName] = l.o.Repository + ":" + n.full()
		}
		entries = append(entries, *e)
	}
	return entries, nil
}

// updateIndex puts the entries into index.json, and the mark of a layout before
// it. Other entries, and keys we do not know, stay as they are.
func (l *Layout) updateIndex(ctx context.Context, entries []v1.Descriptor) (err error) {
	release, err := lockFile(ctx, filepath.Join(l.dir, lockName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()

	path := filepath.Join(l.dir, indexFile)
	old, err := readDocument(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	updated, err := mergeIndex(old, entries)
	if err != nil {
		return err
	}
	if err := l.ensureMark(); err != nil {
		return err
	}
	if bytes.Equal(old, updated) {
		return nil
	}
	return l.replace(path, updated)
}

func (l *Layout) ensureMark() error {
	path := filepath.Join(l.dir, layoutFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return l.replace(path, []byte(layoutContent))
}

// replace writes a whole small file and renames it into place.
func (l *Layout) replace(path string, content []byte) error {
	tmp, err := l.scratch()
	if err != nil {
		return err
	}
	f, err := tmp.file()
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// mergeIndex puts entries into the index: in the place of one with the same ref
// name, else at the end.
func mergeIndex(index []byte, entries []v1.Descriptor) ([]byte, error) {
	doc, list, err := parseIndex(index)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		if list, err = putEntry(list, e, raw); err != nil {
			return nil, err
		}
	}
	if doc["manifests"], err = json.Marshal(list); err != nil {
		return nil, err
	}
	return json.MarshalIndent(doc, "", "  ")
}

// parseIndex reads an index.json, keeping keys and entries as they are. An empty
// one, or none, is a new index.
func parseIndex(index []byte) (doc map[string]json.RawMessage, list []json.RawMessage, err error) {
	doc = map[string]json.RawMessage{
		"schemaVersion": json.RawMessage("2"),
		"mediaType":     json.RawMessage(`"` + string(types.OCIImageIndex) + `"`),
	}
	if len(bytes.TrimSpace(index)) == 0 {
		return doc, nil, nil
	}
	if err := checkShape(index); err != nil {
		return nil, nil, fmt.Errorf("read its present %s: %w", indexFile, err)
	}
	doc = map[string]json.RawMessage{}
	if err := json.Unmarshal(index, &doc); err != nil {
		return nil, nil, fmt.Errorf("read its present %s: %w", indexFile, err)
	}
	if doc == nil {
		return nil, nil, fmt.Errorf("read its present %s: it holds null", indexFile)
	}
	if raw, ok := doc["manifests"]; ok {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, nil, fmt.Errorf("read the manifests of its present %s: %w", indexFile, err)
		}
	}
	return doc, list, nil
}

// putEntry adds e to the list. Of several old entries that e replaces, one stays.
func putEntry(list []json.RawMessage, e v1.Descriptor, raw json.RawMessage) ([]json.RawMessage, error) {
	var kept []json.RawMessage
	done := false
	for _, item := range list {
		var old v1.Descriptor
		if err := json.Unmarshal(item, &old); err != nil {
			return nil, fmt.Errorf("read an entry of its present %s: %w", indexFile, err)
		}
		switch {
		case !replaces(e, old):
			kept = append(kept, item)
		case !done:
			kept, done = append(kept, raw), true
		}
	}
	if !done {
		kept = append(kept, raw)
	}
	return kept, nil
}

// replaces tells whether e takes the place of old. A nameless entry replaces only
// a nameless one of the same image.
func replaces(e, old v1.Descriptor) bool {
	name := e.Annotations[annotationRefName]
	if name != old.Annotations[annotationRefName] {
		return false
	}
	return name != "" || e.Digest == old.Digest
}
