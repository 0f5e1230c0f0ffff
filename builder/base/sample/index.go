package sample

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Index returns a manifest list of images, in the family of the first. Each
// entry has the platform of its image's config, os.version and os.features
// included.
func Index(images ...v1.Image) (v1.ImageIndex, error) {
	oci := len(images) == 0
	var entries []mutate.IndexAddendum
	for i, img := range images {
		platform, err := platformOf(img)
		if err != nil {
			return nil, fmt.Errorf("read the config of image %d: %w", i, err)
		}
		if mt, err := img.MediaType(); err != nil {
			return nil, fmt.Errorf("read the type of image %d: %w", i, err)
		} else if i == 0 {
			oci = mt == types.OCIManifestSchema1
		}
		entries = append(entries, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	mt := types.DockerManifestList
	if oci {
		mt = types.OCIImageIndex
	}
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, mt), entries...), nil
}

// WithAttestation returns idx with one more entry, of the platform
// unknown/unknown: the kind that BuildKit adds for the provenance of the entry
// subject. It is no image.
func WithAttestation(idx v1.ImageIndex, subject v1.Hash) (v1.ImageIndex, error) {
	statement := static.NewLayer([]byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`), "application/vnd.in-toto+json")
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), statement)
	if err != nil {
		return nil, fmt.Errorf("make an attestation: %w", err)
	}
	return mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{
			"vnd.docker.reference.type":   "attestation-manifest",
			"vnd.docker.reference.digest": subject.String(),
		},
	}}), nil
}

// WriteLayout writes idx and its images into the folder dir as an OCI layout
// whose index.json is idx itself, without reference names.
func WriteLayout(dir string, idx v1.ImageIndex) error {
	if _, err := layout.Write(dir, idx); err != nil {
		return fmt.Errorf("write the OCI layout %s: %w", dir, err)
	}
	return nil
}

func platformOf(img partial.WithConfigFile) (*v1.Platform, error) {
	c, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	return &v1.Platform{
		OS: c.OS, Architecture: c.Architecture, OSVersion: c.OSVersion, OSFeatures: c.OSFeatures,
	}, nil
}
