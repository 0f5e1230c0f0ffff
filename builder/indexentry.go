package builder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/layers"
)

// indexEntry is a descriptor in an index: its bytes, and what is read of them.
type indexEntry struct {
	raw         json.RawMessage
	Digest      v1.Hash           `json:"digest"`
	Platform    *entryPlatform    `json:"platform"`
	Annotations map[string]string `json:"annotations"`
}

// entryPlatform is a platform as an index and the config of an image write it.
type entryPlatform struct {
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	OSVersion    string   `json:"os.version,omitempty"`
	OSFeatures   []string `json:"os.features,omitempty"`
	Variant      string   `json:"variant,omitempty"`
}

func readEntry(raw json.RawMessage) (indexEntry, error) {
	e := indexEntry{raw: raw}
	if isNull(raw) {
		return e, errors.New("it is empty")
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, err
	}
	if e.Digest.Hex == "" {
		return e, errors.New("it has no digest")
	}
	return e, nil
}

// newEntries returns entries for images, the newest Windows first.
func newEntries(images []v1.Image) ([]indexEntry, error) {
	var out []indexEntry
	for _, img := range images {
		e, err := newEntry(&object{}, img)
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if other.rivals(e) {
				return nil, input("Name one base of each Windows version.",
					"%s and %s are for the same hosts (%s), and an index has one image for each build of Windows.",
					other.Digest, e.Digest, e.Platform)
			}
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b indexEntry) int {
		return cmp.Or(cmp.Compare(a.Platform.OS, b.Platform.OS), cmp.Compare(a.Platform.Architecture, b.Platform.Architecture),
			winver.Compare(b.Platform.OSVersion, a.Platform.OSVersion))
	})
	return out, nil
}

// newEntry makes doc the descriptor of an image. What else doc has stays.
func newEntry(doc *object, img v1.Image) (indexEntry, error) {
	mediaType, err1 := img.MediaType()
	size, err2 := img.Size()
	digest, err3 := img.Digest()
	config, err4 := img.RawConfigFile()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return indexEntry{}, fmt.Errorf("read an image: %w", err)
	}
	p, err := readPlatform(config)
	if err != nil {
		return indexEntry{}, fmt.Errorf("read the config of %s: %w", digest, err)
	}
	doc.drop("data") // the old manifest, where an index embeds it
	err = errors.Join(doc.put("mediaType", mediaType), doc.put("size", size), doc.put("digest", digest), doc.put("platform", p))
	if err != nil {
		return indexEntry{}, err
	}
	raw, err := doc.bytes()
	if err != nil {
		return indexEntry{}, err
	}
	return readEntry(raw)
}

// readPlatform reads for which platform the image with this config is.
func readPlatform(config []byte) (*entryPlatform, error) {
	if err := layers.CheckJSON(config); err != nil {
		return nil, err
	}
	p := &entryPlatform{}
	if err := json.Unmarshal(config, p); err != nil {
		return nil, err
	}
	if p.OS == "" || p.Architecture == "" {
		return nil, fmt.Errorf("it names no platform: os %q, architecture %q", p.OS, p.Architecture)
	}
	return p, nil
}

// String writes a platform as os/architecture, with a variant or a build.
func (p *entryPlatform) String() string {
	s := p.hosts()
	if p.Variant != "" {
		s += "/" + Printable(p.Variant)
	}
	if p.OSVersion != "" {
		s += " " + Printable(winver.BuildOf(p.OSVersion))
	}
	return s
}

// same says whether hosts that take an image for p take one for q as well.
func (p *entryPlatform) same(q *entryPlatform) bool {
	return p.OS == q.OS && p.Architecture == q.Architecture && p.Variant == q.Variant && winver.BuildOf(p.OSVersion) == winver.BuildOf(q.OSVersion)
}

// rivals says whether both entries are images for the same hosts.
func (e indexEntry) rivals(o indexEntry) bool {
	return e.Platform != nil && o.Platform != nil && e.attests() == "" && o.attests() == "" && e.Platform.same(o.Platform)
}

// attests returns the digest of the image that the entry attests something
// about; "" where it is an image itself.
// https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
func (e indexEntry) attests() string {
	if e.Annotations["vnd.docker.reference.type"] == "" {
		return ""
	}
	return e.Annotations["vnd.docker.reference.digest"]
}
