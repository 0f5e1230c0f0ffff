package builder

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// place puts an image into the index: in place of its rivals, or before the
// first image for an older Windows. Where the index has the image already, under
// its platform, the entry keeps its bytes.
func (x *index) place(e indexEntry) {
	at := slices.IndexFunc(x.entries, func(o indexEntry) bool { return o.Digest == e.Digest })
	if at < 0 {
		at = slices.IndexFunc(x.entries, e.rivals)
	}
	if at < 0 {
		x.entries, x.changed = slices.Insert(x.entries, x.rank(e), e), true
		return
	}
	gone := map[v1.Hash]bool{} // an index that had two of a build has one from now on
	for _, o := range x.entries {
		if o.rivals(e) && o.Digest != e.Digest {
			gone[o.Digest] = true
		}
	}
	if o := x.entries[at]; o.Digest != e.Digest || !o.rivals(e) {
		x.entries[at], x.changed = e, true
	}
	x.drop(gone)
}

// rank returns where a new image belongs.
func (x *index) rank(e indexEntry) int {
	at := slices.IndexFunc(x.entries, func(o indexEntry) bool {
		return o.Platform != nil && o.attests() == "" && o.Platform.OS == e.Platform.OS && o.Platform.Architecture == e.Platform.Architecture &&
			winver.Compare(o.Platform.OSVersion, e.Platform.OSVersion) < 0
	})
	if at < 0 {
		return len(x.entries)
	}
	return at
}

// drop removes images, and what is attested about them.
func (x *index) drop(images map[v1.Hash]bool) {
	if len(images) == 0 {
		return
	}
	x.changed = true
	attested := map[string]bool{}
	for h := range images {
		attested[h.String()] = true
	}
	x.entries = slices.DeleteFunc(x.entries, func(e indexEntry) bool { return images[e.Digest] || attested[e.attests()] })
}

// replace puts other images in the place of those that with names.
func (x *index) replace(with map[v1.Hash]v1.Image) error {
	after := slices.Clone(x.entries)
	gone, found := map[v1.Hash]bool{}, map[v1.Hash]bool{}
	for i, e := range x.entries {
		img := with[e.Digest]
		if img == nil {
			continue
		}
		found[e.Digest] = true
		doc, err := parseObject(e.raw)
		if err == nil {
			after[i], err = replaceEntry(doc, e, img)
		}
		if err != nil {
			return err
		}
		if after[i].Digest == e.Digest {
			after[i] = e
			continue
		}
		gone[e.Digest] = true
	}
	for old := range with {
		if !found[old] {
			return fmt.Errorf("the index has no image %s", old)
		}
	}
	if err := newRivals(x.entries, after); err != nil {
		return err
	}
	x.entries = after
	x.drop(gone)
	return nil
}

// replaceEntry makes doc, the old entry, that of another image. What it says of
// a base is the new image's word from now on.
func replaceEntry(doc *object, old indexEntry, img v1.Image) (indexEntry, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return indexEntry{}, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return indexEntry{}, err
	}
	if len(old.Annotations) > 0 {
		notes, err := parseObject(doc.get("annotations"))
		if err != nil {
			return indexEntry{}, err
		}
		if err := retellBase(notes, RecordedBase(manifest, config)); err != nil {
			return indexEntry{}, err
		}
		if err := setObject(doc, "annotations", notes); err != nil {
			return indexEntry{}, err
		}
	}
	return newEntry(doc, img)
}

// newRivals refuses two images for the same hosts, unless there were two before.
func newRivals(before, after []indexEntry) error {
	for i, a := range after {
		if a.Digest == before[i].Digest {
			continue
		}
		for j, b := range after {
			if i != j && a.rivals(b) && !before[i].rivals(before[j]) && a.Digest != b.Digest {
				return input("Leave one of them as it is.",
					"The index would have two images for %s: %s and %s.", a.Platform, b.Digest, a.Digest)
			}
		}
	}
	return nil
}
