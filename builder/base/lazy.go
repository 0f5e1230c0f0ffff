package base

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// lazyLayer is one of a registry. Nothing is asked of the registry before the
// bytes are wanted.
type lazyLayer struct {
	described
	repo name.Repository
	// find returns go-containerregistry's layer, which checks digest and size.
	find func() (v1.Layer, error)
	// explain adds the kind and the remedy to an error of the registry.
	explain func(error) error
}

var _ v1.Layer = (*lazyLayer)(nil)

// Exists asks the registry whether it has the layer; see go-containerregistry's
// partial.Exists.
func (l *lazyLayer) Exists() (bool, error) {
	found, err := l.find()
	if err != nil {
		return false, l.failed(err)
	}
	there, err := partial.Exists(found)
	return there, l.failed(err)
}

// Compressed returns the layer's bytes. Reading fails at the end when they have
// not the digest and size of the descriptor.
func (l *lazyLayer) Compressed() (io.ReadCloser, error) {
	found, err := l.find()
	if err != nil {
		return nil, l.failed(err)
	}
	rc, err := found.Compressed()
	if err != nil {
		return nil, l.failed(err)
	}
	return &naming{rc, l}, nil
}

// Uncompressed returns the tar.
func (l *lazyLayer) Uncompressed() (io.ReadCloser, error) {
	rc, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	return decompress(rc)
}

// failed names the layer and where it was read in an error.
func (l *lazyLayer) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read layer %s from %s: %w", l.desc.Digest, l.repo, l.explain(err))
}

// naming is a reader whose errors name the layer.
type naming struct {
	io.ReadCloser
	layer *lazyLayer
}

func (n *naming) Read(p []byte) (int, error) {
	c, err := n.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = n.layer.failed(err)
	}
	return c, err
}

// served is the key of the manifest that a request is answered with.
type served struct{}

// withManifest returns a context in which manifests answers for the registry.
func withManifest(ctx context.Context, doc document) context.Context {
	return context.WithValue(ctx, served{}, doc)
}

// manifests answers requests for a manifest that is in their context.
// go-containerregistry opens layers only of images whose manifest it fetched;
// one that is here already need not travel for that.
type manifests struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (m manifests) RoundTrip(req *http.Request) (*http.Response, error) {
	doc, ok := req.Context().Value(served{}).(document)
	if !ok || req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, "/manifests/"+doc.digest.String()) {
		return m.next.RoundTrip(req)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Content-Type": {string(doc.mediaType)}},
		ContentLength: int64(len(doc.raw)), Body: io.NopCloser(bytes.NewReader(doc.raw)),
	}, nil
}

// image returns the one whose manifest is given. The first time, the registry is
// asked for authorisation.
func (r *registry) image(ctx context.Context, manifest document) (v1.Image, error) {
	got, err := r.puller.Get(withManifest(ctx, manifest), r.ref.Context().Digest(manifest.digest.String()))
	if err != nil {
		return nil, err
	}
	return got.Image()
}

// layers returns *remote.MountableLayer values. Without peek the registry is not
// asked for anything.
func (r *registry) layers(ctx context.Context, image document, diffIDs []v1.Hash, peek bool) ([]v1.Layer, error) {
	repo := r.ref.Context()
	var all []v1.Layer
	for i, desc := range image.image.Layers {
		l := &lazyLayer{
			described: described{desc, diffIDs[i]}, repo: repo,
			explain: func(err error) error { return explain(ctx, err, repo.Name(), repo.Digest(desc.Digest.String())) },
			find: func() (v1.Layer, error) {
				img, err := r.image(ctx, image)
				if err != nil {
					return nil, err
				}
				return img.LayerByDigest(desc.Digest)
			},
		}
		if peek && !isForeign(desc.MediaType) {
			head, err := firstBytes(ctx, l)
			if err != nil {
				return nil, err
			}
			l.desc.MediaType = typeOf(desc.MediaType, head)
		}
		all = append(all, &remote.MountableLayer{Layer: l, Reference: repo.Digest(image.digest.String())})
	}
	return all, nil
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
