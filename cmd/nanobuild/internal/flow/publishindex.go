package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish"
)

// allBases stands for Nano Server of every release that has images, as a base.
const allBases = "all"

// everyBase lists them, the newest first. Nano Server of 2016 has no support.
func everyBase() []string { return []string{"ltsc2025", "ltsc2022", "ltsc2019"} }

// setUpIndex reads what the user asks about several Windows versions.
func (r *run) setUpIndex() error {
	var all []string
	for _, ref := range r.Bases {
		if ref == allBases {
			r.everyBase = true
			all = append(all, everyBase()...)
		} else {
			all = append(all, ref)
		}
	}
	r.Bases = uniqueBases(all)
	if r.OSVersion != "" && r.Index {
		return errors.New("--os-version picks one build and --index takes all of them: leave one out")
	}
	if r.OSVersion != "" && len(r.Bases) > 1 {
		return errors.New("--os-version picks one build and several --base name more: leave one out")
	}
	if r.IntoIndex == "" {
		return nil
	}
	return r.setUpIntoIndex()
}

// uniqueBases leaves out what is named twice.
func uniqueBases(refs []string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, ref := range refs {
		if full := base.Expand(ref); !seen[full] {
			seen[full] = true
			kept = append(kept, ref)
		}
	}
	return kept
}

// setUpIntoIndex makes the index's repository and tag the target.
func (r *run) setUpIntoIndex() error {
	ref, err := name.NewTag(r.IntoIndex, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("--into-index %s: %w; name the tag of an index, such as ghcr.io/acme/app:v1", r.IntoIndex, err)
	}
	t := &r.Targets
	switch {
	case t.Repo != "" || len(t.Tags) > 0:
		return errors.New("--into-index names repository and tag: leave --repo and --tag out")
	case len(t.Layouts)+len(t.Tarballs) > 0 || t.NoPush:
		return errors.New("--into-index changes an index in a registry: leave --oci-layout, --tarball and --push=false out")
	case len(r.Projects) > 1:
		return errors.New("--into-index takes the images of one project")
	}
	t.Repo, t.Tags = ref.Context().Name(), []string{ref.TagStr()}
	return nil
}

// joined is the index that images are put into, as it was found before they were made.
type joined struct {
	once   sync.Once
	format string  // "" where there is none yet
	digest v1.Hash // zero where there is none yet
	err    error
}

// indexFormat returns the format of the index that images are put into, which is read
// once, beside dotnet; "" where there is none.
func (r *run) indexFormat(ctx context.Context) (string, error) {
	if r.IntoIndex == "" {
		return "", nil
	}
	r.joined.once.Do(func() { r.joined.err = r.readIndex(ctx) })
	return r.joined.format, r.joined.err
}

func (r *run) readIndex(ctx context.Context) error {
	ref, err := name.NewTag(r.IntoIndex)
	if err != nil {
		return at(StageUsage, err)
	}
	found, err := newRegistries(r.network, r.keychainFor(ref.RegistryStr())).Manifest(ctx, ref)
	if errors.Is(err, base.ErrNotFound) {
		r.Log.Info(fmt.Sprintf("%s does not exist yet: a new index is made", ref))
		return nil
	}
	if err != nil {
		return at(StagePush, fmt.Errorf("read the index %s: %w", ref, err))
	}
	if _, _, err := builder.MergeIndex(found.Raw, found.MediaType, nil); err != nil {
		return at(StageUsage, fmt.Errorf("--into-index %s: %w", ref, err))
	}
	r.joined.format, r.joined.digest = builder.FormatOf(found.Raw, found.MediaType), found.Digest
	return nil
}

// joinIndex lets the images be of the family of the index that they are put into:
// one that mixes both is refused by some registries and engines.
func (r *run) joinIndex(ctx context.Context, p *project) error {
	format, err := r.indexFormat(ctx)
	if err != nil || format == "" {
		return err
	}
	if asked := p.spec.Format; asked != "" && asked != format {
		return at(StageUsage, fmt.Errorf("the index %s has the format %s, and --format asks for %s: leave that out", r.IntoIndex, format, asked))
	}
	spec := *p.spec
	spec.Format = format
	p.spec = &spec
	return nil
}

// contentOf is what the project's tags will name, and those tags: its image, an index
// of several, or those put into the index that a tag names then.
func (r *run) contentOf(p *project) (publish.Content, []string, error) {
	images := make([]v1.Image, 0, len(p.result.Images))
	children := make([]publish.Child, 0, len(p.result.Images))
	for _, img := range p.result.Images {
		images = append(images, img)
		children = append(children, publish.Child{Image: img, Suffix: r.suffix(img.Base)})
	}
	switch {
	case r.IntoIndex != "":
		return publish.OfMerge(children, func(current []byte, mt types.MediaType) ([]byte, types.MediaType, error) {
			merged, mt, err := builder.MergeIndex(current, mt, images)
			for _, lost := range builder.LostAttestations(current, merged) {
				r.warn(fmt.Sprintf("%s: %s is left out: it attests something of an image that is replaced", r.IntoIndex, lost))
			}
			return merged, mt, err
		}).Onto(r.joined.digest), p.goal.tags, nil
	case len(images) == 1:
		return publish.OfImage(images[0]), withSuffix(p.goal.tags, children[0].Suffix), nil
	}
	mt, err := images[0].MediaType()
	if err != nil {
		return publish.Content{}, nil, err
	}
	raw, mt, err := builder.WriteIndex(images, mt == types.OCIManifestSchema1)
	return publish.OfIndex(raw, mt, children), p.goal.tags, err
}

// suffix is what the tags of one image of an index end in.
func (r *run) suffix(b *base.Base) string {
	if !r.PlatformTags {
		return ""
	}
	return releaseSuffix(b.OSVersion)
}

// withSuffix adds to the tags of a single image those with its Windows version.
func withSuffix(tags []string, suffix string) []string {
	if suffix == "" {
		return tags
	}
	all := slices.Clone(tags)
	for _, t := range tags {
		if more := t + "-" + suffix; !slices.Contains(all, more) {
			all = append(all, more)
		}
	}
	return all
}
