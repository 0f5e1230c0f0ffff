package flow

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// windowsMayTake says whether a host with Windows may take an entry of an index for its
// image: those entries are verified. It takes none whose platform names
// another system, as that of BuildKit's attestations does ("unknown"). An empty name
// stands for the host's own system with containerd, and engines look neither at
// annotations nor, all of them, at the media type of an entry.
//
// https://github.com/containerd/platforms/blob/main/database.go
func windowsMayTake(d v1.Descriptor) bool {
	return d.Platform == nil || d.Platform.OS == "" || strings.EqualFold(d.Platform.OS, "windows")
}
