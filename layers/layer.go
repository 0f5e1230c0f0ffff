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
	TempDir     string // for blobs; must exist when a blob is needed
	OCI         bool   // media type of the OCI family, else Docker's
	Compression Compression
	// Recorded returns the blob that an earlier run made of the tar with that
	// diffID, with this Compression. Nil means that there are no records at all.
	Recorded func(diffID v1.Hash) (Blob, bool)
	// Verify sees the whole tar once, while it is packed; its error fails that.
	// Optional.
	Verify func(tar io.Reader) error
}

// Blob is what a tar was packed to.
type Blob struct {
	Digest v1.Hash
	Size   int64 // bytes
}

// Layer is a layer of the image. Nothing is read until something is asked for:
// its DiffID costs reading the files, its bytes packing them, once. Where a
// record has its digest, that costs no more than the DiffID. It is safe for
// concurrent use.
type Layer struct {
	ctx   context.Context //nolint:containedctx // of the build; v1.Layer's methods take none
	group Group
	opts  Options
	files int

	turn     chan struct{} // holds one token: whoever has it owns the fields below
	diffID   v1.Hash       // zero until known
	recorded *Blob         // nil without a record, and once the record proved wrong
	packed   *blobFile
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

// Compression is that of the blob.
func (l *Layer) Compression() Compression { return l.opts.Compression }

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

// MediaType is that of a blob with the compression and family of the options.
func (l *Layer) MediaType() (types.MediaType, error) {
	return l.opts.Compression.mediaType(l.opts.OCI), nil
}

// DiffID is the digest of the tar. It reads the files unless they are packed.
func (l *Layer) DiffID() (v1.Hash, error) {
	if err := l.enter(l.ctx); err != nil {
		return v1.Hash{}, err
	}
	defer l.leave()
	err := l.hash(l.ctx)
	return l.diffID, l.wrap(err)
}

// Known returns the blob without packing anything: what was packed already, or
// what the records say of the tar, which is read for that.
func (l *Layer) Known(ctx context.Context) (Blob, bool, error) {
	if err := l.enter(ctx); err != nil {
		return Blob{}, false, err
	}
	defer l.leave()
	return l.known(ctx)
}

// Pack makes the blob, unless it is there. Compressed does the same with the
// context of Build, and so do Digest and Size where no record has them. It fails
// with a *RecordError, once, when the blob is not what was recorded of it.
func (l *Layer) Pack(ctx context.Context) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	return l.pack(ctx)
}

// Blob is digest and size of the blob, which is packed only where no record has
// them.
func (l *Layer) Blob() (Blob, error) {
	if err := l.enter(l.ctx); err != nil {
		return Blob{}, err
	}
	defer l.leave()
	b, ok, err := l.known(l.ctx)
	if err != nil || ok {
		return b, err
	}
	if err := l.pack(l.ctx); err != nil {
		return Blob{}, err
	}
	return l.packed.Blob, nil
}

// Digest is the digest of the blob.
func (l *Layer) Digest() (v1.Hash, error) {
	b, err := l.Blob()
	return b.Digest, err
}

// Size is the size of the blob, in bytes.
func (l *Layer) Size() (int64, error) {
	b, err := l.Blob()
	return b.Size, err
}

// Compressed opens the blob, any number of times.
func (l *Layer) Compressed() (io.ReadCloser, error) {
	if err := l.enter(l.ctx); err != nil {
		return nil, err
	}
	defer l.leave()
	if err := l.pack(l.ctx); err != nil {
		return nil, err
	}
	f, err := os.Open(l.packed.name)
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
	if l.packed == nil {
		return nil
	}
	name := l.packed.name
	l.packed = nil
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the packed %s layer: %w", l.group.Origin, err)
	}
	return nil
}

// hash computes the diffID, unless it is known, and asks the records for it. The
// caller has the turn, here and below.
func (l *Layer) hash(ctx context.Context) error {
	if l.diffID != (v1.Hash{}) {
		return nil
	}
	c := newCounter()
	if err := l.tar(ctx, c); err != nil {
		return err
	}
	l.diffID = c.hash()
	if l.opts.Recorded == nil {
		return nil
	}
	if b, ok := l.opts.Recorded(l.diffID); ok {
		l.recorded = &b
	}
	return nil
}

// known returns the blob that is packed or recorded.
func (l *Layer) known(ctx context.Context) (Blob, bool, error) {
	if l.packed != nil {
		return l.packed.Blob, true, nil
	}
	if l.opts.Recorded == nil {
		return Blob{}, false, nil
	}
	if err := l.hash(ctx); err != nil {
		return Blob{}, false, l.wrap(err)
	}
	if l.recorded == nil {
		return Blob{}, false, nil
	}
	return *l.recorded, true, nil
}

// pack makes the blob and compares it with its record.
func (l *Layer) pack(ctx context.Context) error {
	if l.closed {
		return l.wrap(errors.New("it was closed"))
	}
	if l.packed != nil {
		return nil
	}
	packed, err := l.makeBlob(ctx)
	if err != nil {
		return l.wrap(err)
	}
	l.packed = packed
	if r := l.recorded; r != nil && *r != packed.Blob {
		l.recorded = nil // whoever asks from now on gets the truth
		return &RecordError{Origin: l.group.Origin, DiffID: l.diffID, Recorded: *r, Packed: packed.Blob}
	}
	return nil
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
