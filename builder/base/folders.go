package base

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds on the layers that are read for their folders: bytes of a compressed
// one as it is stored, and of what comes out of it.
const (
	maxScanStored = 64 << 20
	maxScanTar    = 1 << 30
)

// folders returns the folders below Files that local layers hold, in lower
// case and sorted. It returns nil, for "not known", when a layer is not here or
// is compressed and larger than 64 MiB.
func folders(ctx context.Context, layers []v1.Layer) ([]string, error) {
	found := map[string]bool{}
	for _, l := range layers {
		l, ok := l.(*layer)
		if !ok {
			return nil, nil
		}
		known, err := l.folders(ctx, found)
		if err != nil {
			return nil, fmt.Errorf("read the folders of layer %s: %w", l.desc.Digest, err)
		}
		if !known {
			return nil, nil
		}
	}
	sorted := slices.AppendSeq([]string{}, maps.Keys(found)) // not nil, even if there are none
	slices.Sort(sorted)
	return sorted, nil
}

// folders adds those of one layer, and says whether it could be read cheaply.
func (l *layer) folders(ctx context.Context, found map[string]bool) (known bool, err error) {
	rc, err := l.open()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	var r io.Reader = rc
	limit := &io.LimitedReader{N: maxScanTar}
	if _, cheap := rc.(io.Seeker); !cheap || !isPlain(l.desc.MediaType) {
		if l.desc.Size > maxScanStored {
			return false, nil
		}
		z, err := decompress(io.NopCloser(rc))
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, z.Close()) }()
		limit.R = z
		r = &interruptible{ctx, limit}
	}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if limit.N <= 0 {
			return false, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		if f := folder(h); f != "" {
			found[f] = true
		}
	}
}

// folder returns the top-level folder of C: that an entry is or lies in.
func folder(h *tar.Header) string {
	name := strings.TrimPrefix(strings.TrimSuffix(h.Name, "/"), "./")
	rest, ok := strings.CutPrefix(name, "Files/")
	if !ok {
		return ""
	}
	top, _, below := strings.Cut(rest, "/")
	if !below && h.Typeflag != tar.TypeDir || strings.HasPrefix(top, ".wh.") {
		return ""
	}
	return strings.ToLower(top)
}
