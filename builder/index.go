package builder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/layers"
)

// WriteIndex returns an index of images, and its media type: that of the OCI
// family, or Docker's manifest list
// (https://github.com/opencontainers/image-spec/blob/main/image-index.md). Each
// entry has the platform that the config of its image states, with the full
// os.version; the newest Windows comes first. It fails with an *InputError when
// two images are for the same build of Windows, since hosts would choose
// between them by the spelling of their versions.
func WriteIndex(images []v1.Image, oci bool) ([]byte, types.MediaType, error) {
	if len(images) == 0 {
		return nil, "", errors.New("write an index: there are no images for it")
	}
	entries, err := newEntries(images)
	if err != nil {
		return nil, "", fmt.Errorf("write an index: %w", err)
	}
	mt := indexType(oci)
	doc := &object{}
	if err := errors.Join(doc.put("schemaVersion", 2), doc.put("mediaType", mt)); err != nil {
		return nil, "", fmt.Errorf("write an index: %w", err)
	}
	raw, err := withEntries(doc, entries)
	return raw, mt, err
}

// MergeIndex returns an index with images put in, and its media type, which
// stays what it was. An image takes the place of the entry for the same os,
// architecture and build of Windows; others are added, before the first entry
// for an older Windows. All other entries keep their bytes, as do the
// annotations of the index and keys that nobody knows; an index that has the
// images already is returned as it is. What was attested about an image that
// is replaced goes with it: LostAttestations names that. mt is the type under
// which existing was served; where existing is nil, a new index is written. It
// fails when existing is no index.
func MergeIndex(existing []byte, mt types.MediaType, images []v1.Image) ([]byte, types.MediaType, error) {
	if existing == nil {
		oci, err := anyOCI(images)
		if err != nil {
			return nil, "", err
		}
		return WriteIndex(images, oci || isOCI(mt))
	}
	x, err := readIndex(existing, mt)
	if err != nil {
		return nil, "", err
	}
	fresh, err := newEntries(images)
	if err != nil {
		return nil, "", fmt.Errorf("merge images into an index: %w", err)
	}
	for _, e := range fresh {
		x.place(e)
	}
	raw, err := x.write()
	return raw, x.mediaType, err
}

// ReplaceEntries returns an index in which each image that with names by its
// digest is replaced by another one. The new entry states the digest, size and
// platform of its image; annotations and all else of the old entry stay, but
// for the digest of a base, which is the new image's. What was attested about
// the old image is left out: LostAttestations names that. It fails when existing
// is no index, when it lacks one of the images, or when two of its entries
// would be for the same build of Windows.
func ReplaceEntries(existing []byte, mt types.MediaType, with map[v1.Hash]v1.Image) ([]byte, error) {
	x, err := readIndex(existing, mt)
	if err != nil {
		return nil, err
	}
	if err := x.replace(with); err != nil {
		return nil, fmt.Errorf("replace images in an index: %w", err)
	}
	return x.write()
}

// LostAttestations returns the digests of the attestations (such as the
// provenance that BuildKit adds) that an index has before and not after.
func LostAttestations(before, after []byte) []v1.Hash {
	was, err := readIndex(before, "")
	if err != nil {
		return nil
	}
	is, err := readIndex(after, "")
	if err != nil {
		return nil
	}
	var lost []v1.Hash
	for _, e := range was.entries {
		kept := slices.ContainsFunc(is.entries, func(o indexEntry) bool { return o.Digest == e.Digest })
		if e.attests() != "" && !kept {
			lost = append(lost, e.Digest)
		}
	}
	return lost
}

// index is one that was read, and what is changed in it.
type index struct {
	raw       []byte
	mediaType types.MediaType
	doc       *object
	entries   []indexEntry
	changed   bool
}

// readIndex reads an index that was served as one of type mt.
func readIndex(raw []byte, mt types.MediaType) (*index, error) {
	x := &index{raw: raw, mediaType: mt}
	err := layers.CheckJSON(raw)
	if err == nil {
		x.doc, err = parseObject(raw)
	}
	if err != nil {
		return nil, fmt.Errorf("read an index: %w", err)
	}
	if x.doc.get("layers") != nil || x.doc.get("config") != nil || isNull(x.doc.get("manifests")) {
		return nil, errors.New("read an index: the document is not a list of images; " +
			"make an index of that image first, such as with crane index append")
	}
	if err := x.readType(); err != nil {
		return nil, err
	}
	var all []json.RawMessage
	if err := json.Unmarshal(x.doc.get("manifests"), &all); err != nil {
		return nil, fmt.Errorf("read the entries of an index: %w", err)
	}
	for i, r := range all {
		e, err := readEntry(r)
		if err != nil {
			return nil, fmt.Errorf("read entry %d of an index: %w", i, err)
		}
		x.entries = append(x.entries, e)
	}
	return x, nil
}

// readType finds out which type the index has: what it states counts for more
// than what its server says.
func (x *index) readType() error {
	if stated := x.doc.get("mediaType"); !isNull(stated) {
		if err := json.Unmarshal(stated, &x.mediaType); err != nil {
			return fmt.Errorf("read the media type of an index: %w", err)
		}
	}
	if x.mediaType == "" {
		x.mediaType = types.OCIImageIndex
	}
	if !x.mediaType.IsIndex() {
		return fmt.Errorf("read an index: its media type is %q", x.mediaType)
	}
	return nil
}

// write returns the index, as it was when nothing changed.
func (x *index) write() ([]byte, error) {
	if !x.changed {
		return bytes.Clone(x.raw), nil
	}
	return withEntries(x.doc, x.entries)
}

func withEntries(doc *object, entries []indexEntry) ([]byte, error) {
	raw := make([]json.RawMessage, len(entries))
	for i, e := range entries {
		raw[i] = e.raw
	}
	doc.set("manifests", list(raw))
	out, err := doc.bytes()
	if err != nil {
		return nil, fmt.Errorf("write an index: %w", err)
	}
	return out, nil
}

func indexType(oci bool) types.MediaType {
	if oci {
		return types.OCIImageIndex
	}
	return types.DockerManifestList
}

func anyOCI(images []v1.Image) (bool, error) {
	for _, img := range images {
		mt, err := img.MediaType()
		if err != nil {
			return false, fmt.Errorf("read the type of an image: %w", err)
		}
		if isOCI(mt) {
			return true, nil
		}
	}
	return false, nil
}
