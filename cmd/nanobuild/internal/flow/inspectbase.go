package flow

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// AgeOfBase compares the base of an image with the one that a reference names now,
// of the same build of Windows.
type AgeOfBase struct {
	Reference string  `json:"reference"`
	Version   string  `json:"version,omitempty"` // its os.version
	Digest    string  `json:"digest,omitempty"`
	State     BaseAge `json:"state,omitempty"`
	// Behind is how many versions of this build its repository has that are newer
	// than the image's, up to Version. It is missing where the tags do not tell.
	Behind  int    `json:"behind,omitempty"`
	Problem string `json:"problem,omitempty"` // why nothing more is known
}

// BaseAge is how the Windows of an image and that of a base differ.
type BaseAge string

// The ages.
const (
	BaseCurrent BaseAge = "current"
	BaseBehind  BaseAge = "behind"  // the base has newer patches
	BaseAhead   BaseAge = "ahead"   // the image has newer patches
	BaseRebuilt BaseAge = "rebuilt" // same Windows, but another base than the image says
)

// ageTimeout bounds how long a registry is asked about a base that nobody named.
const ageTimeout = 10 * time.Second

// ageOf compares the image with against. Without that it asks for what the image
// says of its base, which may fail, and only where the answer needs no trust in the
// image: a label must not send requests to any host it likes.
func (r *imageReader) ageOf(ctx context.Context, image *base.Base, recorded BaseOfImage, against string) (*AgeOfBase, error) {
	if against != "" {
		return r.compare(ctx, image, recorded, base.Expand(against))
	}
	ref, ok := knownLine(image, recorded.Name)
	if !ok {
		return nil, nil //nolint:nilnil // there is nothing to compare with
	}
	limited, cancel := context.WithTimeout(ctx, ageTimeout)
	defer cancel()
	age, err := r.compare(limited, image, recorded, ref)
	if err != nil {
		return &AgeOfBase{Reference: ref, Problem: err.Error()}, ctx.Err()
	}
	return age, nil
}

// knownLine is where the newest base is found of those that an image says it is
// on, if that is in Microsoft's registry or the image's own.
func knownLine(image *base.Base, recorded string) (string, bool) {
	if image.Repository == nil || recorded == "" {
		return "", false
	}
	line, err := base.Line(recorded, image.OSVersion)
	if err != nil {
		return "", false
	}
	ref, err := name.ParseReference(line)
	if err != nil {
		return "", false
	}
	host := ref.Context().RegistryStr()
	return line, host == "mcr.microsoft.com" || host == image.Repository.RegistryStr()
}

// compare resolves ref and tells how the image's Windows differs from the newest
// image of the same build there.
func (r *imageReader) compare(ctx context.Context, image *base.Base, recorded BaseOfImage, ref string) (*AgeOfBase, error) {
	all, err := base.ResolveAll(ctx, ref, r.options("", ""))
	if err != nil {
		return nil, err
	}
	found := ofBuild(all, image.OSVersion)
	if found == nil {
		return nil, fmt.Errorf("compare %s with %s: that holds Windows %s, and the image is Windows %s; name a base of the same build with --against",
			image.Name, all[0].Name, offered(all), orNoVersion(image.OSVersion))
	}
	age := &AgeOfBase{Reference: found.Name, Version: found.OSVersion, Digest: found.Digest.String()}
	switch c := winver.Compare(image.OSVersion, found.OSVersion); {
	case recorded.Digest == age.Digest, found.Index != nil && recorded.Digest == found.Index.String():
		age.State = BaseCurrent
	case image.OSVersion == "" || found.OSVersion == "": // nothing can be compared
	case c < 0:
		age.State = BaseBehind
		age.Behind = r.updates(ctx, found, image.OSVersion)
	case c > 0:
		age.State = BaseAhead
	case recorded.Digest != "":
		age.State = BaseRebuilt
	default:
		age.State = BaseCurrent
	}
	return age, nil
}

// updates counts the versions of a build that the repository of a base has tags of,
// behind from and up to the base's own: that is how Microsoft tags. It returns 0
// unless both are among them, since else some may be missing.
func (r *imageReader) updates(ctx context.Context, newest *base.Base, from string) int {
	first, errFirst := winver.Parse(from)
	last, errLast := winver.Parse(newest.OSVersion)
	if newest.Repository == nil || errFirst != nil || errLast != nil || !first.SameBuild(last) {
		return 0
	}
	prefix := fmt.Sprintf("%d.%d.%d.", first.Major, first.Minor, first.Build)
	tags, err := r.registries.repository(*newest.Repository).Tags(ctx, func(tag string) bool { return strings.HasPrefix(tag, prefix) })
	if err != nil {
		r.log.Debug(fmt.Sprintf("how many updates %s has is not known: %v", newest.Name, err))
		return 0
	}
	revisions := map[uint32]bool{}
	for _, tag := range tags {
		revision, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(tag, prefix), "-amd64"), 10, 32)
		if v := uint32(revision); err == nil && first.Revision <= v && v <= last.Revision {
			revisions[v] = true
		}
	}
	if !revisions[first.Revision] || !revisions[last.Revision] {
		return 0
	}
	return len(revisions) - 1
}
