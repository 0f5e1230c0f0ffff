//go:build !nosign

package sign

import (
	"bytes"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// parseManifest reads the manifest of an image, as which signatures and bundles are
// kept. Each descriptor in it has a digest and no negative size.
func parseManifest(raw []byte) (*v1.Manifest, error) {
	var m v1.Manifest
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&m); err != nil {
		return nil, errNoManifest
	}
	if m.SchemaVersion != 2 || m.MediaType != "" && !m.MediaType.IsImage() || !described(m.Config) {
		return nil, errNoManifest
	}
	for _, d := range m.Layers {
		if !described(d) {
			return nil, errNoManifest
		}
	}
	return &m, nil
}

func described(d v1.Descriptor) bool { return d.Digest != v1.Hash{} && d.Size >= 0 }

// describe returns the descriptor of a content.
func describe(content []byte, mt types.MediaType, annotations map[string]string) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	return v1.Descriptor{MediaType: mt, Size: size, Digest: digest, Annotations: annotations}, err
}
