package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Options says how layers are made.
type Options struct {
	TempDir string // for blobs; must exist when a blob is needed
	OCI     bool   // media type of the OCI family, else Docker's
	// Verify sees the whole tar once, while it is first hashed or packed; its
	// error fails that. Optional.
	Verify func(tar io.Reader) error
}

// Layer is a layer of the image. Nothing is read until something is asked for:
// its DiffID costs reading the files, its digest and bytes packing them, once.
// It is safe for concurrent use.
type Layer struct {
	ctx   context.Context //nolint:containedctx // of the build; v1.Layer's methods take none
	group Group
	opts  Options
	files int

	turn     chan struct{} // holds one token: whoever has it owns the fields below
	diffID   v1.Hash       // zero until known
	blob     *blob
	verified bool
	closed   bool
}

var _ v1.Layer = (*Layer)(nil)

// Build makes the layer of a group. It fails when the entries are not in order
// or lack a folder. ctx ends whatever the layer's methods do later.
func Build(ctx context.Context, g Group, o Options) (*Layer, error) {
	if err := checkEntries(g.Entries); err != nil {
		return nil, fmt.Errorf("make the %s layer: %w", g.Origin, err)
	}
	if g.workers == nil {
		g.workers = defaultWorkers()
	}
	l := &Layer{ctx: ctx, group: g, opts: o, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	for _, e := range g.Entries {
		if !e.Dir {
			l.files++
		}
	}
	return l, nil
}

// Origin says who supplied the files.
func (l *Layer) Origin() Origin { return l.group.Origin }

// Files is the number of files.
func (l *Layer) Files() int { return l.files }

// UncompressedSize is the total size of the files, in bytes.
func (l *Layer) UncompressedSize() int64 {
	var n int64
	for _, e := range l.group.Entries {
		n += e.Size
	}
	return n
}

// MediaType is that of a gzipped layer in the family of the options.
func (l *Layer) MediaType() (types.MediaType, error) {
	if l.opts.OCI {
		return types.OCILayer, nil
	}
	return types.DockerLayer, nil
}

// DiffID is the digest of the tar. It reads the files unless they are packed.
func (l *Layer) DiffID() (v1.Hash, error) {
	if err := l.enter(l.ctx); err != nil {
		return v1.Hash{}, err
	}
	defer l.leave()
	if l.diffID == (v1.Hash{}) {
		if err := l.hashTar(); err != nil {
			return v1.Hash{}, l.wrap(err)
		}
	}
	return l.diffID, nil
}

// Pack makes the blob, unless it is there. Digest, Size and Compressed do the
// same with the context of Build.
func (l *Layer) Pack(ctx context.Context) error {
	_, err := l.packed(ctx)
	return err
}

// Digest is the digest of the blob.
func (l *Layer) Digest() (v1.Hash, error) {
	b, err := l.packed(l.ctx)
	if err != nil {
		return v1.Hash{}, err
	}
	return b.digest, nil
}

// Size is the size of the blob, in bytes.
func (l *Layer) Size() (int64, error) {
	b, err := l.packed(l.ctx)
	if err != nil {
		return 0, err
	}
	return b.size, nil
}

// Compressed opens the blob, any number of times.
func (l *Layer) Compressed() (io.ReadCloser, error) {
	b, err := l.packed(l.ctx)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(b.name)
	if err != nil {
		return nil, fmt.Errorf("open the packed %s layer: %w", l.group.Origin, err)
	}
	return f, nil
}

// Uncompressed reads the tar, any number of times.
func (l *Layer) Uncompressed() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(l.wrap(writeTar(l.ctx, w, l.group))) }()
	return r, nil
}

// Close removes the blob. The layer cannot be packed or opened afterwards;
// readers that are open stay usable where the system allows that.
func (l *Layer) Close() error {
	<-l.turn
	defer l.leave()
	l.closed = true
	if l.blob == nil {
		return nil
	}
	name := l.blob.name
	l.blob = nil
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the packed %s layer: %w", l.group.Origin, err)
	}
	return nil
}

func (l *Layer) packed(ctx context.Context) (*blob, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.leave()
	if l.closed {
		return nil, l.wrap(errors.New("it was closed"))
	}
	if l.blob == nil {
		if err := l.pack(ctx); err != nil {
			return nil, l.wrap(err)
		}
	}
	return l.blob, nil
}

func (l *Layer) enter(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.turn:
		return nil
	}
}

func (l *Layer) leave() { l.turn <- struct{}{} }

func (l *Layer) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("make the %s layer: %w", l.group.Origin, err)
}
