package builder

import (
	"encoding/json"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
)

// assembly joins one base, the spec and our layers.
type assembly struct {
	spec        *Spec
	base        *base.Base
	config      baseConfig
	oci         bool
	descriptors []json.RawMessage // of the base's layers, in the image's family
}

// write writes the config and the manifest of an image whose layers are made. It
// returns complete sentences for the user.
func (a *assembly) write(img *Image, ours []*layers.Layer) ([]string, error) {
	edit, warnings := a.edit()
	descriptors := slices.Clone(a.descriptors)
	rest := make([]v1.Layer, 0, len(ours))
	for _, l := range ours {
		d, id, err := describe(l)
		if err != nil {
			return nil, err
		}
		raw, err := encode(d)
		if err != nil {
			return nil, err
		}
		descriptors = append(descriptors, raw)
		edit.diffIDs = append(edit.diffIDs, id)
		edit.history = append(edit.history, layerHistory(l.Origin(), a.spec.Compression, edit.created))
		rest = append(rest, l)
	}
	var repaired []string
	var err error
	if img.config, repaired, err = editConfig(a.base.Config, edit); err != nil {
		return nil, err
	}
	if img.manifest, err = writeManifest(img.config, descriptors, a.annotations(), a.oci); err != nil {
		return nil, err
	}
	img.mediaType, _ = manifestTypes(a.oci)
	return slices.Concat(a.config.warnings, warnings, repaired), img.join(a.base.Layers, rest)
}

// edit decides what depends on the base: variables, ports and user.
func (a *assembly) edit() (configEdit, []string) {
	s := a.spec
	e := configEdit{
		created: s.Clock.Created().Format(time.RFC3339),
		entry:   s.Entry, workDir: s.WorkDir, ports: s.Ports, user: s.User,
		env:        mergeEnv(readEnv(a.config.Config.Env), s.Env),
		labels:     toMap(baseLabels(s.Generate, a.base), s.Labels),
		baseLayers: len(a.descriptors),
	}
	if s.Web == nil || s.Entry.KeepCmd {
		return e, nil // what the base starts, such as IIS, has an address of its own
	}
	args := a.args()
	added, ports, warnings := s.Web.address(e.env, args, s.Ports)
	e.env, e.ports = mergeEnv(e.env, added), ports
	user := s.User
	if user == "" {
		user = a.config.Config.User
	}
	return e, append(warnings, s.Web.certificateWarning(e.env, args, user)...)
}

// args returns the arguments that the program starts with.
func (a *assembly) args() []string {
	argv := slices.Clone(a.spec.Entry.Entrypoint)
	if a.spec.Entry.KeepEntrypoint {
		argv = slices.Clone(a.config.Config.Entrypoint)
	}
	if a.spec.Entry.KeepCmd {
		argv = append(argv, a.config.Config.Cmd...)
	} else {
		argv = append(argv, a.spec.Entry.Cmd...)
	}
	if len(argv) == 0 {
		return nil
	}
	return argv[1:]
}

func (a *assembly) annotations() map[string]string {
	if !a.oci {
		return nil
	}
	return toMap(baseAnnotations(baseLabels(a.spec.Generate, a.base)), a.spec.Annotations)
}

// describe returns the descriptor and the diffID of a layer of ours.
func describe(l *layers.Layer) (descriptor, v1.Hash, error) {
	blob, err := l.Blob()
	if err != nil {
		return descriptor{}, v1.Hash{}, err
	}
	id, err := l.DiffID()
	if err != nil {
		return descriptor{}, v1.Hash{}, err
	}
	mediaType, err := l.MediaType()
	return descriptor{mediaType, blob.Size, blob.Digest}, id, err
}
