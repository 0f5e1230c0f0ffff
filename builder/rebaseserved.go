package builder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/layers"
)

// served is an image of any tool, read as far as another base needs it.
type served struct {
	Existing
	manifest, config *object
	settings         *object // "config" of the config
	layers           []json.RawMessage
	descriptors      []descriptor // what is read of layers
	diffIDs          []v1.Hash
	history          []json.RawMessage
	platform         *entryPlatform
	created          string
}

// readServed reads an image. It refuses what is none.
func readServed(e Existing) (*served, error) {
	s := &served{Existing: e}
	if err := s.readManifest(); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	if err := s.readConfig(); err != nil {
		return nil, fmt.Errorf("read the config: %w", err)
	}
	if len(s.diffIDs) != len(s.layers) {
		return nil, fmt.Errorf("its config names %d layers, its manifest %d", len(s.diffIDs), len(s.layers))
	}
	return s, nil
}

func (s *served) readManifest() error {
	var m struct {
		MediaType types.MediaType   `json:"mediaType"`
		Layers    []json.RawMessage `json:"layers"`
	}
	var err error
	if s.manifest, err = readDocument(s.Manifest, &m); err != nil {
		return err
	}
	if _, err := v1.ParseManifest(bytes.NewReader(s.Manifest)); err != nil {
		return err
	}
	if m.MediaType != "" {
		s.MediaType = m.MediaType
	}
	if s.MediaType == "" {
		s.MediaType = types.OCIManifestSchema1
	}
	if !s.MediaType.IsImage() || !isNull(s.manifest.get("manifests")) {
		return fmt.Errorf("it is no image of one platform: its media type is %q", s.MediaType)
	}
	s.layers = m.Layers
	for i, raw := range s.layers {
		var d descriptor
		if err := json.Unmarshal(raw, &d); err != nil {
			return fmt.Errorf("read layer %d: %w", i, err)
		}
		if d.Digest.Hex == "" || d.Size < 0 {
			return fmt.Errorf("layer %d has no digest or no size", i)
		}
		s.descriptors = append(s.descriptors, d)
	}
	return nil
}

func (s *served) readConfig() error {
	var c struct {
		Created string `json:"created"`
		RootFS  struct {
			DiffIDs []v1.Hash `json:"diff_ids"`
		} `json:"rootfs"`
		History []json.RawMessage `json:"history"`
	}
	var err error
	if s.config, err = readDocument(s.Config, &c); err != nil {
		return err
	}
	if _, err := v1.ParseConfigFile(bytes.NewReader(s.Config)); err != nil {
		return err
	}
	if s.settings, err = parseObject(s.config.get("config")); err != nil {
		return fmt.Errorf("read \"config\": %w", err)
	}
	if s.platform, err = readPlatform(s.Config); err != nil {
		return err
	}
	s.created, s.diffIDs, s.history = c.Created, c.RootFS.DiffIDs, c.History
	for i, id := range s.diffIDs {
		if id.Hex == "" {
			return fmt.Errorf("diff_id %d is empty", i)
		}
	}
	return nil
}

// readDocument reads a JSON object twice: its members as they are, and into v.
func readDocument(raw []byte, v any) (*object, error) {
	if err := layers.CheckJSON(raw); err != nil {
		return nil, err
	}
	if isNull(raw) {
		return nil, errors.New("there is none")
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, err
	}
	return parseObject(raw)
}

func (s *served) isOCI() bool { return isOCI(s.MediaType) }

// isLayer says whether layer i of both images is the same: the same blob, or the
// same content compressed by somebody else.
func (s *served) isLayer(o *served, i int) bool {
	return s.descriptors[i].Digest == o.descriptors[i].Digest || s.diffIDs[i] == o.diffIDs[i]
}

// begins says whether the layers of an image are the first of another one.
func (s *served) begins(o *served) bool {
	if len(s.layers) > len(o.layers) {
		return false
	}
	for i := range s.layers {
		if !s.isLayer(o, i) {
			return false
		}
	}
	return true
}

// newCreated returns when the new image was made.
func (x *rebasing) newCreated() string {
	if x.request.Clock.Known {
		return x.request.Clock.Created().Format(time.RFC3339)
	}
	own, err := time.Parse(time.RFC3339, x.own.created)
	if err != nil {
		return x.next.created
	}
	if next, err := time.Parse(time.RFC3339, x.next.created); err == nil && next.After(own) {
		return x.next.created
	}
	return x.own.created
}

// elsewhere stands for a layer that stays where it is.
type elsewhere struct {
	descriptor v1.Descriptor
	diffID     v1.Hash
}

var _ v1.Layer = elsewhere{}

func (l elsewhere) Digest() (v1.Hash, error)             { return l.descriptor.Digest, nil }
func (l elsewhere) DiffID() (v1.Hash, error)             { return l.diffID, nil }
func (l elsewhere) Size() (int64, error)                 { return l.descriptor.Size, nil }
func (l elsewhere) MediaType() (types.MediaType, error)  { return l.descriptor.MediaType, nil }
func (l elsewhere) Compressed() (io.ReadCloser, error)   { return nil, l.unread() }
func (l elsewhere) Uncompressed() (io.ReadCloser, error) { return nil, l.unread() }
func (l elsewhere) unread() error {
	return fmt.Errorf("the layer %s of the old image was not read", l.descriptor.Digest)
}
