package base

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registry is the source of a query at one of its places.
type registry struct {
	*query
	at    name.Reference
	repos []name.Repository // where layers are looked for: there, then at the places after it
}

var _ source = (*registry)(nil)

func (r *registry) name() string { return writtenOut(r.asked) }

func (r *registry) root(ctx context.Context) (document, error) {
	if ref, ok := r.at.(name.Digest); ok {
		digest, err := v1.NewHash(ref.DigestStr())
		if err != nil {
			return document{}, err
		}
		if doc, ok := r.known.document(v1.Descriptor{Digest: digest, Size: anySize}); ok {
			return doc, nil
		}
		return r.fetch(ctx, r.at)
	}
	if doc, ok, err := r.tagged(ctx); ok || err != nil {
		return doc, err
	}
	return r.fetch(ctx, r.at)
}

// tagged returns what the tag names when that is known: the registry is asked for
// the digest alone. It does so only where the tag's last document is known, since
// of one that is not the digest is of no use.
func (r *registry) tagged(ctx context.Context) (document, bool, error) {
	if _, ok := r.last(); !ok {
		return document{}, false, nil
	}
	digest, err := r.remote.Head(ctx, r.at)
	if errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		return document{}, false, err
	}
	if err != nil {
		return document{}, false, nil //nolint:nilerr // one that refuses tells why when it is asked with GET
	}
	doc, ok := r.known.document(v1.Descriptor{Digest: digest, Size: anySize})
	return doc, ok, nil
}

// settle completes the bases that one reference led to, and keeps what its tag names.
func (r *registry) settle(found []*Base) {
	for _, b := range found {
		b.Repository = new(r.at.Context())
	}
	if _, ok := r.asked.(name.Tag); !ok {
		return
	}
	root := found[0].Digest
	if list := found[0].Index; list != nil {
		root = *list
	}
	r.known.addTag(r.asked.Name(), root)
}

func (r *registry) has(v1.Descriptor) bool { return true }

func (r *registry) manifest(ctx context.Context, d v1.Descriptor) (document, error) {
	if doc, ok := r.known.document(d); ok {
		return doc, nil
	}
	doc, err := r.fetch(ctx, r.at.Context().Digest(d.Digest.String()))
	if err != nil {
		return doc, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	return doc, verify(doc.raw, d)
}

// fetch gets a manifest or list, its digest checked.
func (r *registry) fetch(ctx context.Context, ref name.Reference) (document, error) {
	got, err := r.remote.Manifest(ctx, ref)
	if err != nil {
		return document{}, err
	}
	if _, ok := ref.(name.Digest); ok {
		if got.Digest, err = v1.NewHash(ref.Identifier()); err != nil {
			return document{}, err
		}
	}
	if err := verify(got.Raw, v1.Descriptor{Digest: got.Digest, Size: int64(len(got.Raw))}); err != nil {
		return document{}, err
	}
	doc, err := parse(got.Raw, got.Digest, got.MediaType)
	if err != nil {
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
	raw, err := r.remote.Document(ctx, r.at.Context(), desc)
	if err == nil {
		err = verify(raw, desc)
	}
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", desc.Digest, err)
	}
	r.known.add(desc.Digest, desc.MediaType, raw)
	return raw, nil
}

// layers returns *remote.MountableLayer values. Without peek the registry is not
// asked for anything.
func (r *registry) layers(ctx context.Context, image document, diffIDs []v1.Hash, peek bool) ([]v1.Layer, error) {
	var all []v1.Layer
	for i, desc := range image.image.Layers {
		l := &lazyLayer{described: described{desc, diffIDs[i]}, query: r.query, repos: r.repos, ctx: ctx}
		if peek && !isForeign(desc.MediaType) {
			head, err := firstBytes(l)
			if err != nil {
				return nil, err
			}
			l.desc.MediaType = typeOf(desc.MediaType, head)
		}
		all = append(all, &remote.MountableLayer{Layer: l, Reference: r.at.Context().Digest(image.digest.String())})
	}
	return all, nil
}
