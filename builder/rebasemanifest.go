package builder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// family decides whether the new image is of the OCI family. That is a setting
// too: an image of the old base's family takes the new base's.
func (x *rebasing) family() bool {
	own, next := x.own.isOCI(), x.next.isOCI()
	switch {
	case own == next:
		return own
	case x.old == nil && own || x.old != nil && own != x.old.isOCI():
		return own
	case next:
		return true
	}
	for i, d := range append(slices.Clone(x.next.descriptors), x.own.descriptors[x.baseLayers:]...) {
		if _, err := layerType(d.MediaType, false); err != nil {
			x.warnings = append(x.warnings, fmt.Sprintf("The image stays in the OCI format, unlike its new base: "+
				"Docker's has no type for its layer %d, which is %s.", i, Printable(string(d.MediaType))))
			return true
		}
	}
	return false
}

// descriptors returns those of the new image's layers, all in its family.
func (x *rebasing) descriptors() ([]json.RawMessage, error) {
	out, err := baseDescriptors(x.request.New.Manifest, x.request.New.Layers, x.oci, x.request.Foreign || x.sendsForeign())
	if err != nil {
		return nil, fmt.Errorf("use the base %s: %w", x.request.New.Name, err)
	}
	for i, raw := range x.own.layers {
		if i < x.baseLayers {
			continue
		}
		t := x.own.descriptors[i].MediaType
		if isDocker(t) || isOCI(t) { // others have no family, and stay
			if t, err = layerType(t, x.oci); err != nil {
				return nil, fmt.Errorf("write layer %d of the image in another format: %w", i, err)
			}
		}
		if raw, err = withType(raw, t); err != nil {
			return nil, fmt.Errorf("read layer %d of the image: %w", i, err)
		}
		out = append(out, raw)
	}
	return out, nil
}

// sendsForeign says whether the image has as an ordinary layer what the old base
// has as a foreign one. Such an image is for networks from which the URLs of
// foreign layers are not reached.
func (x *rebasing) sendsForeign() bool {
	if x.old == nil {
		return false
	}
	for i, d := range x.old.descriptors {
		own := x.own.descriptors[i]
		if own.Digest == d.Digest && !d.MediaType.IsDistributable() && own.MediaType.IsDistributable() {
			return true
		}
	}
	return false
}

// manifest returns the new image's manifest: the old one with another config,
// other layers and annotations.
func (x *rebasing) manifest(config []byte, layers []json.RawMessage, notes *object) ([]byte, error) {
	m := &object{members: slices.Clone(x.own.manifest.members)}
	manifestType, configType := manifestTypes(x.oci)
	if x.oci != x.own.isOCI() || !isNull(m.get("mediaType")) {
		if err := m.put("mediaType", manifestType); err != nil {
			return nil, err
		}
	}
	d, err := configDescriptor(m.get("config"), configType, config)
	if err != nil {
		return nil, err
	}
	m.set("config", d)
	m.set("layers", list(layers))
	switch {
	case x.losesAnnotations():
		x.dropOCI(m)
	case len(notes.members) > 0:
		if err := setObject(m, "annotations", notes); err != nil {
			return nil, err
		}
	}
	return m.bytes()
}

// configDescriptor makes raw the descriptor of another config.
func configDescriptor(raw json.RawMessage, t types.MediaType, config []byte) (json.RawMessage, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	d, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	d.drop("data") // the old config, embedded
	d.drop("urls")
	if err := errors.Join(d.put("mediaType", t), d.put("size", size), d.put("digest", digest)); err != nil {
		return nil, err
	}
	return d.bytes()
}

func (x *rebasing) losesAnnotations() bool { return x.own.isOCI() && !x.oci }

// dropOCI removes what manifests of Docker's family do not have.
func (x *rebasing) dropOCI(m *object) {
	var lost []string
	for _, key := range []string{"annotations", "subject", "artifactType"} {
		if !isNull(m.get(key)) {
			lost = append(lost, key)
		}
		m.drop(key)
	}
	if len(lost) > 0 {
		x.warnings = append(x.warnings, "The image takes Docker's format from its new base, which has no "+
			strings.Join(lost, " and no ")+"; what they said of the base is in labels now.")
	}
}

// annotations returns those of the new image.
func (x *rebasing) annotations() (*object, error) {
	notes, err := parseObject(x.own.manifest.get("annotations"))
	if err != nil {
		return nil, err
	}
	// An image that was of Docker's family had no room for them.
	if x.oci && !saysBase(notes) && (!x.own.isOCI() || !saysBase(x.ownLabels())) {
		if err := tellBase(notes, x.newRecord()); err != nil {
			return nil, err
		}
	}
	if err := x.retime(notes); err != nil {
		return nil, err
	}
	return notes, retellBase(notes, x.newRecord())
}
