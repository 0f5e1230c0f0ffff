//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

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
	_, config, err := assemble(all, nil)
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
	// HEAD would not do: for it, a 403 is nothing, too.
	doc, err := repo.Manifest(ctx, tag)
	if err != nil && !distribution.NotFound.In(err) {
		return explainHidden(err)
	}
	if doc.Digest != before {
		return errMoved
	}
	manifest, err := succeed(doc.Content, all)
	if err != nil {
		return err
	}
	if err := repo.PutManifest(ctx, tag, manifest, types.OCIManifestSchema1); err != nil {
		return explainImmutable(repo, tag, before != v1.Hash{}, err)
	}
	return stands(ctx, repo, tag, manifest, before)
}

// explainHidden adds to the error of a tag that may not be read what that means for
// writing it. Some registries answer so for what is not there, and nobody can tell.
func explainHidden(err error) error {
	var failed *distribution.Error
	var status *distribution.StatusError
	if !errors.As(err, &failed) || !errors.As(err, &status) || status.Status != http.StatusForbidden {
		return err
	}
	told := *failed
	told.Try = "what lies there would be lost if it were written anew: give the credentials the right to pull, too, or sign with --sign-format bundle, which needs no such tag where the registry lists referrers"
	return &told
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

// succeed returns the manifest that takes the place of an old one, nil for none, whose
// annotations are somebody else's and stay.
func succeed(old []byte, all []artifact) (manifest []byte, err error) {
	var annotations map[string]string
	if old != nil {
		m, err := parseManifest(old)
		if err != nil {
			return nil, err
		}
		annotations = m.Annotations
	}
	manifest, _, err = assemble(all, annotations)
	return manifest, err
}

// assemble returns the manifest and the config of an image with the artifacts as its
// layers, byte for byte as cosign assembles it. The annotations are the manifest's.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#storage
func assemble(all []artifact, annotations map[string]string) (manifest, config []byte, err error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	added := make([]mutate.Addendum, 0, len(all))
	for _, a := range all {
		added = append(added, mutate.Addendum{Layer: static.NewLayer(a.content, a.desc.MediaType), Annotations: a.desc.Annotations})
	}
	if image, err = mutate.Append(image, added...); err != nil {
		return nil, nil, err
	}
	if len(annotations) > 0 {
		if changed, ok := mutate.Annotations(image, annotations).(v1.Image); ok {
			image = changed
		}
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
