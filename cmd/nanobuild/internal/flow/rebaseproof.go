package flow

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
)

// microsofts is the registry whose images anybody may read.
const microsofts = "mcr.microsoft.com/"

// unproven refuses a base that nobody but the image names, where the base that it says
// it was built on was not found. The run may be able to read what the image's owner may
// not, and an image can name anything: the layers of the newest base would be copied to
// where its owner reads them. An image that begins with the layers of a base was built
// by somebody who had that.
func (r *rebaseRun) unproven(record builder.BaseRecord, was *base.Base, version string) error {
	if r.Base != "" || was != nil {
		return nil
	}
	line, err := base.Line(record.Name, version)
	if err != nil || strings.HasPrefix(line, microsofts) {
		return nil //nolint:nilerr // nextBase reports it
	}
	return &builder.UnknownBaseError{
		Problem: fmt.Sprintf("The image says that it was built on %s, but nothing shows it: the digest of its base is not recorded, or not there any more.", builder.Printable(record.Name)),
		Try:     "Name the new base with --base, or a copy of the old one with --old-base.",
	}
}

// recordedBases are where a base that an image names is looked for. What is remembered
// of a digest does not tell which repositories have it, and that is what counts for
// those that not everybody may read.
func (r *rebaseRun) recordedBases(ref string) *bases {
	if strings.HasPrefix(ref, microsofts) {
		return r.bases
	}
	return r.asked
}

// isReference tells whether what an image records as its base can be one in a registry.
func isReference(recorded string) bool {
	_, err := name.ParseReference(base.Expand(recorded))
	return err == nil
}
