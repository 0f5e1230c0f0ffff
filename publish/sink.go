// Package publish writes finished images to where people fetch them: a registry,
// an OCI layout or a tarball. Every place is a [Sink]; [Prepare] fills
// several at once, and [Prepared.Commit] moves tags when all of them hold everything.
//
// Formats: https://github.com/opencontainers/distribution-spec and
// https://github.com/opencontainers/image-spec (image-layout.md).
package publish

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Sink is a place that takes images and indexes. Layers come first, in any order and several
// at a time; then Stage, then Commit. Until Commit nothing that readers follow
// changes, so a run that ends early leaves the place as it was, spare blobs aside.
type Sink interface {
	// Name says where the image goes: "ghcr.io/acme/app", "oci:DIR", "tar:FILE".
	Name() string
	// Check tells whether the place can be reached and written to, without
	// leaving anything behind.
	Check(ctx context.Context) error
	// Holds tells whether nothing is to be done for the content, because all tags
	// name it already, those of an index's images too, and what it names is there.
	// Then it returns what Commit would return, else "". It needs no bytes of the
	// layers and changes nothing. A place that cannot tell, or is written anew each
	// time, says "".
	Holds(ctx context.Context, c Content, tags []string) (ref string, err error)
	// Has tells whether the blob is there, whole.
	Has(ctx context.Context, blob v1.Hash) (bool, error)
	// PutLayer brings one layer. Its bytes are opened only if they must be sent,
	// read once without being held in memory, and checked against the layer's
	// digest and size. What is there already is kept.
	PutLayer(ctx context.Context, layer v1.Layer) (Put, error)
	// Stage brings configs, manifests and the index, in this order and still under
	// no tag. The layers must be there.
	Stage(ctx context.Context, c Content) (Put, error)
	// Commit moves the tags to the content, and those of an index's images to these,
	// staging all of it if that was not done. It returns "repo@sha256:…",
	// "oci:DIR@sha256:…" or "tar:FILE@sha256:…". A second Commit of the same content
	// changes nothing. Where some tags moved and others did not, the error is a
	// [TagError].
	Commit(ctx context.Context, c Content, tags []string) (string, error)
	// Close gives up what was staged and not committed, with its temporary files.
	// A closed sink can be used again.
	Close() error
}

// Put says what became of one blob.
type Put struct {
	How   How
	Bytes int64 // body bytes sent or written, repeated tries included
}

// How a blob got to its place.
type How int

// The ways, in the order of [How.String]'s words.
const (
	Uploaded How = iota + 1 // sent to a registry
	Mounted                 // taken from another repository of the same registry, nothing sent
	Exists                  // was there
	Skipped                 // a foreign layer, which stays where its URLs point
	Written                 // written to a file
	Deferred                // will be written by Stage, in its order
)

// String returns the word that progress lines show.
func (h How) String() string {
	words := [...]string{"", "uploaded", "mounted", "exists", "skipped", "written", "deferred"}
	if h < 1 || int(h) >= len(words) {
		return fmt.Sprintf("How(%d)", int(h))
	}
	return words[h]
}

// foreign tells whether the layer is one that its licence kept out of registries:
// it has URLs instead, and is not sent unless the user asks for it.
func foreign(l v1.Layer) (bool, error) {
	mt, err := l.MediaType()
	if err != nil {
		return false, fmt.Errorf("read the media type of a layer: %w", err)
	}
	return isForeign(mt), nil
}

// isForeign tells whether layers of the type are foreign. The library leaves one type
// out: https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
func isForeign(mt types.MediaType) bool {
	return !mt.IsDistributable() || mt == "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
}
