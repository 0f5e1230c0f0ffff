package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// InspectOptions say which image is looked at.
type InspectOptions struct {
	Image     string // a reference, oci:DIR[:tag] or tar:FILE
	OSVersion string // picks one of several Windows builds
	NetworkOptions
}

// Inspection is what an image is. Its JSON is what scripts read: fields may be
// added to it, and none is renamed.
type Inspection struct {
	Image     string            `json:"image"`
	Digest    string            `json:"digest"`
	Index     string            `json:"index,omitempty"`
	MediaType string            `json:"mediaType"`
	Platform  v1.Platform       `json:"platform"`
	Created   time.Time         `json:"created"`
	Windows   *WindowsOfImage   `json:"windows,omitempty"`
	RunsOn    []HostOfImage     `json:"runsOn,omitempty"` // hosts, the servers first, each with the newest first
	DotNet    *DotNetOfImage    `json:"dotnet,omitempty"`
	Base      BaseOfImage       `json:"base"`
	Config    json.RawMessage   `json:"config"`
	Layers    []LayerInspection `json:"layers"`
	Verdict   string            `json:"verdict,omitempty"` // of the image as a whole
	Findings  []string          `json:"findings,omitempty"`
	Settings  v1.Config         `json:"-"`
}

// BaseOfImage is the base that an image says it was built on.
type BaseOfImage struct {
	Name   string `json:"name,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// LayerInspection is one layer. Layers of the base and of other tools are not
// read: they have no lint verdict.
type LayerInspection struct {
	Origin    string   `json:"origin"`
	Digest    string   `json:"digest"`
	DiffID    string   `json:"diffID"`
	MediaType string   `json:"mediaType"`
	Size      int64    `json:"size"`
	Files     int      `json:"files,omitempty"`
	CreatedBy string   `json:"createdBy,omitempty"`
	Verdict   string   `json:"verdict,omitempty"` // "ok", "warnings" or "broken"
	Findings  []string `json:"findings,omitempty"`
}

// otherOrigin is the origin of layers that nanobuild did not make.
const otherOrigin = "base"

const createdByPrefix = "nanobuild: "

// Inspect reads an image from a registry, an OCI layout or a tarball. Layers that
// nanobuild made are read whole and checked.
func Inspect(ctx context.Context, o InspectOptions, d Deps) (found *Inspection, err error) {
	mirrors, err := o.mirrors()
	if err := errors.Join(err, o.check()); err != nil {
		return nil, at(StageUsage, err)
	}
	image, err := base.Resolve(ctx, o.Image, base.Options{
		What: "image", Remote: newRegistries(o.open(d), d.Keychain), Mirrors: mirrors, OSVersion: o.OSVersion, Log: d.Log,
	})
	if err != nil {
		return nil, at(StageBase, err)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(image.Config))
	if err != nil {
		return nil, at(StageBase, fmt.Errorf("read the config of %s: %w", image.Name, err))
	}
	temp, err := newTempDir(d.TempRoot)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	found = describe(image, config)
	checked := &checker{image: image, config: config, dir: temp.path, seen: map[checkedKey]lint.Report{}}
	if err := checked.layers(found); err != nil {
		return nil, at(StageBase, fmt.Errorf("read the layers of %s: %w", image.Name, err))
	}
	now := d.Now()
	found.Windows, found.RunsOn = windowsOf(found.Platform, now)
	found.DotNet = dotnetOf(config.Config, checked.programs, now)
	return found, checked.whole(found)
}

func describe(image *base.Base, config *v1.ConfigFile) *Inspection {
	found := &Inspection{
		Image: image.Name, Digest: image.Digest.String(), MediaType: string(image.MediaType),
		Platform: v1.Platform{OS: config.OS, Architecture: config.Architecture, OSVersion: config.OSVersion, OSFeatures: config.OSFeatures},
		Created:  config.Created.Time, Config: image.Config, Settings: config.Config,
		Base: BaseOfImage{
			Name:   config.Config.Labels["org.opencontainers.image.base.name"],
			Digest: config.Config.Labels["org.opencontainers.image.base.digest"],
		},
	}
	if image.Index != nil {
		found.Index = image.Index.String()
	}
	return found
}

// ourOrigin reads the origin of a layer from its history entry.
func ourOrigin(createdBy string) (layers.Origin, bool) {
	text, ok := strings.CutPrefix(createdBy, createdByPrefix)
	text, layer := strings.CutSuffix(text, " layer")
	origin := layers.Origin(text)
	return origin, ok && layer && slices.Contains(layers.Origins(), origin)
}

// clockOf is the clock a layer was made with, as its history tells: 1970 stands
// for none.
func clockOf(h v1.History) layers.Clock {
	seconds := h.Created.Unix()
	return layers.Clock{Seconds: seconds, Known: seconds > 0}
}

func verdict(r lint.Report) (string, []string) {
	lines := make([]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		lines = append(lines, f.String())
	}
	switch {
	case !r.OK():
		return "broken", lines
	case len(lines) > 0:
		return "warnings", lines
	}
	return "ok", nil
}
