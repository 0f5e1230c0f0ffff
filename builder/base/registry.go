package base

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// registry is a source over the distribution protocol.
type registry struct {
	given   string // as the user wrote it
	ref     name.Reference
	puller  *remote.Puller
	fetched map[v1.Hash]*remote.Descriptor
	images  map[v1.Hash]v1.Image // made of fetched, so that configs are fetched once
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
	opts := []remote.Option{remote.WithTransport(g), remote.WithUserAgent(o.UserAgent)}
	if o.Keychain != nil {
		opts = append(opts, remote.WithAuthFromKeychain(o.Keychain))
	}
	puller, err := remote.NewPuller(opts...)
	if err != nil {
		return nil, err
	}
	return &registry{
		given: given, ref: ref, puller: puller,
		fetched: map[v1.Hash]*remote.Descriptor{}, images: map[v1.Hash]v1.Image{},
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
	return r.fetch(ctx, r.ref)
}

func (r *registry) has(v1.Descriptor) bool { return true }

func (r *registry) manifest(ctx context.Context, d v1.Descriptor) (document, error) {
	if got, ok := r.fetched[d.Digest]; ok {
		return parse(got.Manifest, d.Digest, got.MediaType)
	}
	doc, err := r.fetch(ctx, r.ref.Context().Digest(d.Digest.String()))
	if err != nil {
		return doc, err
	}
	return doc, verify(doc.raw, d)
}

// fetch gets a manifest. By digest, go-containerregistry checks it; by tag, it
// computes it.
func (r *registry) fetch(ctx context.Context, ref name.Reference) (document, error) {
	got, err := r.puller.Get(ctx, ref)
	if err != nil {
		return document{}, explain(ctx, err, r.given, ref)
	}
	doc, err := parse(got.Manifest, got.Digest, got.MediaType)
	if err != nil {
		return doc, err
	}
	got.MediaType = doc.mediaType // where Content-Type says nothing useful
	r.fetched[doc.digest] = got
	return doc, nil
}

// image returns the one whose manifest was fetched.
func (r *registry) image(manifest v1.Hash) (v1.Image, error) {
	if img, ok := r.images[manifest]; ok {
		return img, nil
	}
	img, err := r.fetched[manifest].Image()
	r.images[manifest] = img
	return img, err
}

func (r *registry) config(ctx context.Context, image document) ([]byte, error) {
	img, err := r.image(image.digest)
	if err != nil {
		return nil, err
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, explain(ctx, err, r.given, r.ref.Context().Digest(image.image.Config.Digest.String()))
	}
	return raw, verify(raw, image.image.Config)
}

// layers returns *remote.MountableLayer values.
func (r *registry) layers(ctx context.Context, image document, _ []v1.Hash, peek bool) ([]v1.Layer, error) {
	img, err := r.image(image.digest)
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil || !peek {
		return layers, err
	}
	for i, l := range layers {
		desc := image.image.Layers[i]
		if isForeign(desc.MediaType) {
			continue
		}
		head, err := firstBytes(ctx, l)
		if err != nil {
			return nil, explain(ctx, err, r.given, r.ref.Context().Digest(desc.Digest.String()))
		}
		if mt := typeOf(desc.MediaType, head); mt != desc.MediaType {
			desc.MediaType = mt
			m := l.(*remote.MountableLayer)
			layers[i] = &remote.MountableLayer{Layer: &relabelled{m.Layer, desc}, Reference: m.Reference}
		}
	}
	return layers, nil
}

// firstBytes starts to read a layer and gives up at once.
func firstBytes(ctx context.Context, l v1.Layer) (head []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rc, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }() // nothing was written
	return readHead(rc)
}

// relabelled is a layer with another media type than its manifest says.
type relabelled struct {
	v1.Layer
	desc v1.Descriptor
}

func (r *relabelled) MediaType() (types.MediaType, error) { return r.desc.MediaType, nil }

// Descriptor returns that of the manifest, apart from the media type.
func (r *relabelled) Descriptor() (*v1.Descriptor, error) { return r.desc.DeepCopy(), nil }
