package flow

import (
	"bytes"
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// ListInspection is what an index of several images is. Its JSON is what scripts
// read, as that of Inspection.
type ListInspection struct {
	Image     string        `json:"image"`
	Digest    string        `json:"digest"`
	MediaType string        `json:"mediaType"`
	Entries   []EntryOfList `json:"entries"`
	Verdict   string        `json:"verdict"` // whether every host finds its image
	Findings  []string      `json:"findings,omitempty"`
}

// EntryOfList is one entry of an index, as the index has it.
type EntryOfList struct {
	Digest    string            `json:"digest"`
	MediaType string            `json:"mediaType"`
	Platform  *v1.Platform      `json:"platform,omitempty"`
	Attests   string            `json:"attests,omitempty"` // digest of the image whose provenance or contents it tells
	Windows   *WindowsOfImage   `json:"windows,omitempty"`
	RunsOn    []HostOfImage     `json:"runsOn,omitempty"`
	Notes     map[string]string `json:"annotations,omitempty"`
}

// InspectList reads the index that o.Image names. It returns nil when that is a
// single image or an index of one, and when o.OSVersion picks an image of it:
// Inspect then tells more.
func InspectList(ctx context.Context, o InspectOptions, d Deps) (*ListInspection, error) {
	reader, err := o.reader(d)
	if err != nil || o.OSVersion != "" {
		return nil, err
	}
	list, err := base.ReadList(ctx, o.Image, reader.options("image", ""))
	if err != nil {
		return nil, at(StageBase, err)
	}
	if list == nil {
		return nil, nil //nolint:nilnil // it is an image
	}
	found, err := describeList(list, d)
	return found, at(StageBase, err)
}

func describeList(list *base.List, d Deps) (*ListInspection, error) {
	index, err := parseIndex(list.Raw)
	if err != nil {
		return nil, fmt.Errorf("read the index %s: %w", list.Name, err)
	}
	found := &ListInspection{Image: list.Name, Digest: list.Digest.String(), MediaType: string(list.MediaType)}
	images, now := 0, d.Now()
	for _, m := range index.Manifests {
		e := EntryOfList{
			Digest: m.Digest.String(), MediaType: string(m.MediaType), Platform: m.Platform,
			Attests: m.Annotations["vnd.docker.reference.digest"], Notes: m.Annotations,
		}
		if e.Attests == "" {
			images++
		}
		if m.Platform != nil {
			e.Windows, e.RunsOn = windowsOf(*m.Platform, now)
		}
		found.Entries = append(found.Entries, e)
	}
	if images < 2 {
		return nil, nil //nolint:nilnil // the only image tells more
	}
	found.Verdict, found.Findings = verdict(lint.Index(list.Raw, nil))
	return found, nil
}

func parseIndex(raw []byte) (*v1.IndexManifest, error) {
	if err := layers.CheckJSON(raw); err != nil {
		return nil, err
	}
	return v1.ParseIndexManifest(bytes.NewReader(raw))
}
