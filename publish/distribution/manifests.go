package distribution

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Held is what a registry has under a name; the zero value is nothing.
type Held struct {
	Digest    v1.Hash
	MediaType types.MediaType // "" where the registry does not tell
}

// Document is a manifest as a registry answered it.
type Document struct {
	Held
	Content []byte
}

// MaxDocument bounds manifests, indexes and configs, in bytes. It is the limit that
// registries are asked to accept.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
const MaxDocument = 4 << 20

// DamagedError says that an answer is not what it should be. It is asked for again
// before it counts.
type DamagedError struct {
	What string // what was read
	Why  string
}

func (e *DamagedError) Error() string { return e.What + ": " + e.Why }

const digestHeader = "Docker-Content-Digest"

func acceptManifests() http.Header {
	return http.Header{"Accept": {strings.Join([]string{
		string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
		string(types.OCIImageIndex), string(types.DockerManifestList)}, ",")}}
}

// Head tells what ref, a tag or digest, names; the zero value where nothing does. A
// registry that tells no digest is asked for the whole manifest. For a repository
// that we push to, 403 reads as nothing, as some registries mean it.
func (r *Repository) Head(ctx context.Context, ref string) (Held, error) {
	held, err := r.head(ctx, ref)
	return held, r.explain(ctx, "look for "+ref+" in", err)
}

func (r *Repository) head(ctx context.Context, ref string) (held Held, err error) {
	known := true
	err = r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodHead, url: r.at("/manifests/" + ref), header: acceptManifests()}, http.StatusOK)
		if err != nil {
			return r.unlessAbsent(err)
		}
		defer finish(resp)
		held, known = heldBy(resp)
		return nil
	})
	var status *StatusError
	if errors.As(err, &status) && (status.Status == http.StatusMethodNotAllowed || status.Status == http.StatusNotImplemented) {
		known, err = false, nil
	}
	if err != nil || known {
		return held, present(err)
	}
	doc, err := r.manifest(ctx, ref)
	return doc.Held, present(err)
}

// heldBy reads the header of an answer; known is false where it has no digest.
func heldBy(resp *http.Response) (held Held, known bool) {
	if mt, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil {
		held.MediaType = types.MediaType(mt)
	}
	digest, err := v1.NewHash(resp.Header.Get(digestHeader))
	if err == nil {
		held.Digest = digest
	}
	return held, err == nil
}

// absentError is the answer of a registry that does not have what it was asked for.
type absentError struct{ *StatusError }

func (e absentError) Unwrap() error { return e.StatusError }

// unlessAbsent marks an answer that means "not there".
func (r *Repository) unlessAbsent(err error) error {
	var status *StatusError
	var final finalError // of the token server
	if !errors.As(err, &status) || errors.As(err, &final) || status.limited() {
		return err
	}
	if status.Status == http.StatusNotFound || status.Status == http.StatusForbidden && r.rights == Push {
		return absentError{status}
	}
	if r.hiccup(status) {
		return &hiccupError{status}
	}
	return err
}

// present is err unless that only says that nothing is there.
func present(err error) error {
	var absent absentError
	if errors.As(err, &absent) {
		return nil
	}
	return err
}

// Manifest returns what ref, a tag or digest, names: its bytes, which have the
// digest. One of more than 4 MiB fails; one that is not there is an [Error] of the
// kind [NotFound].
func (r *Repository) Manifest(ctx context.Context, ref string) (Document, error) {
	doc, err := r.manifest(ctx, ref)
	return doc, r.explain(ctx, "read "+ref+" of", err)
}

func (r *Repository) manifest(ctx context.Context, ref string) (doc Document, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodGet, url: r.at("/manifests/" + ref), header: acceptManifests()}, http.StatusOK)
		if err != nil {
			return r.unlessAbsent(err)
		}
		defer finish(resp)
		doc, err = readManifest(resp, ref)
		return err
	})
	return doc, err
}

func readManifest(resp *http.Response, ref string) (Document, error) {
	content, err := readAll(resp, "manifest "+ref)
	if err != nil {
		return Document{}, err
	}
	held, told := heldBy(resp)
	want := held.Digest
	if asked, err := v1.NewHash(ref); err == nil {
		want, told = asked, true
	}
	if !json.Valid(content) || !bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		return Document{}, &DamagedError{What: "manifest " + ref, Why: "the answer of type " + resp.Header.Get("Content-Type") + " is no JSON: " + firstWords(content)}
	}
	if !told {
		want = v1.Hash{Algorithm: "sha256"}
	}
	if held.Digest, err = digestOf(want.Algorithm, content); err != nil {
		return Document{}, err
	}
	if told && held.Digest != want {
		return Document{}, &DamagedError{What: "manifest " + ref, Why: fmt.Sprintf("%d bytes came with the digest %s instead of %s", len(content), held.Digest, want)}
	}
	return Document{held, content}, nil
}

