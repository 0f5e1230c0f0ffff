//go:build !nosign

package sign

import (
	"context"
	"encoding/json"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// emptyType is the type of a config that has nothing in it.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor
const emptyType = "application/vnd.oci.empty.v1+json"

// writeBundle adds a bundle that refers to the subject. Known are the entries of those
// that are there already. It returns its own.
func writeBundle(ctx context.Context, repo *distribution.Repository, s Subject, content []byte, predicateType string, known ...v1.Descriptor) (v1.Descriptor, error) {
	manifest, entry, err := bundleManifest(s, content, predicateType)
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, blob := range [][]byte{[]byte("{}"), content} {
		if err := upload(ctx, repo, blob); err != nil {
			return v1.Descriptor{}, err
		}
	}
	err = repo.PutReferrer(ctx, s.Digest, manifest, entry, known...)
	return entry, explainImmutable(repo, distribution.ReferrersTag(s.Digest), len(known) > 0, err)
}

// bundleManifest returns the manifest of a bundle, and what stands for it in a list of
// referrers. It has no time, so that the same bundle is the same manifest.
//
// https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
func bundleManifest(s Subject, content []byte, predicateType string) ([]byte, v1.Descriptor, error) {
	if s.Size <= 0 || s.MediaType == "" {
		return nil, v1.Descriptor{}, errors.New("size and type of the manifest to sign are not known")
	}
	config, err := describe([]byte("{}"), emptyType, nil)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	layer, err := describe(content, bundleType, nil)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	annotations := map[string]string{annotationContent: contentEnvelope, annotationPredicate: predicateType}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: string(bundleType),
		Config: config, Layers: []v1.Descriptor{layer}, Annotations: annotations,
		Subject: &v1.Descriptor{MediaType: s.MediaType, Size: s.Size, Digest: s.Digest},
	})
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	entry, err := describe(raw, types.OCIManifestSchema1, annotations)
	entry.ArtifactType = string(bundleType)
	return raw, entry, err
}
