package base

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registry is a source over the distribution protocol.
type registry struct {
	given  string // as the user wrote it
	ref    name.Reference
	puller *remote.Puller
	known  known
}

var _ source = (*registry)(nil)

func openRegistry(given string, o Options) (*registry, error) {
	full := Expand(given)
	if isPath(given) {
		return nil, fmt.Errorf("%[1]s is a path, not the name of an image; give oci:%[1]s for an OCI layout or tar:%[1]s for an archive of docker save", given)
	}
	ref, err := name.ParseReference(full)
	if err != nil {
		return nil, fmt.Errorf("%w; give a short name such as ltsc2022, REGISTRY/REPOSITORY:TAG without https://, oci:DIR or tar:FILE", err)
	}
	if o.plainHTTP(ref.Context().RegistryStr()) {
		if ref, err = name.ParseReference(full, name.Insecure); err != nil {
			return nil, err
		}
	}
	g := &guard{next: o.Transport, allowed: o.plainHTTP}
	if g.next == nil {
		g.next = &http.Transport{}
	}
	opts := []remote.Option{remote.WithTransport(manifests{g}), remote.WithUserAgent(o.UserAgent)}
	if o.Keychain != nil {
		opts = append(opts, remote.WithAuthFromKeychain(o.Keychain))
	}
	puller, err := remote.NewPuller(opts...)
	if err != nil {
		return nil, err
	}
	return &registry{
		given: given, ref: ref, puller: puller,
		known: known{earlier: o.Memory, docs: map[v1.Hash]blob{}},
	}, nil
}

// isPath says whether a reference looks like a file or folder of this machine.
func isPath(ref string) bool {
	return strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, ".") || strings.HasPrefix(ref, "~") || strings.ContainsRune(ref, '\\')
}

// name writes out what was asked for: with docker.io and latest where they were
// left out, and with tag and digest where both were given.
func (r *registry) name() string {
	full := strings.Replace(r.ref.Name(), name.DefaultRegistry+"/", "docker.io/", 1)
	d, ok := r.ref.(name.Digest)
	if !ok {
		return full
	}
	before, _, _ := strings.Cut(d.String(), "@")
	if _, tag, ok := strings.Cut(before[strings.LastIndexByte(before, '/')+1:], ":"); ok {
		return strings.Replace(full, "@", ":"+tag+"@", 1)
	}
	return full
}

func (r *registry) root(ctx context.Context) (document, error) {
	if ref, ok := r.ref.(name.Digest); ok {
		digest, err := v1.NewHash(ref.DigestStr())
		if err != nil {
			return document{}, err
		}
		if doc, ok := r.known.document(v1.Descriptor{Digest: digest, Size: anySize}); ok {
			return doc, nil
		}
		return r.fetch(ctx, r.ref)
	}
	if doc, ok, err := r.tagged(ctx); ok || err != nil {
		return doc, err
	}
	return r.fetch(ctx, r.ref)
}

// tagged returns what the tag names when that is known: the registry is asked for
// the digest alone. It does so only where the tag's last document is known, since
// of one that is not the digest is of no use.
func (r *registry) tagged(ctx context.Context) (document, bool, error) {
	if _, ok := r.last(); !ok {
		return document{}, false, nil
	}
	head, err := r.puller.Head(ctx, r.ref)
	if err != nil && unanswered(err) {
		return document{}, false, explain(ctx, err, r.given, r.ref)
	}
	if err != nil {
		return document{}, false, nil //nolint:nilerr // a registry that does not know HEAD; one that refuses tells why when it is asked with GET
	}
	doc, ok := r.known.document(v1.Descriptor{Digest: head.Digest, Size: anySize})
	return doc, ok, nil
}

// last returns the digest that the tag named when it was last asked for, if the
// document is still known.
func (r *registry) last() (v1.Hash, bool) {
	if _, ok := r.ref.(name.Tag); !ok {
		return v1.Hash{}, false
	}
	digest, ok := r.known.tag(r.ref.Name())
	if ok {
		_, ok = r.known.document(v1.Descriptor{Digest: digest, Size: anySize})
	}
	return digest, ok
}

// settle completes a base, and keeps what its tag names.
func (r *registry) settle(b *Base) {
	b.Repository = new(r.ref.Context())
	if _, ok := r.ref.(name.Tag); !ok {
		return
	}
	root := b.Digest
	if b.Index != nil {
		root = *b.Index
	}
	r.known.addTag(r.ref.Name(), root)
}

// remedy adds to the error of a registry that cannot be asked how to go on
// without it. That is the user's choice: a tag may have moved.
func (r *registry) remedy(err error, what string) error {
	if !errors.Is(err, ErrUnreachable) {
		return err
	}
	digest, ok := r.last()
	if !ok {
		return err
	}
	verb := "pass --base"
	if what != "" {
		verb = "give"
	}
	return fmt.Errorf("%w; to go on with what it was last, %s %s@%s", err, verb, r.name(), digest)
}

func (r *registry) has(v1.Descriptor) bool { return true }

func (r *registry) manifest(ctx context.Context, d v1.Descriptor) (document, error) {
	if doc, ok := r.known.document(d); ok {
		return doc, nil
	}
	doc, err := r.fetch(ctx, r.ref.Context().Digest(d.Digest.String()))
	if err != nil {
		return doc, err
	}
	return doc, verify(doc.raw, d)
}

// fetch gets a manifest or list, its digest checked.
func (r *registry) fetch(ctx context.Context, ref name.Reference) (document, error) {
	got, err := r.puller.Get(ctx, ref)
	if err != nil {
		return document{}, explain(ctx, err, r.given, ref)
	}
	doc, err := parse(got.Manifest, got.Digest, got.MediaType)
	if err != nil {
		return doc, err
	}
	// go-containerregistry takes the digest of what is said to be a signed
	// manifest of schema 1 from the answer's header.
	if err := verify(doc.raw, v1.Descriptor{Digest: doc.digest, Size: int64(len(doc.raw))}); err != nil {
		return doc, err
	}
	r.known.add(doc.digest, doc.mediaType, doc.raw)
	return doc, nil
}

func (r *registry) config(ctx context.Context, image document) ([]byte, error) {
	desc := image.image.Config
	if desc.Data != nil {
		return desc.Data, verify(desc.Data, desc)
	}
	if b, ok := r.known.find(desc); ok {
		return b.raw, nil
	}
	raw, err := r.fetchConfig(ctx, image)
	if err != nil {
		return nil, explain(ctx, err, r.given, r.ref.Context().Digest(desc.Digest.String()))
	}
	r.known.add(desc.Digest, desc.MediaType, raw)
	return raw, nil
}

func (r *registry) fetchConfig(ctx context.Context, image document) ([]byte, error) {
	img, err := r.image(ctx, image)
	if err != nil {
		return nil, err
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	return raw, verify(raw, image.image.Config)
}
