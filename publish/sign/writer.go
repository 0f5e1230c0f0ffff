//go:build !nosign

package sign

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// scheme makes signatures, by a key or by an identity, and knows its own again.
type scheme interface {
	// ready makes sure that the scheme knows whose signatures are its own. It is called
	// before any other method, once for each subject.
	ready(ctx context.Context) error
	// sign signs a message: the content of what it returns is the raw signature.
	sign(ctx context.Context, message []byte) (made, error)
	// envelope signs a statement: the content of what it returns is a DSSE envelope.
	//
	// https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md
	envelope(ctx context.Context, statement []byte) (made, error)
	// bundle signs a statement and returns a sigstore bundle with it, as JSON.
	bundle(ctx context.Context, statement []byte) ([]byte, error)

	// signed tells whether a signature of this key or identity fits the artifact's
	// content.
	signed(a artifact) bool
	// attested and bundled return the statement that this key or identity signed; ok is
	// false where another one did, or it is damaged.
	attested(a artifact) (statement []byte, ok bool)
	bundled(b bundle) (statement []byte, ok bool)
}

// made is a signature with what proves it, in annotations as cosign writes them: the
// certificate and its chain, the log's proof, the timestamp. The writer adds those of
// the signature itself and of the predicate's type.
type made struct {
	content     []byte
	annotations map[string]string
}

// writer signs subjects in a repository.
type writer struct {
	scheme      scheme
	format      Format
	annotations map[string]string // of signatures

	mu    sync.Mutex
	locks map[v1.Hash]*sync.Mutex // by the subject
}

// Format implements [Signer].
func (w *writer) Format() Format { return w.format }

// Sign implements [Signer]. The signature is written first, so that nothing is attested
// of an image that is not signed. A statement that cannot be attested does not keep the
// others from it.
func (w *writer) Sign(ctx context.Context, repo *distribution.Repository, s Subject, statements ...Statement) (Signed, error) {
	lock := w.lock(s.Digest)
	lock.Lock()
	defer lock.Unlock()
	job := &signing{writer: w, repo: repo, subject: s}
	for _, st := range statements {
		raw, err := statement(repo.Name().Name(), s.Digest, st, nil)
		if err != nil {
			return Signed{}, job.explain("attest", err)
		}
		job.wanted = append(job.wanted, wanted{statement: raw, claim: claim{predicateType: st.PredicateType, predicate: st.Predicate}})
	}
	if err := w.scheme.ready(ctx); err != nil {
		return Signed{}, job.explain("sign", err)
	}
	if w.format == Bundle {
		return job.bundles(ctx)
	}
	return job.tags(ctx)
}

func (w *writer) lock(subject v1.Hash) *sync.Mutex {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.locks == nil {
		w.locks = map[v1.Hash]*sync.Mutex{}
	}
	if w.locks[subject] == nil {
		w.locks[subject] = new(sync.Mutex)
	}
	return w.locks[subject]
}

// signing is the work on one subject.
type signing struct {
	*writer
	repo    *distribution.Repository
	subject Subject
	wanted  []wanted
}

// wanted is something to attest.
type wanted struct {
	claim
	statement []byte
	made      *made // with the signature; nil before it was made
	failed    bool  // it could not be made
}

func (j *signing) String() string {
	return j.repo.Name().String() + "@" + j.subject.Digest.String()
}

func (j *signing) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, j, err)
}

// payload is what is signed for a tag.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#simple-signing
func (j *signing) payload() ([]byte, error) {
	p := payload.Cosign{Image: j.repo.Name().Digest(j.subject.Digest.String())}
	if len(j.annotations) > 0 {
		p.Annotations = make(map[string]any, len(j.annotations))
	}
	for k, v := range j.annotations {
		p.Annotations[k] = v
	}
	return json.Marshal(p)
}
