package base

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/layers"
)

// maxJSON is the largest manifest or config that is read, in bytes: the limit
// of most registries.
const maxJSON = 4 << 20

// maxLayers is how many layers an image may have: several times what any engine
// runs. Docker's limit is 125:
// https://github.com/moby/moby/blob/v28.0.0/layer/layer_store.go
const maxLayers = 500

// document is a manifest or a list of manifests: exactly one of image and index
// is set.
type document struct {
	digest    v1.Hash
	mediaType types.MediaType
	raw       []byte
	image     *v1.Manifest
	index     *v1.IndexManifest
}

// parse reads a manifest or list. What it is, its shape decides; its media type
// is the one it states, else declared (of a descriptor or a Content-Type header)
// where that is one of the four known, else the OCI one. A document that states
// one thing and has the shape of another, or of both, is refused: readers would
// disagree on it (CVE-2021-41190).
func parse(raw []byte, digest v1.Hash, declared types.MediaType) (document, error) {
	d := document{digest: digest, raw: raw}
	var shape struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Manifests     json.RawMessage `json:"manifests"`
		Layers        json.RawMessage `json:"layers"`
		Config        json.RawMessage `json:"config"`
		FSLayers      json.RawMessage `json:"fsLayers"`
	}
	if err := layers.CheckJSON(raw); err != nil {
		return d, fmt.Errorf("parse manifest %s: %w", digest, err)
	}
	if err := json.Unmarshal(raw, &shape); err != nil {
		return d, fmt.Errorf("parse manifest %s: %w", digest, err)
	}
	list, image := isThere(shape.Manifests), isThere(shape.Layers) || isThere(shape.Config)
	if isThere(shape.FSLayers) || shape.SchemaVersion == 1 {
		return d, fmt.Errorf("manifest %s has Docker's old schema 1: push the image again with a current tool", digest)
	}
	if list == image {
		return d, fmt.Errorf("document %s is neither the manifest of an image nor a list of manifests", digest)
	}
	d.mediaType = mediaType(shape.MediaType, declared, list)
	if list != d.mediaType.IsIndex() || image != d.mediaType.IsImage() {
		return d, fmt.Errorf("document %s says that it is %s, but has another shape", digest, d.mediaType)
	}
	var err error
	if list {
		d.index, err = v1.ParseIndexManifest(bytes.NewReader(raw))
	} else {
		d.image, err = v1.ParseManifest(bytes.NewReader(raw))
	}
	if err != nil {
		return d, fmt.Errorf("parse manifest %s: %w", digest, err)
	}
	return d, d.check()
}

func isThere(m json.RawMessage) bool { return len(m) > 0 && string(m) != "null" }

func mediaType(stated, declared types.MediaType, list bool) types.MediaType {
	if stated != "" {
		return stated
	}
	if t, _, err := mime.ParseMediaType(string(declared)); err == nil {
		if mt := types.MediaType(t); mt.IsImage() || mt.IsIndex() {
			return mt
		}
	}
	if list {
		return types.OCIImageIndex
	}
	return types.OCIManifestSchema1
}

// check refuses an image manifest with descriptors that cannot be followed.
func (d document) check() error {
	if d.image == nil {
		return nil
	}
	if d.image.Config.Size < 0 || d.image.Config.Size > maxJSON {
		return fmt.Errorf("manifest %s: a config of %d bytes; at most %d are read", d.digest, d.image.Config.Size, maxJSON)
	}
	if d.image.Config.Digest.Hex == "" {
		return fmt.Errorf("manifest %s names no config", d.digest)
	}
	if n := len(d.image.Layers); n > maxLayers {
		return fmt.Errorf("manifest %s has %d layers; at most %d are read", d.digest, n, maxLayers)
	}
	for _, desc := range d.image.Layers {
		if desc.Digest.Hex == "" || desc.Size < 0 {
			return fmt.Errorf("manifest %s has a layer without digest or size", d.digest)
		}
	}
	return nil
}

// verify returns an error unless raw has the size and digest of want.
func verify(raw []byte, want v1.Descriptor) error {
	if want.Size != int64(len(raw)) {
		return fmt.Errorf("%s has %d bytes instead of %d", want.Digest, len(raw), want.Size)
	}
	got, err := digestOf(raw, want.Digest.Algorithm)
	if err != nil {
		return err
	}
	if got != want.Digest {
		return fmt.Errorf("the bytes of %s have the digest %s", want.Digest, got)
	}
	return nil
}

func digestOf(raw []byte, algorithm string) (v1.Hash, error) {
	h, err := v1.Hasher(algorithm)
	if err != nil {
		return v1.Hash{}, err
	}
	if _, err := h.Write(raw); err != nil {
		return v1.Hash{}, err
	}
	return v1.Hash{Algorithm: algorithm, Hex: hex.EncodeToString(h.Sum(nil))}, nil
}

// config is what has to be known of an image's config.
type config struct {
	OS           string   `json:"os"`
	Architecture string   `json:"architecture"`
	OSVersion    string   `json:"os.version"`
	OSFeatures   []string `json:"os.features"`
	RootFS       struct {
		DiffIDs []v1.Hash `json:"diff_ids"`
	} `json:"rootfs"`
}

// parseConfig reads the config of the image m.
func parseConfig(raw []byte, m *v1.Manifest) (config, error) {
	var c config
	if err := layers.CheckJSON(raw); err != nil {
		return c, fmt.Errorf("parse config %s: %w", m.Config.Digest, err)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("parse config %s: %w", m.Config.Digest, err)
	}
	if c.OS == "" {
		return c, fmt.Errorf("it is no container image: its config, of type %q, names no os", m.Config.MediaType)
	}
	if len(c.RootFS.DiffIDs) != len(m.Layers) {
		return c, fmt.Errorf("its config counts %d layers, its manifest %d", len(c.RootFS.DiffIDs), len(m.Layers))
	}
	return c, nil
}

// usable returns an error unless the image can be the base of a Windows image
// for amd64, of the build osVersion if that is not empty.
func (c config) usable(osVersion string) error {
	if p := c.platform(); c.OS != "windows" || c.Architecture != "amd64" {
		return fmt.Errorf("it is an image for %s: name one for windows/amd64", describe(p))
	}
	if osVersion != "" && !matches(c.OSVersion, osVersion) {
		return fmt.Errorf("it is Windows %s, not %s as --os-version asks: %s, or name another image", orNone(c.OSVersion), osVersion, offered(c.OSVersion))
	}
	if len(c.RootFS.DiffIDs) == 0 {
		return errors.New("it has no layers")
	}
	return nil
}

// offered says how the flag would be for an image of one version.
func offered(osVersion string) string {
	if osVersion == "" {
		return "leave that away"
	}
	return "leave that away or give --os-version " + winver.BuildOf(osVersion)
}

func (c config) platform() v1.Platform {
	return v1.Platform{OS: c.OS, Architecture: c.Architecture, OSVersion: c.OSVersion, OSFeatures: c.OSFeatures}
}
