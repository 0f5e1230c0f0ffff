package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// InspectOptions say which image is looked at.
type InspectOptions struct {
	Image     string // a reference, oci:DIR[:tag] or tar:FILE
	OSVersion string // picks one of several Windows builds
	// Against is the base whose age is told: a short name or a reference; "" is the
	// one that the image names, where that can be read.
	Against string
	NetworkOptions
}

// Inspection is what an image is. Its JSON is what scripts read: fields may be
// added to it, and none is renamed.
type Inspection struct {
	Image      string            `json:"image"`
	Digest     string            `json:"digest"`
	Index      string            `json:"index,omitempty"`
	MediaType  string            `json:"mediaType"`
	Platform   v1.Platform       `json:"platform"`
	Created    time.Time         `json:"created"`
	Windows    *WindowsOfImage   `json:"windows,omitempty"`
	RunsOn     []HostOfImage     `json:"runsOn,omitempty"` // hosts, the servers first, each with the newest first
	DotNet     *DotNetOfImage    `json:"dotnet,omitempty"`
	Base       BaseOfImage       `json:"base"`
	Config     json.RawMessage   `json:"config"`
	Layers     []LayerInspection `json:"layers"`
	Verdict    string            `json:"verdict,omitempty"` // of the image as a whole
	Findings   []string          `json:"findings,omitempty"`
	Duplicates *Duplicates       `json:"duplicates,omitempty"` // bytes that the image holds more than once
	Settings   v1.Config         `json:"-"`
}

// BaseOfImage is the base that an image says it was built on.
type BaseOfImage struct {
	Name   string     `json:"name,omitempty"`
	Digest string     `json:"digest,omitempty"`
	Age    *AgeOfBase `json:"age,omitempty"` // missing where there is nothing to compare with
}

// LayerInspection is one layer. Layers of the base are not read: they have no
// verdicts.
type LayerInspection struct {
	Origin    string `json:"origin"`
	Digest    string `json:"digest"`
	DiffID    string `json:"diffID"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	Files     int    `json:"files,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"`
	// Verdict holds the layer to the format that nanobuild writes, and Importer to
	// what Windows needs alone: "ok", "warnings" or "broken".
	Verdict          string   `json:"verdict,omitempty"`
	Findings         []string `json:"findings,omitempty"`
	Importer         string   `json:"importer,omitempty"`
	ImporterFindings []string `json:"importerFindings,omitempty"`
}

// Inspect reads an image from a registry, an OCI layout or a tarball. Layers on
// its base are read whole and checked.
func Inspect(ctx context.Context, o InspectOptions, d Deps) (*Inspection, error) {
	reader, err := o.reader(d)
	if err != nil {
		return nil, err
	}
	image, err := base.Resolve(ctx, o.Image, reader.options("image", o.OSVersion))
	if err != nil {
		return nil, at(StageBase, err)
	}
	config, err := parsedConfig(image)
	if err != nil {
		return nil, at(StageBase, err)
	}
	found, err := examine(image, config, ground{}, d)
	if err != nil {
		return nil, err
	}
	if found.Base.Age, err = reader.ageOf(ctx, image, found.Base, o.Against); err != nil {
		return nil, at(StageBase, err)
	}
	return found, nil
}

func parsedConfig(image *base.Base) (*v1.ConfigFile, error) {
	config, err := v1.ParseConfigFile(bytes.NewReader(image.Config))
	if err != nil {
		return nil, fmt.Errorf("read the config of %s: %w", image.Name, err)
	}
	return config, nil
}

// examine reads the layers on the base of an image, and tells all that the image itself
// tells. What is known of its base counts more than that.
func examine(image *base.Base, config *v1.ConfigFile, on ground, d Deps) (found *Inspection, err error) {
	temp, err := newTempDir(d.TempRoot)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	found = describe(image, config)
	checked := &checker{image: image, config: config, on: on, dir: temp.path, seen: map[checkedKey]layerReports{}}
	if err := checked.layers(found); err != nil {
		return nil, at(StageBase, fmt.Errorf("read the layers of %s: %w", image.Name, err))
	}
	now := d.Now()
	found.Windows, found.RunsOn = windowsOf(found.Platform, now)
	found.DotNet = dotnetOf(on.settings(config.Config), checked.programs, now)
	found.Duplicates = checked.copies.report(found.Layers)
	return found, checked.whole(found)
}

// imageReader reads images and bases for one inspection.
type imageReader struct {
	registries *registries
	mirrors    []base.Mirror
	log        *slog.Logger
}

func (o InspectOptions) reader(d Deps) (*imageReader, error) {
	mirrors, err := o.mirrors()
	if err := errors.Join(err, o.check(), base.CheckOSVersion(o.OSVersion)); err != nil {
		return nil, at(StageUsage, err)
	}
	return &imageReader{newRegistries(o.open(d), d.Keychain), mirrors, d.Log}, nil
}

func (r *imageReader) options(what, osVersion string) base.Options {
	return base.Options{What: what, Remote: r.registries, Mirrors: r.mirrors, OSVersion: osVersion, Log: r.log}
}

func describe(image *base.Base, config *v1.ConfigFile) *Inspection {
	recorded := builder.RecordedBase(image.Manifest, image.Config)
	found := &Inspection{
		Image: image.Name, Digest: image.Digest.String(), MediaType: string(image.MediaType),
		Platform: platformOf(config),
		Created:  config.Created.Time, Config: image.Config, Settings: config.Config,
		Base: BaseOfImage{Name: recorded.Name},
	}
	if recorded.Digest != (v1.Hash{}) {
		found.Base.Digest = recorded.Digest.String()
	}
	if image.Index != nil {
		found.Index = image.Index.String()
	}
	return found
}

func platformOf(config *v1.ConfigFile) v1.Platform {
	return v1.Platform{OS: config.OS, Architecture: config.Architecture, OSVersion: config.OSVersion, OSFeatures: config.OSFeatures}
}

// clockOf is the clock a layer was made with, as its history tells: 1970 stands
// for none.
func clockOf(h v1.History) layers.Clock {
	seconds := h.Created.Unix()
	return layers.Clock{Seconds: seconds, Known: seconds > 0}
}

// lintBroken is the verdict on what Windows would not take.
const lintBroken = "broken"

func verdict(r lint.Report) (string, []string) {
	lines := make([]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		lines = append(lines, f.String())
	}
	switch {
	case !r.OK():
		return lintBroken, lines
	case len(lines) > 0:
		return "warnings", lines
	}
	return "ok", nil
}
