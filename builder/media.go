package builder

import (
	"encoding/json"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The media types of layers in both families, in pairs.
// https://github.com/opencontainers/image-spec/blob/main/media-types.md#compatibility-matrix
func layerTypes() [][2]types.MediaType {
	return [][2]types.MediaType{
		{types.DockerLayer, types.OCILayer},
		{types.DockerUncompressedLayer, types.OCIUncompressedLayer},
		{types.DockerForeignLayer, types.OCIRestrictedLayer},
		{dockerForeignTar, types.OCIUncompressedRestrictedLayer},
	}
}

// Types of Docker's family that the client library has no names for.
const (
	dockerZstd       types.MediaType = "application/vnd.docker.image.rootfs.diff.tar.zstd"
	dockerForeignTar types.MediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar"
)

func isDocker(t types.MediaType) bool { return strings.HasPrefix(string(t), "application/vnd.docker.") }
func isOCI(t types.MediaType) bool    { return strings.HasPrefix(string(t), "application/vnd.oci.") }

// FormatOf returns the format of a manifest or index: FormatDocker or FormatOCI. mt
// is the type that it was served under, which some registries leave out; then it
// is what the document says of itself, and OCI where that is silent.
func FormatOf(raw []byte, mt types.MediaType) string {
	if !isDocker(mt) && !isOCI(mt) {
		var d struct {
			MediaType types.MediaType `json:"mediaType"`
		}
		_ = json.Unmarshal(raw, &d) // what cannot be read says nothing
		mt = d.MediaType
	}
	if isDocker(mt) {
		return FormatDocker
	}
	return FormatOCI
}

// layerType returns a layer's media type in the wanted family; one that is of
// that family stays as it is. Docker's family has none for zstd.
func layerType(t types.MediaType, oci bool) (types.MediaType, error) {
	if oci && isOCI(t) || !oci && isDocker(t) {
		return t, nil
	}
	for _, pair := range layerTypes() {
		if oci && t == pair[0] {
			return pair[1], nil
		}
		if !oci && t == pair[1] {
			return pair[0], nil
		}
	}
	if oci && t == dockerZstd {
		return types.OCILayerZStd, nil
	}
	if strings.Contains(string(t), "zstd") {
		return "", input("Use --format oci.", "A layer of the base is compressed with zstd, which Docker's image format does not have.")
	}
	return "", input("Leave --format out, or use another base.", "A layer of the base has the media type %q, which the other image format does not have.", t)
}

// ordinaryType returns the media type that a foreign layer has as an ordinary one;
// false for layers that are ordinary.
func ordinaryType(t types.MediaType) (types.MediaType, bool) {
	switch t {
	case types.DockerForeignLayer:
		return types.DockerLayer, true
	case dockerForeignTar:
		return types.DockerUncompressedLayer, true
	}
	if rest, ok := strings.CutPrefix(string(t), "application/vnd.oci.image.layer.nondistributable."); ok {
		return types.MediaType("application/vnd.oci.image.layer." + rest), true
	}
	return t, false
}

// manifestTypes returns the media types of a manifest and its config.
func manifestTypes(oci bool) (manifest, config types.MediaType) {
	if oci {
		return types.OCIManifestSchema1, types.OCIConfigJSON
	}
	return types.DockerManifestSchema2, types.DockerConfigJSON
}
