package builder

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// UnknownBaseError says that it cannot be told which layers of an image are its
// base's.
type UnknownBaseError struct {
	Problem string // a complete sentence
	Try     string // what to do, a complete sentence; "" is to name the old base with --old-base
}

// Error returns the problem and what to do about it.
func (e *UnknownBaseError) Error() string {
	return e.Problem + " " + or(e.Try, "Name the base that the image was built on with --old-base.")
}

// platforms refuses a base for another platform than the image's.
func (x *rebasing) platforms() error {
	own, next := x.own.platform, x.next.platform
	if !strings.EqualFold(own.OS, "windows") {
		return input("Leave it out.", "The image is for %s, not for Windows.", own.hosts())
	}
	if own.OS != next.OS || own.Architecture != next.Architecture {
		return input("Name a base for the image's platform with --base.",
			"The image is for %s, the base %s for %s.", own.hosts(), x.request.New.Name, next.hosts())
	}
	version := x.version()
	if winver.BuildOf(version) != winver.BuildOf(next.OSVersion) && !x.request.AllowOtherBuild {
		return input("Name a base of the image's build with --base; that flag moves a single image to another build too.",
			"The image is for %s, the base %s for %s: the image would run on other hosts.",
			windowsName(version), x.request.New.Name, windowsName(next.OSVersion))
	}
	return nil
}

// version is the image's os.version. Some tools lose it: then the old base, or
// what Microsoft's history says, knows it.
func (x *rebasing) version() string {
	version := x.own.platform.OSVersion
	switch {
	case version != "":
		return version
	case x.old != nil:
		return x.old.platform.OSVersion
	}
	for _, raw := range x.own.history {
		by := createdBy(raw)
		if !isMicrosofts(by) {
			break
		}
		if v := by[strings.LastIndex(by, " ")+1:]; isVersion(v) {
			version = v
		}
	}
	return version
}

func isVersion(s string) bool {
	_, err := winver.Parse(s)
	return err == nil
}

// windowsName names the Windows that an image is for.
func windowsName(version string) string {
	if version == "" {
		return "a Windows of no known version"
	}
	return "Windows " + Printable(version)
}

// hosts names the hosts that an image is for.
func (p *entryPlatform) hosts() string { return Printable(p.OS + "/" + p.Architecture) }

// tellHosts warns where the image is for other hosts from now on.
func (x *rebasing) tellHosts() {
	from, to := x.version(), x.next.platform.OSVersion
	if winver.BuildOf(from) != winver.BuildOf(to) {
		x.warnings = append(x.warnings, fmt.Sprintf("The image was for %s and is for %s now, so it runs on other hosts.", windowsName(from), windowsName(to)))
	}
}

// split finds out which layers and which history are the old base's.
func (x *rebasing) split() error {
	switch {
	case x.old == nil:
		return x.splitByHistory()
	case !x.old.begins(x.own):
		return &UnknownBaseError{Problem: fmt.Sprintf("The layers of the old base %s are not the first layers of the image.", x.old.Digest)}
	}
	x.baseLayers = len(x.old.layers)
	steps, _, err := repairHistory(x.old.history, x.baseLayers, "", "base")
	if err != nil {
		return fmt.Errorf("read the history of the old base: %w", err)
	}
	if sameSteps(steps, x.own.history) {
		x.history = x.own.history[len(steps):]
		return nil
	}
	return x.cutHistory()
}

// cutHistory finds the history behind the base's where it does not begin with
// the base's own. One that does not count the layers is cut so that most of its
// end stays.
func (x *rebasing) cutHistory() error {
	full, err := layersOf(x.own.history)
	if err != nil {
		return fmt.Errorf("read the history of the image: %w", err)
	}
	app := len(x.own.layers) - x.baseLayers
	switch {
	case app == 0 && len(full) > 0:
		x.history = x.own.history[full[len(full)-1]+1:]
	case app == 0 || len(full) == 0:
		x.history = nil
	case len(full) == len(x.own.layers):
		x.history = x.own.history[afterLayer(full, x.baseLayers):]
	default:
		x.history = x.own.history[full[max(0, len(full)-app)]:]
	}
	return nil
}

