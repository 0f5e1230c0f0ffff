package distribution_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// push brings an image to a registry in the way that the program does: first the
// blobs, some at once, then the manifest, the tag last. The first layer is taken
// from another repository, if one is named.
func push(ctx context.Context, r *distribution.Repository, s specimen, from *source) error {
	if err := r.CheckPush(ctx); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for i, b := range s.blobs() {
		only := from
		if i != 1 { // the config is 0
			only = nil
		}
		g.Go(func() error { return pushBlob(gctx, r, b, only) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	m := s.manifest
	if err := r.PutManifest(ctx, m.desc.Digest.String(), m.content, m.desc.MediaType); err != nil {
		return err
	}
	return r.PutManifest(ctx, tag, m.content, m.desc.MediaType)
}

// source is where a blob can be mounted from.
type source struct {
	repo    name.Repository
	granted bool // the registry does it
}

func pushBlob(ctx context.Context, r *distribution.Repository, b piece, from *source) error {
	has, err := r.HasBlob(ctx, b.desc.Digest)
	if err != nil || has {
		return err
	}
	var begun *distribution.Upload
	if from != nil {
		var mounted bool
		// A refused mount is no failure: the blob is sent instead.
		if mounted, begun, err = r.Mount(ctx, b.desc.Digest, from.repo); mounted {
			return nil
		}
		if err != nil && ctx.Err() != nil || from.granted {
			return fmt.Errorf("not mounted: %w", err)
		}
	}
	body := distribution.NewBody(b.desc.Size, b.open)
	if err := r.Upload(ctx, begun, b.desc.Digest, body); err != nil {
		return err
	}
	if body.Sent() < b.desc.Size {
		return fmt.Errorf("%d of %d bytes were sent", body.Sent(), b.desc.Size)
	}
	return nil
}

// pull reads an image and compares it with what it should be.
func pull(ctx context.Context, r *distribution.Repository, s specimen) error {
	held, err := r.Head(ctx, tag)
	if err != nil {
		return err
	}
	if held.Digest != s.manifest.desc.Digest {
		return fmt.Errorf("Head = %v", held)
	}
	for _, ref := range []string{tag, held.Digest.String()} {
		doc, err := r.Manifest(ctx, ref)
		if err != nil {
			return err
		}
		if !bytes.Equal(doc.Content, s.manifest.content) || doc.Digest != s.manifest.desc.Digest || doc.MediaType != s.manifest.desc.MediaType {
			return fmt.Errorf("%w: manifest %s: %v %.300q", errWrong, ref, doc.Held, doc.Content)
		}
	}
	config, err := r.Document(ctx, s.config.desc)
	if err != nil {
		return err
	}
	if !bytes.Equal(config, s.config.content) {
		return fmt.Errorf("%w: config: %.300q", errWrong, config)
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, b := range s.layers {
		g.Go(func() error { return pullBlob(gctx, r, b) })
	}
	return g.Wait()
}

// errWrong is the worst that can happen: other bytes, and no error.
var errWrong = errors.New("silently wrong")

// pullBlob reads a blob, as somebody does who opens it again when it was damaged.
func pullBlob(ctx context.Context, r *distribution.Repository, b piece) error {
	for i := 0; ; i++ {
		err := readBlob(ctx, r, b)
		var damaged *distribution.DamagedError
		switch {
		case errors.As(err, &damaged) && i < reopened:
		default:
			return err
		}
	}
}

// reopened is how often a damaged blob is opened again.
const reopened = 3

// readBlob reads a blob to its end. What it reads is compared at the end only,
// because until then nobody is promised anything.
func readBlob(ctx context.Context, r *distribution.Repository, b piece) error {
	rc, err := r.Blob(ctx, b.desc)
	if err != nil {
		return err
	}
	defer rc.Close()
	same := &comparing{want: b.content}
	if _, err := io.Copy(same, rc); err != nil {
		return err
	}
	if same.wrong || len(same.want) > 0 {
		return fmt.Errorf("%w: blob %s", errWrong, b.desc.Digest)
	}
	return nil
}

// comparing finds out whether it is written what is wanted.
type comparing struct {
	want  []byte // what is left of it
	wrong bool
}

func (c *comparing) Write(p []byte) (int, error) {
	n := min(len(p), len(c.want))
	c.wrong = c.wrong || n < len(p) || !bytes.Equal(p, c.want[:n])
	c.want = c.want[n:]
	return len(p), nil
}
