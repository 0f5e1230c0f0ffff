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
}

// statements are what is attested of each manifest, by its digest.
type statements map[v1.Hash][]sign.Statement

// all signs an image; of an index, each of its images that only takes, and then the index
// itself: who verifies an index finds its images signed. What fails says which digest is
// there without a signature.
func (s *signatory) all(ctx context.Context, digest v1.Hash, said func(v1.Hash) []sign.Statement, only func(v1.Descriptor) bool) error {
	doc, err := s.repo.Manifest(ctx, digest.String())
	if err != nil {
		return err
	}
	isIndex, err := kindOf(doc)
	if err != nil {
		return err
	}
	if isIndex {
		if err := s.children(ctx, doc, said, only); err != nil {
			return err
		}
	}
	return s.one(ctx, sign.Subject{Digest: doc.Digest, MediaType: doc.MediaType, Size: int64(len(doc.Content))}, said(digest))
}

// children signs the images of an index, each once.
func (s *signatory) children(ctx context.Context, doc distribution.Document, said func(v1.Hash) []sign.Statement, only func(v1.Descriptor) bool) error {
	list, err := v1.ParseIndexManifest(bytes.NewReader(doc.Content))
	if err != nil {
		return fmt.Errorf("read index %s: %w", doc.Digest, err)
	}
	seen := map[v1.Hash]bool{}
	for _, d := range list.Manifests {
		if seen[d.Digest] || !isImageEntry(d) || !only(d) {
			continue
		}
		if seen[d.Digest] = true; len(seen) > maxEntries {
			return fmt.Errorf("index %s has more than %d images; sign them by their digests", doc.Digest, maxEntries)
		}
		if err := s.one(ctx, sign.Subject{Digest: d.Digest, MediaType: d.MediaType, Size: d.Size}, said(d.Digest)); err != nil {
			return err
		}
	}
	return nil
}

// isImageEntry tells images of an index from what is said about them.
func isImageEntry(d v1.Descriptor) bool {
	return d.MediaType.IsImage() && d.Annotations["vnd.docker.reference.type"] == ""
}

func (s *signatory) one(ctx context.Context, subject sign.Subject, said []sign.Statement) error {
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
	return at(StageSign, fmt.Errorf("%s is pushed and not completely signed: %w; run this again, or sign it alone with: nanobuild sign %s", ref, err, ref))
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
