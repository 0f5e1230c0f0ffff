package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// servedImage is an image as a repository has it: all that is read of it.
type servedImage struct {
	builder.Existing
	OSVersion string
	layers    []v1.Hash // in order
	diffIDs   []v1.Hash
	blobs     []v1.Hash // its config too
}

// kindOf tells whether a document is an index. One that could be read as an image and
// as an index is refused: readers would disagree on it (CVE-2021-41190).
func kindOf(doc distribution.Document) (isIndex bool, err error) {
	if err := layers.CheckJSON(doc.Content); err != nil {
		return false, fmt.Errorf("read manifest %s: %w", doc.Digest, err)
	}
	var shape struct{ Manifests, Layers, Config json.RawMessage }
	if err := json.Unmarshal(doc.Content, &shape); err != nil {
		return false, fmt.Errorf("read manifest %s: %w", doc.Digest, err)
	}
	if shape.Manifests != nil && (shape.Layers != nil || shape.Config != nil) {
		return false, fmt.Errorf("document %s is an image and an index at once; push it anew with the tool that made it", doc.Digest)
	}
	return shape.Manifests != nil, nil
}

// readImage reads the config of an image.
func (r *rebaseRun) readImage(ctx context.Context, repo *distribution.Repository, doc distribution.Document) (*servedImage, error) {
	if err := layers.CheckJSON(doc.Content); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", doc.Digest, err)
	}
	m, err := v1.ParseManifest(bytes.NewReader(doc.Content))
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", doc.Digest, err)
	}
	if !m.Config.MediaType.IsConfig() {
		return nil, &foreignError{fmt.Sprintf("an artifact of the type %q", m.Config.MediaType)}
	}
	raw, err := repo.Document(ctx, m.Config)
	if err != nil {
		return nil, err
	}
	one := &servedImage{Existing: builder.Existing{Digest: doc.Digest, MediaType: doc.MediaType, Manifest: doc.Content, Config: raw}}
	for _, l := range m.Layers {
		one.layers = append(one.layers, l.Digest)
		if l.MediaType.IsDistributable() {
			one.blobs = append(one.blobs, l.Digest)
		}
	}
	one.blobs = append(one.blobs, m.Config.Digest)
	return one, one.readConfig()
}

func (s *servedImage) readConfig() error {
	var c struct {
		OS           string
		Architecture string
		OSVersion    string `json:"os.version"`
		RootFS       struct {
			DiffIDs []v1.Hash `json:"diff_ids"`
		}
	}
	if err := layers.CheckJSON(s.Config); err != nil {
		return fmt.Errorf("read the config of %s: %w", s.Digest, err)
	}
	if err := json.Unmarshal(s.Config, &c); err != nil {
		return fmt.Errorf("read the config of %s: %w", s.Digest, err)
	}
	if !strings.EqualFold(c.OS, "windows") {
		return &foreignError{"an image for " + builder.Printable(c.OS+"/"+c.Architecture)}
	}
	if len(c.RootFS.DiffIDs) != len(s.layers) {
		return fmt.Errorf("the config of %s counts %d layers, its manifest %d", s.Digest, len(c.RootFS.DiffIDs), len(s.layers))
	}
	s.OSVersion, s.diffIDs = c.OSVersion, c.RootFS.DiffIDs
	return nil
}

// osVersionOf is the Windows of an image that was just made.
func osVersionOf(image v1.Image) string {
	config, err := image.ConfigFile()
	if err != nil {
		return ""
	}
	return config.OSVersion
}

// windowsName is the name of a version's release, with the version.
func windowsName(version string) string {
	if version == "" {
		return "Windows without a version"
	}
	v, err := winver.ParsePrefix(version)
	shown := builder.Printable(version)
	if err != nil {
		return shown
	}
	if release, ok := winver.OfVersion(v.Version); ok {
		return release.Name + " " + shown
	}
	return shown
}

// moveText says from which Windows an image went to which.
func moveText(from, to string) string {
	switch {
	case from == to:
		return windowsName(from) + ", another image of it"
	case winver.BuildOf(from) == winver.BuildOf(to):
		return windowsName(from) + " -> " + builder.Printable(to)
	}
	return windowsName(from) + " -> " + windowsName(to)
}

// errNested is what an index must not hold to be rebased.
var errNested = errors.New("it holds an index inside an index, and only images can be rebased; rebase the inner one by its digest, with a tag of its own (-t)")
