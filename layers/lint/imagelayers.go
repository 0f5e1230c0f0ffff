package lint

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layers checks diff_ids (rule 24) and the base's descriptors (rule 28).
func (c *imageCheck) layers() {
	ids, blobs := c.config.RootFS.DiffIDs, c.manifest.Layers
	if len(ids) != len(blobs) {
		c.add(24, DiffIDs, "config", "%d diff_ids for %d layers", len(ids), len(blobs))
		return
	}
	if c.baseManifest != nil {
		c.baseLayers(ids, blobs)
	}
	first := len(ids) - len(c.in.Layers)
	if first < 0 {
		c.add(24, DiffIDs, "manifest", "%d layers, of which %d should be the application's", len(blobs), len(c.in.Layers))
		return
	}
	for i, l := range c.in.Layers {
		if l.DiffID != (v1.Hash{}) && l.DiffID != ids[first+i] {
			c.add(24, DiffIDs, "config", "diff_id %d is %s, the layer is %s", first+i, ids[first+i], l.DiffID)
		}
	}
}

func (c *imageCheck) baseLayers(ids []v1.Hash, blobs []v1.Descriptor) {
	base := c.baseConfig.RootFS.DiffIDs
	if len(base) > len(ids) || !slices.Equal(base, ids[:len(base)]) {
		c.add(24, DiffIDs, "config", "the diff_ids do not begin with those of the base")
	}
	if len(c.baseManifest.Layers) > len(blobs) {
		c.add(28, BaseLayers, "manifest", "it has %d layers, the base %d", len(blobs), len(c.baseManifest.Layers))
		return
	}
	sameFamily := familyOf(manifestType(c.manifest)) == familyOf(manifestType(c.baseManifest))
	for i, want := range c.baseManifest.Layers {
		got := blobs[i]
		if got.Digest != want.Digest || got.Size != want.Size || !slices.Equal(got.URLs, want.URLs) || (sameFamily && got.MediaType != want.MediaType) {
			c.add(28, BaseLayers, "manifest", "layer %d is not the base's: digest, size, media type or urls differ", i)
		}
	}
}

// history wants an entry for each layer (rule 25).
func (c *imageCheck) history() {
	n := 0
	for _, h := range c.config.History {
		if !h.EmptyLayer {
			n++
		}
	}
	if n != len(c.manifest.Layers) {
		c.add(25, History, "config", "%d history entries of layers for %d layers: some registries refuse that", n, len(c.manifest.Layers))
	}
}

// mediaTypes wants one family, Docker's or OCI's (rule 28). A base may mix.
func (c *imageCheck) mediaTypes() {
	want := familyOf(manifestType(c.manifest))
	if got := familyOf(c.manifest.Config.MediaType); got != want {
		c.add(28, MediaType, "manifest", "the manifest is %s, its config %s", want, c.manifest.Config.MediaType)
	}
	base := c.baseCount()
	for i, l := range c.manifest.Layers {
		if familyOf(l.MediaType) == want {
			continue
		}
		if i < base {
			c.warn(28, MediaType, "manifest", "the manifest is %s, layer %d of the base %s", want, i, l.MediaType)
			continue
		}
		c.add(28, MediaType, "manifest", "the manifest is %s, layer %d %s", want, i, l.MediaType)
	}
}

// manifestType is a manifest's media type, which OCI allows to leave out.
func manifestType(m *v1.Manifest) types.MediaType {
	if m.MediaType == "" {
		return types.OCIManifestSchema1
	}
	return m.MediaType
}

func familyOf(t types.MediaType) string {
	switch {
	case strings.HasPrefix(string(t), "application/vnd.oci."):
		return "OCI"
	case strings.HasPrefix(string(t), "application/vnd.docker."):
		return "Docker"
	}
	return "of no known family"
}
