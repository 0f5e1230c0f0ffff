// Package sample makes small synthetic Windows base images for the demo and for
// tests: images of the shape of Nano Server's, with nothing of Microsoft's in
// them. The same options give the same bytes with the same release of Go, whose
// compressor decides the digests of compressed layers.
package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// OSVersion is the os.version of a base whose options name none: a build of
// Windows Server 2022.
const OSVersion = "10.0.20348.4171"

// created is when every sample says it was made.
var created = time.Date(2026, 8, 11, 3, 4, 5, 0, time.UTC)

// Options shape a base. The zero value gives one like Nano Server 2022's: one
// gzip'ed layer in the Docker family, user ContainerUser, command cmd.exe.
type Options struct {
	OSVersion   string   // default OSVersion
	NoOSVersion bool     // leave os.version out, as the HostProcess base does
	OSFeatures  []string // os.features, such as win32k
	// OS and Architecture default to windows and amd64; other values make images
	// that are not to be used as a base.
	OS, Architecture string
	// User defaults to ContainerUser. NoUser leaves it empty, as Server Core does.
	User            string
	NoUser          bool
	Env             []string
	Entrypoint, Cmd []string // Cmd defaults to cmd.exe, unless Entrypoint is given
	ArgsEscaped     bool
	// ExtraConfig adds keys to the config: top-level ones by their name, those of
	// its "config" object as "config.NAME".
	ExtraConfig map[string]any
	// Layers is the number of layers, at least 1. All after the first are small
	// updates on top of it.
	Layers int
	// Folders are more top-level folders of C: for the first layer to hold.
	Folders []string
	// Padding is how many incompressible bytes the first layer holds on top of
	// its few KB. They are kept in memory.
	Padding      int64
	OCI          bool // media types of the OCI family instead of Docker's
	Uncompressed bool // plain tar layers
	// Mislabel says gzip in the media type of layers that are plain tars.
	Mislabel bool
	Foreign  bool // the first layer is a foreign one, with a URL
	// NoMediaType leaves the manifest's mediaType out, which OCI allows.
	NoMediaType bool
}

// Image returns the base that o describes. It fails only when ExtraConfig holds
// what JSON cannot express.
func Image(o Options) (v1.Image, error) {
	o = defaults(o)
	img := &image{mediaType: manifestType(o.OCI), blobs: map[v1.Hash]*blob{}}
	var layers []v1.Descriptor
	var diffIDs []v1.Hash
	for i := range o.Layers {
		b, err := makeLayer(o, i)
		if err != nil {
			return nil, fmt.Errorf("make layer %d of a sample base: %w", i, err)
		}
		img.blobs[b.desc.Digest] = b
		layers = append(layers, b.desc)
		diffIDs = append(diffIDs, b.diffID)
	}
	var err error
	if img.config, err = configJSON(o, diffIDs); err != nil {
		return nil, fmt.Errorf("make the config of a sample base: %w", err)
	}
	if img.manifest, err = manifestJSON(o, img, layers); err != nil {
		return nil, fmt.Errorf("make the manifest of a sample base: %w", err)
	}
	return partial.CompressedToImage(img)
}

func defaults(o Options) Options {
	if o.OSVersion == "" {
		o.OSVersion = OSVersion
	}
	if o.OS == "" {
		o.OS = "windows"
	}
	if o.Architecture == "" {
		o.Architecture = "amd64"
	}
	if o.User == "" && !o.NoUser {
		o.User = "ContainerUser"
	}
	if o.Cmd == nil && o.Entrypoint == nil {
		o.Cmd = []string{`c:\windows\system32\cmd.exe`}
	}
	o.Layers = max(o.Layers, 1)
	return o
}

func manifestJSON(o Options, img *image, layers []v1.Descriptor) ([]byte, error) {
	hash, size, err := v1.SHA256(bytes.NewReader(img.config))
	if err != nil {
		return nil, err
	}
	config := types.DockerConfigJSON
	if o.OCI {
		config = types.OCIConfigJSON
	}
	m := v1.Manifest{
		SchemaVersion: 2,
		MediaType:     img.mediaType,
		Config:        v1.Descriptor{MediaType: config, Size: size, Digest: hash},
		Layers:        layers,
	}
	if o.NoMediaType {
		m.MediaType = ""
	}
	return json.Marshal(m)
}

func manifestType(oci bool) types.MediaType {
	if oci {
		return types.OCIManifestSchema1
	}
	return types.DockerManifestSchema2
}
