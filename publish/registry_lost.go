package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// lostBlobs are those that a registry misses when it gets a manifest; none means
// that it does not say which.
type lostBlobs []string

// blobsLost reads from an error which blobs the registry has not, though it said so
// or took them before: cleanup jobs run at any time. Nil means another error.
func blobsLost(err error) lostBlobs {
	var status *distribution.StatusError
	if !errors.As(err, &status) {
		return nil
	}
	var lost lostBlobs
	for _, d := range status.Errors {
		if d.Code != transport.ManifestBlobUnknownErrorCode && d.Code != transport.BlobUnknownErrorCode {
			continue
		}
		if lost == nil {
			lost = lostBlobs{}
		}
		// https://distribution.github.io/distribution/spec/api/#errors-2
		if detail, ok := d.Detail.(map[string]any); ok {
			if digest, ok := detail["digest"].(string); ok {
				lost = append(lost, digest)
			}
		}
	}
	return lost
}

func (l lostBlobs) has(digest v1.Hash) bool {
	return len(l) == 0 || slices.Contains(l, digest.String())
}

// bringAgain uploads the blobs of the image that are lost, whatever the registry
// says of them.
func (r *Registry) bringAgain(ctx context.Context, img v1.Image, lost lostBlobs) error {
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("read the layers for %s: %w", r.repo, err)
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return fmt.Errorf("read the config for %s: %w", r.repo, err)
	}
	for _, l := range append(layers, config) {
		digest, err := l.Digest()
		if err != nil {
			return fmt.Errorf("push a layer to %s: %w", r.repo, err)
		}
		skip, err := foreign(l)
		if err != nil {
			return err
		}
		if skip && !r.o.Nondistributable || !lost.has(digest) {
			continue
		}
		if _, err := r.upload(ctx, nil, l, digest); err != nil {
			return err
		}
	}
	return nil
}
