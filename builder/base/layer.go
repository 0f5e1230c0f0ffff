package base

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// described is what a layer's manifest and config say of it.
type described struct {
	desc   v1.Descriptor
	diffID v1.Hash
}

func (d *described) Digest() (v1.Hash, error)            { return d.desc.Digest, nil }
func (d *described) DiffID() (v1.Hash, error)            { return d.diffID, nil }
func (d *described) Size() (int64, error)                { return d.desc.Size, nil }
func (d *described) MediaType() (types.MediaType, error) { return d.desc.MediaType, nil }

// Descriptor returns that of the manifest, URLs and annotations included; see
// go-containerregistry's partial.Descriptor.
func (d *described) Descriptor() (*v1.Descriptor, error) { return d.desc.DeepCopy(), nil }

// layer is one of a layout or an archive. Its bytes stay there.
type layer struct {
	described
	// open returns the bytes as they are stored, unchecked.
	open func() (io.ReadCloser, error)
	// reach is how many bytes open reads and throws away.
	reach int64
}

var _ v1.Layer = (*layer)(nil)

// Exists says whether the layer's bytes are here: foreign layers may be left
// out. See go-containerregistry's partial.Exists.
func (l *layer) Exists() (bool, error) {
	rc, err := l.open()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, rc.Close()
}

// Compressed returns the layer's bytes. Reading fails at the end when they have
// not the digest and size of the descriptor.
func (l *layer) Compressed() (io.ReadCloser, error) {
	rc, err := l.open()
	if errors.Is(err, fs.ErrNotExist) && len(l.desc.URLs) > 0 {
		return nil, fmt.Errorf("read foreign layer %s, which is at %s: %w", l.desc.Digest, strings.Join(l.desc.URLs, ", "), err)
	}
	if err != nil {
		return nil, fmt.Errorf("read layer %s: %w", l.desc.Digest, err)
	}
	h, err := v1.Hasher(l.desc.Digest.Algorithm)
	if err != nil {
		return nil, errors.Join(err, rc.Close())
	}
	return &verified{ReadCloser: rc, hash: h, desc: l.desc}, nil
}

// Uncompressed returns the tar.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	rc, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	return decompress(rc)
}

// verified checks what passes through it against a descriptor.
type verified struct {
	io.ReadCloser
	hash hash.Hash
	read int64
	desc v1.Descriptor
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.read += int64(n)
	if _, werr := v.hash.Write(p[:n]); werr != nil {
		return 0, werr
	}
	if v.read > v.desc.Size {
		return 0, fmt.Errorf("layer %s is damaged: it has more than its %d bytes", v.desc.Digest, v.desc.Size)
	}
	if errors.Is(err, io.EOF) && v.read < v.desc.Size {
		return n, fmt.Errorf("layer %s is damaged: it has %d instead of %d bytes", v.desc.Digest, v.read, v.desc.Size)
	}
	if v.read == v.desc.Size && (n > 0 || err != nil) {
		if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.desc.Digest.Hex {
			return 0, fmt.Errorf("layer %s is damaged: its bytes have the digest %s:%s", v.desc.Digest, v.desc.Digest.Algorithm, got)
		}
	}
	return n, err
}
