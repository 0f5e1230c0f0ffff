//go:build !nosign

package sign

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// The suffixes of the tags that signatures and attestations lie under.
const (
	suffixSignatures   = "sig"
	suffixAttestations = "att"
)

// The bounds of what is read of one subject: anybody who may push can leave there what
// he likes. An attested SBOM of a large application has some MiB.
const (
	maxArtifacts = 1000         // layers of a tag
	maxBundles   = 200          // bundles of a subject
	maxArtifact  = 64 << 20     // bytes of one
	maxContent   = 2 * 64 << 20 // bytes of all that lie under a tag, or of all bundles
)

// artifact is a signature or an attestation under a tag: a layer, whose descriptor has
// the annotations. Its content is what was signed, or the envelope with the attestation.
type artifact struct {
	desc    v1.Descriptor
	content []byte
	stored  bool // the repository has the content
}

// tagName returns the tag that artifacts of a subject lie under.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery
func tagName(subject v1.Hash, suffix string) string {
	return subject.Algorithm + "-" + subject.Hex + "." + suffix
}

// readTag returns what lies under a tag, and the digest of the manifest that the tag
// names; both are zero where there is none. It fails where there is more than the
// bounds allow, or the tag names something that is no such manifest.
func readTag(ctx context.Context, repo *distribution.Repository, subject v1.Hash, suffix string) (found []artifact, at v1.Hash, err error) {
	tag := tagName(subject, suffix)
	doc, err := repo.Manifest(ctx, tag)
	if distribution.NotFound.In(err) {
		return nil, v1.Hash{}, nil
	}
	if err != nil {
		return nil, v1.Hash{}, err
	}
	layers, err := layersIn(doc.Content)
	if err == nil {
		found, err = readLayers(ctx, repo, layers)
	}
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("read the tag %s of %s: %w", tag, repo.Name(), err)
	}
	return found, doc.Digest, nil
}

func readLayers(ctx context.Context, repo *distribution.Repository, layers []v1.Descriptor) ([]artifact, error) {
	all := make([]artifact, 0, len(layers))
	left := int64(maxContent)
	for _, d := range layers {
		if left -= d.Size; left < 0 {
			return nil, errTooMuch
		}
		content, err := readBlob(ctx, repo, d)
		if err != nil {
			return nil, err
		}
		all = append(all, artifact{desc: d, content: content, stored: true})
	}
	return all, nil
}

var errTooMuch = fmt.Errorf("all that is there has more than %d MiB, the most that is read", maxContent>>20)

// readBlob returns a blob as it was described.
func readBlob(ctx context.Context, repo *distribution.Repository, d v1.Descriptor) (content []byte, err error) {
	if d.Size > maxArtifact {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d MiB that are read", d.Digest, d.Size, maxArtifact>>20)
	}
	err = distribution.Intact(func() error {
		blob, err := repo.Blob(ctx, v1.Descriptor{Digest: d.Digest, Size: d.Size}) // without its URLs, which lead elsewhere
		if err != nil {
			return err
		}
		defer blob.Close()
		content, err = io.ReadAll(blob)
		return err
	})
	return content, err
}

// layersIn reads the manifest of a tag.
func layersIn(manifest []byte) ([]v1.Descriptor, error) {
	m, err := parseManifest(manifest)
	if err != nil {
		return nil, err
	}
	if len(m.Layers) > maxArtifacts {
		return nil, fmt.Errorf("it has %d layers, more than the %d that are read", len(m.Layers), maxArtifacts)
	}
	return m.Layers, nil
}

var errNoManifest = errors.New("it is no image manifest")
