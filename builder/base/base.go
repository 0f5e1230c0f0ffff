// Package base finds the Windows base image a build starts from: in a registry,
// an OCI layout or a tarball. Its layers stay where they are.
package base

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Base is a resolved base image of one platform.
type Base struct {
	// Name is what the user asked for, written out: such as
	// "mcr.microsoft.com/windows/nanoserver:ltsc2022" or "oci:dir".
	Name      string
	Digest    v1.Hash         // of the platform's manifest
	Index     *v1.Hash        // of the manifest list that the name led to, if any
	MediaType types.MediaType // of the manifest: Docker or OCI family
	Manifest  []byte          // the manifest as it was served; made up for a docker archive, which has none
	Config    []byte          // the config as it was served
	OSVersion string          // os.version of the config, such as "10.0.20348.4171"; "" in HostProcess bases
	// Layers are the base's layers in order. Their bytes are read from where
	// they live, with the digest checked, only when somebody asks for them. Those
	// of a registry are *remote.MountableLayer; what the registry refuses then is
	// an error like Resolve's, of the same kinds. Their media types, and those of
	// their partial.Descriptor, follow their first bytes where the manifest labels
	// them wrongly, and a warning says so; that is looked at in layouts and
	// archives, and in registries where os.version is missing. All else of the
	// descriptors, URLs of foreign layers included, is the manifest's.
	Layers []v1.Layer
	// Repository is where the blobs live when that is a registry, else nil.
	Repository *name.Repository
	// Folders are the top-level folders of C: that the base's layers hold, in
	// lower case and sorted, when its layers could be read cheaply: all of them in
	// a layout or archive, and none of them compressed and larger than 64 MiB. Else
	// nil, which means "not known".
	Folders []string
	// Warnings are what the user should know about this base.
	Warnings []string
}

// Local says whether the base was read from a layout or an archive, by a path
// that other machines do not know.
func (b *Base) Local() bool {
	place, _ := locate(b.Name)
	return place != inRegistry
}
