package flow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// signatory signs what digests name in a repository.
type signatory struct {
	signer sign.Signer
	repo   *distribution.Repository
	log    *slog.Logger

	said    func(v1.Hash) ([]sign.Statement, error) // what is attested of a manifest
	only    func(v1.Descriptor) bool                // which images of an index are signed
	several func() error                            // refuses an index of several images; may be nil
}

// all signs an image; of an index, those of its images that only takes, and then the index
// itself: who verifies an index finds its images signed.
func (s *signatory) all(ctx context.Context, digest v1.Hash) error {
	doc, err := s.repo.Manifest(ctx, digest.String())
	if err != nil {
		return err
	}
	isIndex, err := kindOf(doc)
	if err != nil {
		return err
	}
	if isIndex {
		if err := s.children(ctx, doc); err != nil {
			return err
		}
	}
	return s.one(ctx, sign.Subject{Digest: doc.Digest, MediaType: doc.MediaType, Size: int64(len(doc.Content))})
}

// children signs the images of an index, each once.
func (s *signatory) children(ctx context.Context, doc distribution.Document) error {
	images, err := imagesOf(doc)
	if err != nil {
		return err
	}
	if len(images) > 1 && s.several != nil {
		if err := s.several(); err != nil {
			return err
		}
	}
	others := 0
	for _, d := range images {
		if !s.only(d) {
			others++
			continue
		}
		if err := s.one(ctx, sign.Subject{Digest: d.Digest, MediaType: d.MediaType, Size: d.Size}); err != nil {
			return err
		}
	}
	if others > 0 {
		s.log.Warn(fmt.Sprintf("%s@%s is signed, and has %s that this run did not make and does not sign", s.repo.Name(), doc.Digest, countText(others, "image")))
	}
	return nil
}

// imagesOf lists the images of an index, each once, whatever system they are for. What
// BuildKit attests is none: its platform is "unknown".
//
// https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
func imagesOf(doc distribution.Document) ([]v1.Descriptor, error) {
	list, err := v1.ParseIndexManifest(bytes.NewReader(doc.Content))
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", doc.Digest, err)
	}
	seen := map[v1.Hash]bool{}
	var images []v1.Descriptor
	for _, d := range list.Manifests {
		if seen[d.Digest] || d.Platform != nil && d.Platform.OS == "unknown" {
			continue
		}
		if seen[d.Digest] = true; len(seen) > maxEntries {
			return nil, fmt.Errorf("index %s has more than %d images; sign them by their digests", doc.Digest, maxEntries)
		}
		images = append(images, d)
	}
	return images, nil
}

func (s *signatory) one(ctx context.Context, subject sign.Subject) error {
	said, err := s.said(subject.Digest)
	if err != nil {
		return err
	}
	done, err := s.signer.Sign(ctx, s.repo, subject, said...)
	if err != nil {
		return err
	}
	s.log.Info(fmt.Sprintf("%s@%s: %s", s.repo.Name(), subject.Digest, signedText(done, len(said))))
	return nil
}

// signedText says what signing did.
func signedText(done sign.Signed, said int) string {
	var parts []string
	if done.Signature {
		parts = append(parts, "signed")
	} else {
		parts = append(parts, "was signed already")
	}
	switch {
	case said == 0:
	case done.Attestations == 0:
		parts = append(parts, "nothing new to attest")
	default:
		parts = append(parts, countText(done.Attestations, "attestation"))
	}
	return strings.Join(parts, ", ")
}

func countText(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// unsignedError says that an image is in its registry, and not signed.
func unsignedError(ref string, err error) error {
	if mixed := (*sign.MixedError)(nil); errors.As(err, &mixed) {
		return at(StageSign, fmt.Errorf("%s is pushed and not signed: the registry has signatures of it in the format %s, and verifiers look at one format alone; run this again with --sign-format %[2]s", mixed.Subject, mixed.Has))
	}
	return at(StageSign, fmt.Errorf("%s is pushed and not completely signed: %w; run this again, which adds only what is missing", ref, err))
}

// digestRef reads a reference by digest.
func digestRef(text string) (name.Digest, error) {
	ref, err := name.NewDigest(text, name.StrictValidation)
	if err == nil {
		return ref, nil
	}
	if _, tagged := name.NewTag(text, name.StrictValidation); tagged == nil {
		return name.Digest{}, fmt.Errorf("%s is a tag, which may name another image by now; name the image by its digest, which publish prints: REPOSITORY@sha256:…", text)
	}
	return name.Digest{}, errors.Join(fmt.Errorf("%s does not name an image by its digest, as in ghcr.io/me/web@sha256:…", text), err)
}
