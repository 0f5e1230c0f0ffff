package layers

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// RecordError says that the record of a layer is wrong: packing its files gives
// another blob. The layer has the right digest and size from then on.
type RecordError struct {
	Origin           Origin
	DiffID           v1.Hash
	Recorded, Packed Blob
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("the record of the %s layer is wrong: it says %s, %d bytes, for %s, but packing gives %s, %d bytes",
		e.Origin, e.Recorded.Digest, e.Recorded.Size, e.DiffID, e.Packed.Digest, e.Packed.Size)
}

// NameError says that the input cannot become an image: a name that Windows
// refuses, two names it takes for one, a link out of the folder, a special
// file, a file that is too large, a folder that belongs to the base image.
type NameError struct {
	Path   string // the file or folder, as the user knows it
	Reason string // why it is refused
	Remedy string // what to do about it
}

func (e *NameError) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	b.WriteString(": ")
	b.WriteString(e.Reason)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}
