//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// errMoved says that somebody else wrote a tag at the same time.
var errMoved = errors.New("somebody else writes the same tag")

// writeTag has a tag name a manifest with all artifacts, in one step, where it named
// before until then; the zero value for nothing. It fails with errMoved if the tag
// names something else before or after that, and with an [ImmutableError] where it may
// not move.
func writeTag(ctx context.Context, repo *distribution.Repository, subject v1.Hash, suffix string, all []artifact, before v1.Hash) error {
	manifest, config, err := assemble(all)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.stored {
			continue
		}
		if err := upload(ctx, repo, a.content); err != nil {
			return err
		}
	}
	if err := upload(ctx, repo, config); err != nil {
		return err
	}
	tag := tagName(subject, suffix)
	if held, err := repo.Head(ctx, tag); err != nil {
		return err
	} else if held.Digest != before {
		return errMoved
	}
	if err := repo.PutManifest(ctx, tag, manifest, types.OCIManifestSchema1); err != nil {
		return explainImmutable(repo, tag, before != v1.Hash{}, err)
	}
	return stands(ctx, repo, tag, manifest, before)
}

// stands fails with errMoved unless the tag names the manifest.
func stands(ctx context.Context, repo *distribution.Repository, tag string, manifest []byte, before v1.Hash) error {
	put, err := describe(manifest, types.OCIManifestSchema1, nil)
	if err != nil {
		return err
	}
	held, err := repo.HeadAfter(ctx, tag, before)
	if err == nil && held.Digest != put.Digest {
		err = errMoved
	}
	return err
}

// assemble returns the manifest and the config of an image with the artifacts as its
// layers, byte for byte as cosign assembles it.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#storage
func assemble(all []artifact) (manifest, config []byte, err error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	added := make([]mutate.Addendum, 0, len(all))
	for _, a := range all {
		added = append(added, mutate.Addendum{Layer: static.NewLayer(a.content, a.desc.MediaType), Annotations: a.desc.Annotations})
	}
	if image, err = mutate.Append(image, added...); err != nil {
		return nil, nil, err
	}
	if config, err = image.RawConfigFile(); err != nil {
		return nil, nil, err
	}
	if manifest, err = image.RawManifest(); err == nil && len(manifest) > distribution.MaxDocument {
		err = fmt.Errorf("the manifest with %d signatures has %d bytes, and registries take %d MiB; delete old ones", len(all), len(manifest), distribution.MaxDocument>>20)
	}
	return manifest, config, err
}

// upload puts a blob into the repository unless that has it.
func upload(ctx context.Context, repo *distribution.Repository, content []byte) error {
	d, err := describe(content, "", nil)
	if err != nil {
		return err
	}
	if has, err := repo.HasBlob(ctx, d.Digest); err != nil || has {
		return err
	}
	return repo.Upload(ctx, nil, d.Digest, distribution.NewBody(d.Size, func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	}))
}
