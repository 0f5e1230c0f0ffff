// Package engines picks images from indexes as container engines on Windows do.
package engines

import (
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Containerd returns the entry that containerd, and what stands on it, takes for a
// platform such as windows/amd64 10.0.20348.4171; false where it finds none. Which
// match is decided by containerd's own package; the best of those is the first by the
// text of os.version, from the end of the alphabet
// (https://github.com/containerd/containerd/blob/v2.1.0/core/images/image.go, Manifest;
// https://github.com/containerd/platforms/blob/v1.0.0-rc.5/platform_windows_compat.go, Less).
func Containerd(host v1.Platform, entries []v1.Descriptor) (v1.Descriptor, bool) {
	matcher := platforms.NewMatcher(toSpec(host))
	var matching []v1.Descriptor
	for _, d := range entries {
		if d.Platform != nil && matcher.Match(toSpec(*d.Platform)) {
			matching = append(matching, d)
		}
	}
	slices.SortStableFunc(matching, func(a, b v1.Descriptor) int {
		return strings.Compare(b.Platform.OSVersion, a.Platform.OSVersion)
	})
	return first(matching)
}

func toSpec(p v1.Platform) specs.Platform {
	return specs.Platform{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures,
	}
}

// Dockerd returns the entry that dockerd takes without containerd's image store: it
// leaves out those for another platform and those of a build newer than the host's,
// puts those of the host's build first, and takes the first
// (https://github.com/moby/moby/blob/v28.0.0/distribution/pull_v2_windows.go).
func Dockerd(host v1.Platform, entries []v1.Descriptor) (v1.Descriptor, bool) {
	var own, older []v1.Descriptor
	for _, d := range entries {
		p := d.Platform
		switch {
		case p == nil || p.OS != host.OS || p.Architecture != host.Architecture || build(p.OSVersion) > build(host.OSVersion):
		case build(p.OSVersion) == build(host.OSVersion):
			own = append(own, d)
		default:
			older = append(older, d)
		}
	}
	return first(append(own, older...))
}

func first(all []v1.Descriptor) (v1.Descriptor, bool) {
	if len(all) == 0 {
		return v1.Descriptor{}, false
	}
	return all[0], true
}

// build is the third number of a version, 0 where there is none.
func build(osVersion string) int {
	parts := strings.Split(osVersion, ".")
	if len(parts) < 3 {
		return 0
	}
	n, err := strconv.Atoi(parts[2])
	if err != nil {
		return 0
	}
	return n
}
