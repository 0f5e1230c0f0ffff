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

// lostParts are the blobs and manifests that a registry misses when it gets what
// names them; none means that it does not say which.
type lostParts []string

// lostBy reads from an error what the registry has not of the document, though it
// said so or took it before: cleanup jobs run at any time. Nil means another error.
func lostBy(err error, d *document) lostParts {
	var status *distribution.StatusError
	if !errors.As(err, &status) {
		return nil
	}
	codes := []transport.ErrorCode{transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode}
	if d.image == nil {
		codes = append(codes, transport.ManifestUnknownErrorCode)
	}
	var lost lostParts
	for _, e := range status.Errors {
		if !slices.Contains(codes, e.Code) {
			continue
		}
		if lost == nil {
			lost = lostParts{}
		}
		if digest := lostDigest(e.Detail); digest != "" {
			lost = append(lost, digest)
		}
	}
	return lost
}

// lostDigest reads what is lost from the detail of an error: distribution writes the
// digest alone, and documents an object that holds it.
// https://distribution.github.io/distribution/spec/api/#errors-2
func lostDigest(detail any) string {
	if object, ok := detail.(map[string]any); ok {
		detail = object["digest"]
	}
	text, _ := detail.(string)
	if _, err := v1.NewHash(text); err != nil {
		return ""
	}
	return text
}

func (l lostParts) has(digest v1.Hash) bool {
	return len(l) == 0 || slices.Contains(l, digest.String())
}

// bringAgain brings what is lost of the document, whatever the registry says of it.
func (r *Registry) bringAgain(ctx context.Context, d *document, lost lostParts) error {
	if d.image != nil {
		return r.blobsAgain(ctx, d.image, lost)
	}
	for _, part := range d.parts {
		if !lost.has(part.digest) {
			continue
		}
		if _, err := r.putManifest(ctx, part.digest.String(), part); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) blobsAgain(ctx context.Context, img v1.Image, lost lostParts) error {
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