// afterLayer returns where the history goes on behind its first n layers.
func afterLayer(full []int, n int) int {
	if n == 0 {
		return 0
	}
	return full[n-1] + 1
}

// splitByHistory is split where nobody has the old base any more. A new base
// whose layers are there already is not looked for: the old one may have had more.
func (x *rebasing) splitByHistory() error {
	full, err := layersOf(x.own.history)
	if err != nil {
		return fmt.Errorf("read the history of the image: %w", err)
	}
	if len(full) != len(x.own.layers) {
		return &UnknownBaseError{Problem: fmt.Sprintf("The image has %d layers, and its history tells of %d.", len(x.own.layers), len(full))}
	}
	for i, at := range full {
		if isOurs(createdBy(x.own.history[at])) && i > 0 {
			x.baseLayers, x.history = i, x.own.history[at:]
			return nil
		}
	}
	n := countMicrosofts(x.own.history, full)
	if n == 0 {
		return &UnknownBaseError{Problem: "The history of the image does not say which of its layers are the base's."}
	}
	next, err := layersOf(x.next.history)
	if err != nil {
		return fmt.Errorf("read the history of the new base: %w", err)
	}
	if countMicrosofts(x.next.history, next) != len(x.next.layers) {
		return &UnknownBaseError{Problem: "The new base is more than Windows, and the history of the image does not say which of its layers were the same in the old one."}
	}
	x.baseLayers, x.history = n, x.own.history[afterLayer(full, n):]
	return nil
}

// countMicrosofts counts the layers of Windows itself at the beginning of a history,
// whose entries with a layer are those of full.
func countMicrosofts(history []json.RawMessage, full []int) int {
	n := 0
	for n < len(full) && isMicrosofts(createdBy(history[full[n]])) {
		n++
	}
	return n
}

// sameSteps says whether a history begins with the steps of another one. Their
// times may be written differently.
func sameSteps(first, all []json.RawMessage) bool {
	if len(first) > len(all) {
		return false
	}
	for i := range first {
		if stepOf(first[i]) != stepOf(all[i]) {
			return false
		}
	}
	return true
}

// step is what a history entry says, but for its time.
type step struct {
	CreatedBy string `json:"created_by"`
	Comment   string `json:"comment"`
	Empty     bool   `json:"empty_layer"`
}

func stepOf(raw json.RawMessage) step {
	var s step
	if json.Unmarshal(raw, &s) != nil {
		return step{}
	}
	return s
}

func createdBy(raw json.RawMessage) string { return stepOf(raw).CreatedBy }

// isOurs says whether a layer of an application of ours was made so.
func isOurs(createdBy string) bool {
	return strings.HasPrefix(createdBy, ourStep) && strings.HasSuffix(createdBy, ourStepEnd)
}

// isMicrosofts says whether a layer of Windows itself was made so, as the bases
// of Microsoft have it: one layer of a release, and often one of its patches.
func isMicrosofts(createdBy string) bool {
	return strings.HasPrefix(createdBy, "Apply image ") || strings.HasPrefix(createdBy, "Install update ")
}

// isCurrent says whether the image is on the new base already.
func (x *rebasing) isCurrent() bool {
	own, next := x.own, x.next
	if x.baseLayers != len(next.layers) || own.platform.OSVersion != next.platform.OSVersion ||
		!slices.Equal(own.platform.OSFeatures, next.platform.OSFeatures) {
		return false
	}
	for i := range next.layers {
		if own.descriptors[i].Digest != next.descriptors[i].Digest {
			return false
		}
	}
	// Some tools record the list that they took the base from.
	switch said := x.recorded().Digest; {
	case said == next.Digest || x.request.New.Index != nil && said == *x.request.New.Index:
		return true
	case said != (v1.Hash{}):
		return false
	}
	return x.old == nil || x.old.Digest == next.Digest
}
