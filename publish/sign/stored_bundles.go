//go:build !nosign

package sign

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// The types of bundles and the annotations of their manifests.
//
// https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
const (
	bundleType          = types.MediaType("application/vnd.dev.sigstore.bundle.v0.3+json")
	bundleTypePrefix    = "application/vnd.dev.sigstore.bundle"
	annotationContent   = "dev.sigstore.bundle.content"
	annotationPredicate = "dev.sigstore.bundle.predicateType"
	contentEnvelope     = "dsse-envelope"
)

// bundle is a sigstore bundle that refers to a subject.
type bundle struct {
	entry   v1.Descriptor // of its manifest, in the list of referrers
	content []byte        // JSON
}

// readBundles returns the bundles that refer to a subject. What else refers to it is
// left out. It fails where there are more than the bounds allow.
func readBundles(ctx context.Context, repo *distribution.Repository, subject v1.Hash) ([]bundle, error) {
	entries, err := listBundles(ctx, repo, subject)
	if err != nil {
		return nil, err
	}
	return loadBundles(ctx, repo, subject, entries)
}

// loadBundles reads those bundles that entries stand for.
func loadBundles(ctx context.Context, repo *distribution.Repository, subject v1.Hash, entries []v1.Descriptor) ([]bundle, error) {
	if len(entries) > maxBundles {
		return nil, fmt.Errorf("%s@%s has %d referrers that may be bundles, more than the %d that are read; delete those from the registry that nobody needs any more", repo.Name(), subject, len(entries), maxBundles)
	}
	refs, missing, err := findBundles(ctx, repo, subject, entries)
	if err == nil && len(missing) > 0 {
		// Some machines of a registry see late what it got; lists also name what was deleted.
		var late []bundleRef
		late, _, err = findBundles(ctx, repo, subject, missing)
		refs = append(refs, late...)
	}
	if err != nil {
		return nil, err
	}
	all := make([]bundle, 0, len(refs))
	left := int64(maxContent)
	for _, ref := range refs {
		if left -= ref.layer.Size; left < 0 {
			return nil, fmt.Errorf("read the bundles of %s@%s: %w", repo.Name(), subject, errTooMuch)
		}
		content, err := readBlob(ctx, repo, ref.layer)
		if err != nil {
			return nil, fmt.Errorf("read the bundle %s of %s@%s: %w", ref.entry.Digest, repo.Name(), subject, err)
		}
		all = append(all, bundle{entry: ref.entry, content: content})
	}
	return all, nil
}

// bundleRef is a manifest with a bundle.
type bundleRef struct {
	entry v1.Descriptor // of the manifest, in the list of referrers
	layer v1.Descriptor
}

// listBundles returns what may be a bundle of what refers to a subject.
func listBundles(ctx context.Context, repo *distribution.Repository, subject v1.Hash) ([]v1.Descriptor, error) {
	entries, err := repo.ListReferrers(ctx, subject)
	return slices.DeleteFunc(entries, func(d v1.Descriptor) bool { return !mayBeBundle(d) }), err
}

// findBundles reads the manifests of entries, and returns those of bundles, and the
// entries whose manifests are not there.
func findBundles(ctx context.Context, repo *distribution.Repository, subject v1.Hash, entries []v1.Descriptor) (refs []bundleRef, missing []v1.Descriptor, err error) {
	for _, d := range entries {
		doc, err := repo.Manifest(ctx, d.Digest.String())
		if distribution.NotFound.In(err) {
			missing = append(missing, d)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if ref, ok := bundleIn(doc.Content, d, subject); ok {
			refs = append(refs, ref)
		}
	}
	return refs, missing, nil
}

// hasBundle tells whether a bundle refers to a subject.
func hasBundle(ctx context.Context, repo *distribution.Repository, subject v1.Hash) (bool, error) {
	entries, err := listBundles(ctx, repo, subject)
	if err != nil {
		return false, err
	}
	for _, d := range entries {
		if refs, _, err := findBundles(ctx, repo, subject, []v1.Descriptor{d}); err != nil || len(refs) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// mayBeBundle tells whether a manifest must be read to know. Registries name the type
// of the config where they know no artifactType, which is that of an empty one here.
func mayBeBundle(d v1.Descriptor) bool {
	_, annotated := d.Annotations[annotationContent]
	return d.MediaType.IsImage() && (annotated || isBundle(d.ArtifactType) || d.ArtifactType == "" ||
		d.ArtifactType == emptyType || d.ArtifactType == string(types.OCIConfigJSON))
}

func isBundle(mt string) bool { return strings.HasPrefix(mt, bundleTypePrefix) }

// bundleIn reads the manifest of an entry; ok is false where it is of something else,
// or refers to something else than the list says.
func bundleIn(manifest []byte, entry v1.Descriptor, subject v1.Hash) (ref bundleRef, ok bool) {
	m, err := parseManifest(manifest)
	if err != nil || m.Subject == nil || m.Subject.Digest != subject || len(m.Layers) != 1 || !isBundle(string(m.Layers[0].MediaType)) {
		return bundleRef{}, false
	}
	return bundleRef{entry: entry, layer: m.Layers[0]}, true
}
