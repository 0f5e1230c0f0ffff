package builder

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// descriptor names a blob in a manifest.
type descriptor struct {
	MediaType types.MediaType `json:"mediaType"`
	Size      int64           `json:"size"`
	Digest    v1.Hash         `json:"digest"`
}

// baseDescriptors returns the descriptors of the base's layers in the wanted
// family: those that are of it keep their bytes, of the others only the media
// type changes, so that a manifest never mixes families. A layer that is not
// compressed as its descriptor says gets the type that its own value has. With
// distribute, foreign layers become ordinary ones, which registries keep: those that
// refuse addresses in manifests would not take them in any other way.
func baseDescriptors(manifest []byte, layers []v1.Layer, oci, distribute bool) ([]json.RawMessage, error) {
	var m struct {
		Layers []json.RawMessage `json:"layers"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("read the base's manifest: %w", err)
	}
	if len(m.Layers) != len(layers) {
		return nil, fmt.Errorf("the base's manifest has %d layers, %d were found", len(m.Layers), len(layers))
	}
	for i, raw := range m.Layers {
		t, err := layers[i].MediaType()
		if err == nil {
			t, err = layerType(t, oci)
		}
		if err != nil {
			return nil, err
		}
		if own, foreign := ordinaryType(t); foreign && distribute {
			t = own
			if raw, err = without(raw, "urls"); err != nil {
				return nil, fmt.Errorf("read layer %d of the base's manifest: %w", i, err)
			}
		}
		if m.Layers[i], err = withType(raw, t); err != nil {
			return nil, fmt.Errorf("read layer %d of the base's manifest: %w", i, err)
		}
	}
	return m.Layers, nil
}

// without returns a descriptor that lacks a key.
func without(raw json.RawMessage, key string) (json.RawMessage, error) {
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	o.drop(key)
	return o.bytes()
}

// withType returns a descriptor with a media type; one that has it keeps its
// bytes.
func withType(raw json.RawMessage, t types.MediaType) (json.RawMessage, error) {
	var d descriptor
	if err := json.Unmarshal(raw, &d); err != nil || d.MediaType == t {
		return raw, err
	}
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	if err := o.put("mediaType", t); err != nil {
		return nil, err
	}
	return o.bytes()
}

// writeManifest returns a manifest of a config and of layers. Annotations are
// left out when there are none.
func writeManifest(config []byte, layers []json.RawMessage, annotations map[string]string, oci bool) ([]byte, error) {
	manifestType, configType := manifestTypes(oci)
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	m := &object{}
	for _, x := range []struct {
		key   string
		value any
	}{
		{"schemaVersion", 2},
		{"mediaType", manifestType},
		{"config", descriptor{configType, size, digest}},
	} {
		if err := m.put(x.key, x.value); err != nil {
			return nil, fmt.Errorf("write the manifest: %w", err)
		}
	}
	m.set("layers", list(layers)) // as they are: encoding would change their spaces
	if len(annotations) > 0 {
		if err := m.put("annotations", annotations); err != nil {
			return nil, fmt.Errorf("write the manifest: %w", err)
		}
	}
	return m.bytes()
}
