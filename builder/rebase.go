package builder

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
)

// Existing is an image as it was served.
type Existing struct {
	Digest           v1.Hash
	MediaType        types.MediaType // under which the manifest was served; what it states itself counts for more
	Manifest, Config []byte
}

// RebaseRequest says which image is put onto which base.
type RebaseRequest struct {
	Image Existing
	// OldBase is the base that the image was built on. It may be nil where nobody
	// has that any more: then the settings of the image all stay as they are.
	OldBase *Existing
	New     *base.Base
	// Clock is the new image's creation time. When it is not known that is the
	// later of the old image's and the new base's.
	Clock layers.Clock
	// BaseName is recorded as the name of the new base. When it is empty that is
	// New.Name, or the recorded name stays where New.Name is a path.
	BaseName string
	// AllowOtherBuild lets the new base be of another build of Windows than the
	// image: it runs on other hosts then.
	AllowOtherBuild bool
	// Foreign makes ordinary layers of the new base's foreign ones, which are then
	// pushed like all others. An image that has those of its old base as ordinary
	// ones gets them so in any case.
	Foreign bool
	// Layer returns what stands for a layer of the application in the new image.
	// Optional: without it, the bytes of these layers cannot be read.
	Layer func(v1.Descriptor) v1.Layer
}

// Rebased is an image that was put onto another base.
type Rebased struct {
	written

	Changes  []string // what differs from the old image, such as "os.version 10.0.20348.1 -> 10.0.20348.2"
	Warnings []string // complete sentences for the user
	// Current says that the image was on this base already: it is the old one,
	// byte for byte.
	Current bool
}

var _ v1.Image = (*Rebased)(nil)

// Rebase puts the application of an image onto another base: the layers of the
// old base are replaced by those of the new one, the layers behind them and their
// history stay. A setting that is the old base's takes the value that the new
// base has for it, also if that is none; all others stay, as do keys that nobody
// knows. Variables, ports, volumes and labels are settings of their own each.
// The command is one setting: a new base never adds arguments to a program of the
// application. The user stays where the new base's is an administrator and the
// image's is none, with a warning. What the image says of its base is updated; if it says nothing,
// annotations are added, or labels in Docker's family.
//
// The family is a setting as well. In Docker's family there are no annotations,
// so an image whose base is unknown never moves there from OCI's; nor does one
// with a layer that Docker's has no type for.
//
// Subject and artifactType of the manifest stay: they say what the image belongs
// to and what it is, and neither depends on the base.
//
// It fails with an *UnknownBaseError when it cannot tell which layers are the old
// base's, and with an *InputError when the new base is for another platform.
func Rebase(r RebaseRequest) (*Rebased, error) {
	own, err := readServed(r.Image)
	if err != nil {
		return nil, fmt.Errorf("read the image: %w", err)
	}
	next, err := readServed(Existing{r.New.Digest, r.New.MediaType, r.New.Manifest, r.New.Config})
	if err != nil {
		return nil, fmt.Errorf("read the base %s: %w", r.New.Name, err)
	}
	if len(r.New.Layers) != len(next.layers) {
		return nil, fmt.Errorf("read the base %s: its manifest has %d layers, %d were found", r.New.Name, len(next.layers), len(r.New.Layers))
	}
	x := &rebasing{request: r, own: own, next: next}
	if r.OldBase != nil {
		if x.old, err = readServed(*r.OldBase); err != nil {
			return nil, fmt.Errorf("read the old base: %w", err)
		}
	}
	if err := x.platforms(); err != nil {
		return nil, err
	}
	if err := x.split(); err != nil {
		return nil, err
	}
	if x.isCurrent() {
		return x.unchanged()
	}
	return x.write()
}

// rebasing is one image on its way to another base.
type rebasing struct {
	request    RebaseRequest
	own, next  *served
	old        *served           // nil if nobody has it
	baseLayers int               // how many of the image's layers are the old base's
	history    []json.RawMessage // of the layers behind them
	created    string            // RFC 3339; "" if nobody says
	oci        bool
	warnings   []string
}

// write makes the new image.
func (x *rebasing) write() (*Rebased, error) {
	x.created = x.newCreated()
	x.oci = x.family()
	x.tellHosts()
	layers, err := x.descriptors()
	if err != nil {
		return nil, err
	}
	notes, err := x.annotations()
	if err != nil {
		return nil, fmt.Errorf("edit the annotations of the image: %w", err)
	}
	out := &Rebased{}
	out.mediaType, _ = manifestTypes(x.oci)
	if out.config, err = x.config(); err != nil {
		return nil, fmt.Errorf("edit the config of the image: %w", err)
	}
	if out.manifest, err = x.manifest(out.config, layers, notes); err != nil {
		return nil, fmt.Errorf("edit the manifest of the image: %w", err)
	}
	if err := x.join(out, x.request.New.Layers); err != nil {
		return nil, err
	}
	if out.Changes, err = x.changes(out); err != nil {
		return nil, err
	}
	if x.old == nil {
		x.warnings = append(x.warnings, "The base that the image was built on is gone, so all settings stay as they are, "+
			"also those that came from it. Name a copy of it with --old-base, or build the image again.")
	}
	out.Warnings = x.warnings
	return out, nil
}

// unchanged is the old image.
func (x *rebasing) unchanged() (*Rebased, error) {
	out := &Rebased{Current: true}
	out.manifest, out.config, out.mediaType = x.own.Manifest, x.own.Config, x.own.MediaType
	return out, x.join(out, x.request.New.Layers)
}

// join gives the image its layers.
func (x *rebasing) join(out *Rebased, base []v1.Layer) error {
	m, err := v1.ParseManifest(bytes.NewReader(out.manifest))
	if err != nil {
		return fmt.Errorf("read the new manifest: %w", err)
	}
	var rest []v1.Layer
	for i, d := range m.Layers[len(base):] {
		var l v1.Layer = elsewhere{d, x.own.diffIDs[x.baseLayers+i]}
		if x.request.Layer != nil {
			l = x.request.Layer(d)
		}
		rest = append(rest, l)
	}
	return out.join(base, rest)
}
