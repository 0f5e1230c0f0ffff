package base

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// List is a list of images, such as of one application for several platforms.
type List struct {
	Name      string // what the user asked for, written out
	Digest    v1.Hash
	MediaType types.MediaType
	Raw       []byte // as it was served
}

// ReadList returns the list that ref names, or nil when that is a single image. It
// looks where Resolve does and fails as that does, but asks for none of the images,
// and o.OSVersion does not matter.
func ReadList(ctx context.Context, ref string, o Options) (*List, error) {
	o.OSVersion = ""
	found, err := resolve(ctx, ref, o, wanted{what: o.What, list: true})
	if err != nil {
		return nil, err
	}
	if b := found[0]; b.MediaType.IsIndex() {
		return &List{Name: b.Name, Digest: b.Digest, MediaType: b.MediaType, Raw: b.Manifest}, nil
	}
	return nil, nil
}
