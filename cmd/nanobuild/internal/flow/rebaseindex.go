package flow

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// maxEntries is how many images of an index are read. There are a dozen builds of
// Windows with images.
const maxEntries = 64

// planIndex rebases each image for Windows of an index on its own line. All else stays,
// byte for byte.
func (r *rebaseRun) planIndex(ctx context.Context, t rebaseTarget, repo *distribution.Repository, doc distribution.Document) (*rebasePlan, error) {
	olds, err := r.readEntries(ctx, repo, doc)
	if err != nil {
		return nil, err
	}
	plan := &rebasePlan{current: true}
	with := map[v1.Hash]v1.Image{}
	var children []publish.Child
	for _, old := range olds {
		rebased, err := r.rebaseImage(ctx, old, len(olds) == 1)
		if err != nil {
			return nil, fmt.Errorf("its image for %s: %w", windowsName(old.OSVersion), err)
		}
		child := publish.Child{Image: rebased}
		if child.Suffix, err = r.platformSuffix(ctx, t, repo, old, rebased); err != nil {
			return nil, err
		}
		if err := r.noteEntry(plan, t, old, rebased, child.Suffix); err != nil {
			return nil, err
		}
		with[old.Digest] = rebased
		children = append(children, child)
	}
	raw, err := builder.ReplaceEntries(doc.Content, doc.MediaType, with)
	if err != nil {
		return nil, err
	}
	plan.content = publish.OfIndex(raw, indexType(doc), children)
	if !plan.current {
		plan.replaced = append(plan.replaced, doc.Digest)
	}
	for _, lost := range builder.LostAttestations(doc.Content, raw) {
		plan.changes = append(plan.changes, "without the attestation "+lost.String())
	}
	return plan, nil
}

// noteEntry adds an image of an index to the plan.
func (r *rebaseRun) noteEntry(plan *rebasePlan, t rebaseTarget, old *servedImage, rebased *builder.Rebased, suffix string) error {
	windows := windowsName(old.OSVersion)
	changes := len(plan.changes)
	if err := r.note(plan, t.text+": "+windows, old, rebased); err != nil {
		return err
	}
	if suffix != "" {
		for _, tag := range t.tags(r.RebaseOptions) {
			plan.changes = append(plan.changes, "tagged "+tag+"-"+suffix)
		}
	}
	for i := range plan.changes[changes:] {
		plan.changes[changes+i] = windows + ": " + plan.changes[changes+i]
	}
	plan.current = plan.current && rebased.Current
	return nil
}

// platformSuffix is the end of the tag that an image of an index has of its own, such as
// ltsc2022 where v1-ltsc2022 names the image of the index v1; "" where it has none. Such
// a tag goes with the one of the index: what pulls by it wants the patches too, and the
// new image would have no tag, which is what jobs that clean up remove.
func (r *rebaseRun) platformSuffix(ctx context.Context, t rebaseTarget, repo *distribution.Repository, old *servedImage, rebased *builder.Rebased) (string, error) {
	tag, ok := t.ref.(name.Tag)
	suffix := releaseSuffix(old.OSVersion)
	if !ok || rebased.Current || suffix == "" || suffix != releaseSuffix(osVersionOf(rebased)) {
		return "", nil
	}
	own := tag.TagStr() + "-" + suffix
	if err := publish.ParseTag(own); err != nil {
		return "", nil //nolint:nilerr // no registry has it
	}
	held, err := repo.Head(ctx, own)
	if err != nil || held.Digest != old.Digest {
		return "", err
	}
	return suffix, nil
}

// releaseSuffix is what the tags of an image for a version of Windows end in: the name of
// its release, else its build.
func releaseSuffix(version string) string {
	if v, err := winver.Parse(version); err == nil {
		if release, ok := winver.OfVersion(v); ok {
			return release.Name
		}
	}
	return winver.BuildOf(version)
}

// indexType is the media type that an index states, else that of its family under which
// it was served.
func indexType(doc distribution.Document) types.MediaType {
	var stated struct{ MediaType types.MediaType }
	if err := json.Unmarshal(doc.Content, &stated); err != nil || stated.MediaType == "" {
		return cmp.Or(doc.MediaType, types.OCIImageIndex)
	}
	return stated.MediaType
}

// readEntries reads the images for Windows of an index, each once.
func (r *rebaseRun) readEntries(ctx context.Context, repo *distribution.Repository, doc distribution.Document) ([]*servedImage, error) {
	list, err := v1.ParseIndexManifest(bytes.NewReader(doc.Content))
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", doc.Digest, err)
	}
	seen := map[v1.Hash]bool{}
	var found []*servedImage
	for _, d := range list.Manifests {
		if d.MediaType.IsIndex() {
			return nil, errNested
		}
		if seen[d.Digest] || !mayBeWindows(d) {
			continue
		}
		if seen[d.Digest] = true; len(seen) > maxEntries {
			return nil, fmt.Errorf("index %s has more than %d images that may be for Windows; name them by their digests, with -t", doc.Digest, maxEntries)
		}
		one, err := r.readEntry(ctx, repo, d)
		if foreign := (*foreignError)(nil); errors.As(err, &foreign) && d.Platform == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	if len(found) == 0 {
		return nil, &foreignError{"an index without images for Windows"}
	}
	return found, nil
}

func (r *rebaseRun) readEntry(ctx context.Context, repo *distribution.Repository, d v1.Descriptor) (*servedImage, error) {
	doc, err := repo.Manifest(ctx, d.Digest.String())
	if distribution.NotFound.In(err) {
		return nil, fmt.Errorf("its image %s is gone, so no host can run it; publish the image again: %w", d.Digest, err)
	}
	if err != nil {
		return nil, err
	}
	isIndex, err := kindOf(doc)
	if err != nil {
		return nil, err
	}
	if isIndex {
		return nil, errNested
	}
	if doc.MediaType == "" {
		doc.MediaType = d.MediaType
	}
	return r.readImage(ctx, repo, doc)
}

// mayBeWindows tells whether an entry is for Windows, or does not say what it is for.
func mayBeWindows(d v1.Descriptor) bool {
	if d.MediaType != "" && !d.MediaType.IsImage() || d.Annotations["vnd.docker.reference.type"] != "" {
		return false
	}
	return d.Platform == nil || strings.EqualFold(d.Platform.OS, "windows")
}
