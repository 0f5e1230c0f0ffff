package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// lazyLayer is one of a registry. Nothing is asked of the registry before the
// bytes are wanted.
type lazyLayer struct {
	described
	query *query
	repos []name.Repository // where it is looked for, in order
	ctx   context.Context   //nolint:containedctx // v1.Layer has no place for one

	mu  sync.Mutex
	bad map[string]bool // repositories whose bytes were damaged, or did not come to their end
}

var _ v1.Layer = (*lazyLayer)(nil)

// Compressed returns the layer's bytes, of the first repository that gives them.
// Reading fails before the end when they have not the digest and size of the
// descriptor.
func (l *lazyLayer) Compressed() (io.ReadCloser, error) {
	var failed misses
	for _, repo := range l.order() {
		rc, err := l.query.remote.Blob(l.ctx, repo, l.desc)
		if err == nil {
			return &naming{rc, l, repo}, nil
		}
		failed = append(failed, miss{repo, err})
		if l.ctx.Err() != nil || !elsewhere(err) {
			break
		}
		l.query.tell(l.ctx, failed, l.repos)
	}
	if len(failed) == 1 {
		return nil, l.failed(failed[0].repo, failed[0].err)
	}
	return nil, fmt.Errorf("read layer %s: %w", l.desc.Digest, failed)
}

// order is that of the repositories, with those behind the others that failed when
// they were read.
func (l *lazyLayer) order() []name.Repository {
	l.mu.Lock()
	defer l.mu.Unlock()
	var good, bad []name.Repository
	for _, repo := range l.repos {
		if l.bad[repo.Name()] {
			bad = append(bad, repo)
		} else {
			good = append(good, repo)
		}
	}
	return append(good, bad...)
}

// Uncompressed returns the tar.
func (l *lazyLayer) Uncompressed() (io.ReadCloser, error) {
	rc, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	return decompress(rc)
}

// spoiled notes that the layer did not come whole from a repository, so that the next
// one is asked when it is opened again.
func (l *lazyLayer) spoiled(repo name.Repository) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad == nil {
		l.bad = map[string]bool{}
	}
	l.bad[repo.Name()] = true
}

// failed names the layer and where it was read in an error.
func (l *lazyLayer) failed(repo name.Repository, err error) error {
	return fmt.Errorf("read layer %s from %s: %w", l.desc.Digest, repo, err)
}

// naming is a reader whose errors name the layer.
type naming struct {
	io.ReadCloser
	layer *lazyLayer
	repo  name.Repository
}

func (n *naming) Read(p []byte) (int, error) {
	c, err := n.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.layer.spoiled(n.repo)
		err = n.layer.failed(n.repo, err)
	}
	return c, err
}

// firstBytes starts to read a layer and gives up at once.
func firstBytes(l v1.Layer) (head []byte, err error) {
	rc, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }() // nothing was written
	return readHead(rc)
}
