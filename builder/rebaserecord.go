package builder

import (
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// The annotations and labels that name a base:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md
const (
	baseName   = oci + "base.name"
	baseDigest = oci + "base.digest"
)

// imageCreated is the annotation or label that says when an image was made.
const imageCreated = oci + "created"

// BaseRecord is what an image says of its base.
type BaseRecord struct {
	Name   string  // a reference; "" if none is recorded
	Digest v1.Hash // of the base's manifest, or of a list of them with some tools; zero if none is recorded
	Index  v1.Hash // of the list from which the base was picked; zero if none is recorded
}

// RecordedBase reads what an image says of its base: its annotations count,
// and the labels for what these do not say. Digests that are none are taken for
// missing. Labels may be the base's own, with its own base in them: they pass
// on to all images that are made of it.
func RecordedBase(manifest, config []byte) BaseRecord {
	var m struct {
		Annotations map[string]string `json:"annotations"`
	}
	var c struct {
		Config struct {
			Labels map[string]string
		} `json:"config"`
	}
	// What cannot be read says nothing.
	if layers.CheckJSON(manifest) != nil || json.Unmarshal(manifest, &m) != nil {
		m.Annotations = nil
	}
	if layers.CheckJSON(config) != nil || json.Unmarshal(config, &c) != nil {
		c.Config.Labels = nil
	}
	get := func(key string) string {
		if v := m.Annotations[key]; v != "" {
			return v
		}
		return c.Config.Labels[key]
	}
	return BaseRecord{Name: get(baseName), Digest: hashOrZero(get(baseDigest)), Index: hashOrZero(get(baseIndex))}
}

func hashOrZero(s string) v1.Hash {
	h, err := v1.NewHash(s)
	if err != nil {
		return v1.Hash{}
	}
	return h
}

// retellBase updates what members, annotations or labels, say of a base. Where
// the new base has no name, the old one stays: it still says of which line the
// base is. A list that the new base did not come from is not named.
func retellBase(members *object, b BaseRecord) error {
	for _, x := range []struct{ key, value string }{
		{baseName, b.Name}, {baseDigest, hashText(b.Digest)}, {baseIndex, hashText(b.Index)},
	} {
		switch {
		case members.get(x.key) == nil:
		case x.value != "":
			if err := members.put(x.key, x.value); err != nil {
				return err
			}
		case x.key != baseName:
			members.drop(x.key)
		}
	}
	return nil
}

func hashText(h v1.Hash) string {
	if h == (v1.Hash{}) {
		return ""
	}
	return h.String()
}

// saysBase says whether members, annotations or labels, say what a base is.
func saysBase(members *object) bool {
	return members.get(baseName) != nil || members.get(baseDigest) != nil
}

// tellBase adds what a base is to members that do not say.
func tellBase(members *object, b BaseRecord) error {
	if err := members.put(baseDigest, b.Digest.String()); err != nil || b.Name == "" {
		return err
	}
	return members.put(baseName, b.Name)
}

// newRecord is what the new image says of its base.
func (x *rebasing) newRecord() BaseRecord {
	b := BaseRecord{Name: x.request.BaseName, Digest: x.request.New.Digest}
	if b.Name == "" && !x.request.New.Local() {
		b.Name = x.request.New.Name
	}
	if x.request.New.Index != nil {
		b.Index = *x.request.New.Index
	}
	return b
}

// recorded is what the old image says of its base.
func (x *rebasing) recorded() BaseRecord {
	notes := RecordedBase(x.own.Manifest, nil)
	labels := x.ownLabels()
	said := RecordedBase(nil, x.own.Config)
	if notes.Digest == (v1.Hash{}) && labels.get(baseDigest) != nil {
		notes.Digest = said.Digest
	}
	if notes.Name == "" && labels.get(baseName) != nil {
		notes.Name = said.Name
	}
	return notes
}

// ownLabels returns the labels about a base that the image does not have from
// its own base: those are about the base of that.
func (x *rebasing) ownLabels() *object {
	own := labelsOf(x.own)
	inherited := &object{}
	if x.old != nil {
		inherited = labelsOf(x.old)
	}
	out := &object{}
	for _, key := range []string{baseName, baseDigest, baseIndex} {
		if v := own.get(key); v != nil && (inherited.get(key) == nil || !sameValue(v, inherited.get(key))) {
			out.set(key, v)
		}
	}
	return out
}

// labelsOf returns the labels of an image; those that cannot be read are none.
func labelsOf(s *served) *object {
	o, err := parseObject(s.settings.get("Labels"))
	if err != nil {
		return &object{}
	}
	return o
}

// relabel updates the labels of the new image.
func (x *rebasing) relabel(labels *object) error {
	if err := x.retime(labels); err != nil {
		return err
	}
	own := x.ownLabels()
	notes, err := parseObject(x.own.manifest.get("annotations"))
	if err != nil {
		return err
	}
	if !x.oci && !saysBase(own) && (x.losesAnnotations() || !saysBase(notes)) {
		return tellBase(labels, x.newRecord())
	}
	if err := retellBase(own, x.newRecord()); err != nil {
		return err
	}
	for _, key := range []string{baseName, baseDigest, baseIndex} {
		switch v := own.get(key); {
		case v != nil:
			labels.set(key, v)
		case x.ownLabels().get(key) != nil: // retelling dropped it
			labels.drop(key)
		}
	}
	return nil
}
