package flow

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// The origins of layers that nanobuild did not make.
const (
	BaseOrigin  = "base"  // of the base image
	OtherOrigin = "other" // of another tool, on the base
)

const createdByPrefix = "nanobuild: "

// ourOrigin reads the origin of a layer from its history entry.
func ourOrigin(createdBy string) (layers.Origin, bool) {
	text, ok := strings.CutPrefix(createdBy, createdByPrefix)
	text, layer := strings.CutSuffix(text, " layer")
	origin := layers.Origin(text)
	return origin, ok && layer && slices.Contains(layers.Origins(), origin)
}

// originsOf tells where each layer comes from, by the history entries that belong
// to the layers. All below the first of ours are the base's. In images of other
// tools they are those up to the last that has one of Windows' own steps, and the
// first in any case: without Windows in it, no layer works.
func originsOf(steps []v1.History) []string {
	origins := make([]string, len(steps))
	onBase := min(1, len(steps))
	for i, h := range steps {
		if isWindowsStep(h.CreatedBy) {
			onBase = i + 1
		}
	}
	if ours := slices.IndexFunc(steps, func(h v1.History) bool { _, ok := ourOrigin(h.CreatedBy); return ok }); ours >= 0 {
		onBase = ours
	}
	for i, h := range steps {
		origins[i] = OtherOrigin
		if origin, ok := ourOrigin(h.CreatedBy); ok {
			origins[i] = string(origin)
		} else if i < onBase {
			origins[i] = BaseOrigin
		}
	}
	return origins
}

// isWindowsStep knows the history of Microsoft's base images, such as "Apply image
// 10.0.20348.4294" and "Install update 10.0.20348.5499":
// https://hub.docker.com/r/microsoft/windows-servercore
func isWindowsStep(createdBy string) bool {
	return strings.HasPrefix(createdBy, "Apply image ") || strings.HasPrefix(createdBy, "Install update ")
}
