package publish

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// MismatchError says that the bytes of a blob are not those its digest and size
// promise: its source is damaged, or changed while it was read.
type MismatchError struct {
	Want     v1.Hash
	WantSize int64
	Got      string // digest read, or "" when the size gave it away
	GotSize  int64
}

func (e *MismatchError) Error() string {
	if e.Got == "" {
		return fmt.Sprintf("blob %s has %d bytes instead of %d: its source is cut short, damaged or changed while it was read; run again", e.Want, e.GotSize, e.WantSize)
	}
	return fmt.Sprintf("blob %s reads as %s: its source is damaged or changed while it was read; run again", e.Want, e.Got)
}

// SourceError says that a layer could not be read from where it comes from: the
// base's registry or a file. The place it goes to is not to blame.
type SourceError struct {
	Layer v1.Hash
	Err   error
}

func (e *SourceError) Error() string {
	text := e.Err.Error()
	if strings.Contains(text, e.Layer.String()) {
		return text // it names the layer by itself
	}
	return fmt.Sprintf("read layer %s: %s", e.Layer, text)
}

func (e *SourceError) Unwrap() error { return e.Err }

// openVerified opens the compressed bytes of l. Before the last of them a read
// fails with a *MismatchError unless digest and size are those of l, and every read
// fails once ctx is done.
func openVerified(ctx context.Context, l v1.Layer) (io.ReadCloser, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, fmt.Errorf("read the digest of a layer: %w", err)
	}
	size, err := l.Size()
	if err != nil {
		return nil, fmt.Errorf("read the size of layer %s: %w", digest, err)
	}
	h, err := v1.Hasher(digest.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("check layer %s: %w", digest, err)
	}
	rc, err := l.Compressed()
	if err != nil {
		return nil, &SourceError{Layer: digest, Err: err}
	}
	return &verifier{ctx: ctx, rc: rc, hash: h, want: digest, size: size}, nil
}

// verifier holds its context because io.Reader has no place for one.
type verifier struct {
	ctx  context.Context //nolint:containedctx // a reader has no place for one
	rc   io.ReadCloser
	hash hash.Hash
	want v1.Hash
	size int64
	read int64
}

func (v *verifier) Read(p []byte) (int, error) {
	if err := context.Cause(v.ctx); err != nil {
		return 0, err
	}
	n, err := v.rc.Read(p)
	v.read += int64(n)
	v.hash.Write(p[:n])
	// Who knows the length never asks for more than the last byte, so that is held
	// back until it is sure that nothing follows.
	if err == nil && v.read == v.size {
		var more [1]byte
		var extra int
		extra, err = io.ReadFull(v.rc, more[:])
		v.read += int64(extra)
	}
	switch {
	case v.read > v.size:
		return 0, v.mismatch("")
	case err == nil:
		return n, nil
	case err != io.EOF:
		return 0, &SourceError{Layer: v.want, Err: err}
	case v.read < v.size:
		return 0, v.mismatch("")
	}
	if got := fmt.Sprintf("%s:%x", v.want.Algorithm, v.hash.Sum(nil)); got != v.want.String() {
		return 0, v.mismatch(got)
	}
	return n, io.EOF
}

func (v *verifier) mismatch(got string) error {
	return &MismatchError{Want: v.want, WantSize: v.size, Got: got, GotSize: v.read}
}

func (v *verifier) Close() error { return v.rc.Close() }

// bodyOf makes the verified bytes of the layer the body of an upload.
func bodyOf(ctx context.Context, l v1.Layer, size int64) *distribution.Body {
	return distribution.NewBody(size, func(offset int64) (io.ReadCloser, error) {
		rc, err := openVerified(ctx, l)
		if err != nil || offset == 0 {
			return rc, err
		}
		// The digest is that of all bytes, so none can be left out.
		if _, err := io.CopyN(io.Discard, rc, offset); err != nil {
			return nil, errors.Join(err, rc.Close())
		}
		return rc, nil
	})
}