// readAll reads a document within its bound.
func readAll(resp *http.Response, what string) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(resp.Body, MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	if len(content) > MaxDocument {
		return nil, &LargeError{What: what}
	}
	return content, nil
}

// LargeError says that a document is larger than [MaxDocument].
type LargeError struct{ What string }

func (e *LargeError) Error() string {
	return fmt.Sprintf("%s has more than %d MiB, the most that is read of such a document", e.What, MaxDocument>>20)
}

func digestOf(algorithm string, content []byte) (v1.Hash, error) {
	h, err := v1.Hasher(algorithm)
	if err != nil {
		return v1.Hash{}, err
	}
	h.Write(content)
	return v1.NewHash(fmt.Sprintf("%s:%x", algorithm, h.Sum(nil)))
}

// PutManifest puts the bytes of a manifest under ref, a tag or digest.
func (r *Repository) PutManifest(ctx context.Context, ref string, raw []byte, mt types.MediaType) error {
	return r.explain(ctx, "put the manifest "+ref+" into", r.putManifest(ctx, ref, raw, mt, nil))
}

// subjectHeader names the subject of a manifest that a registry lists among what
// refers to it.
const subjectHeader = "OCI-Subject"

// putManifest puts a manifest. Where subject is not nil, it is set to what the answer
// says of the manifest's subject, "" where it says nothing.
func (r *Repository) putManifest(ctx context.Context, ref string, raw []byte, mt types.MediaType, subject *string) error {
	digest, err := digestOf("sha256", raw)
	if err != nil {
		return err
	}
	tries, doubts := 0, 0
	err = r.try(ctx, func(ctx context.Context) error {
		tries++
		resp, err := r.send(ctx, request{
			method: http.MethodPut, url: r.at("/manifests/" + ref), body: bytesPart(raw),
			header: http.Header{"Content-Type": {string(mt)}},
		}, http.StatusCreated, http.StatusOK, http.StatusAccepted, http.StatusNoContent)
		if err == nil {
			defer finish(resp)
			if subject != nil {
				*subject = resp.Header.Get(subjectHeader)
			}
			return r.arrived(ctx, resp, ref, digest)
		}
		var status *StatusError
		if !errors.As(err, &status) || status.passing() {
			return err
		}
		// An earlier try may have arrived, and a tag that cannot be moved twice is
		// refused now.
		if tries > 1 {
			if held, herr := r.headOnce(ctx, ref); herr == nil && held.Digest == digest {
				return nil
			}
		}
		// Registries of several machines may not see at once what they got, and what is
		// changed on its way is refused in one of these words.
		if !status.has(transport.ManifestBlobUnknownErrorCode, transport.DigestInvalidErrorCode, transport.ManifestInvalidErrorCode) {
			return err
		}
		if doubts++; doubts > 2 {
			return err
		}
		return &repeatableError{status}
	})
	// It may be there although no answer came.
	if err != nil && ctx.Err() == nil && Unheard(err) {
		if held, herr := r.headOnce(ctx, ref); herr == nil && held.Digest == digest {
			return nil
		}
	}
	return err
}

// Unheard tells whether a request failed so that the registry may have done it all
// the same.
func Unheard(err error) bool {
	var status *StatusError
	return !forGood(err) && (!errors.As(err, &status) || status.passing())
}

// arrived fails if the registry got another manifest than it was sent: under a tag
// it takes any. Where its answer is not the one for that, it is asked.
func (r *Repository) arrived(ctx context.Context, resp *http.Response, ref string, digest v1.Hash) error {
	held, told := heldBy(resp)
	if !told && resp.StatusCode != http.StatusCreated {
		var absent absentError
		found, err := r.headOnce(ctx, ref)
		if errors.As(r.unlessAbsent(err), &absent) {
			return &DamagedError{What: "manifest " + ref, Why: fmt.Sprintf("the registry answered %d and has no such manifest", resp.StatusCode)}
		}
		held, told = found, err == nil && found.Digest != v1.Hash{}
	}
	if told && held.Digest.Algorithm == digest.Algorithm && held.Digest != digest {
		return &DamagedError{What: "manifest " + ref, Why: fmt.Sprintf("the registry got one with the digest %s instead of %s", held.Digest, digest)}
	}
	return nil
}

// headOnce asks once, as a part of another request.
func (r *Repository) headOnce(ctx context.Context, ref string) (Held, error) {
	resp, err := r.send(ctx, request{method: http.MethodHead, url: r.at("/manifests/" + ref), header: acceptManifests()}, http.StatusOK)
	if err != nil {
		return Held{}, err
	}
	defer finish(resp)
	held, _ := heldBy(resp)
	return held, nil
}

func (r *Repository) try(ctx context.Context, f func(context.Context) error) error {
	return r.net.try(ctx, r.host, f)
}
