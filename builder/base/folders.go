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

// Bounds on reading layers for their folders: bytes of a compressed layer as it
// is stored; and of all layers together the bytes that are unpacked, the entries
// and the folders. Behind a bound nothing is known of the folders.
const (
	maxScanStored  = 64 << 20
	maxScanBytes   = 512 << 20
	maxScanEntries = 1 << 18
	maxScanFolders = 4096
	maxScanName    = 1 << 10 // bytes of a folder's name; Windows allows 255 characters
)

// folders returns the folders below Files that local layers hold, in lower
// case and sorted. It returns nil, for "not known", when a layer is not here, or
// reading them all would take long.
func folders(ctx context.Context, layers []v1.Layer) ([]string, error) {
	s := scan{found: map[string]bool{}, bytes: maxScanBytes, entries: maxScanEntries}
	for _, l := range layers {
		l, ok := l.(*layer)
		if !ok {
			return nil, nil
		}
		known, err := s.layer(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("read the folders of layer %s: %w", l.desc.Digest, err)
		}
		if !known {
			return nil, nil
		}
	}
	sorted := slices.AppendSeq([]string{}, maps.Keys(s.found)) // not nil, even if there are none
	slices.Sort(sorted)
	return sorted, nil
}

// scan collects folders while its bounds allow it.
type scan struct {
	found   map[string]bool
	bytes   int64 // that may still be unpacked
	entries int   // that may still be read
}

// layer adds the folders of one layer, and says whether it could be read cheaply.
func (s *scan) layer(ctx context.Context, l *layer) (known bool, err error) {
	if s.bytes -= l.reach; s.bytes <= 0 {
		return false, nil
	}
	rc, err := l.open()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	if _, cheap := rc.(io.Seeker); cheap && isPlain(l.desc.MediaType) {
		return s.tar(ctx, tar.NewReader(rc))
	}
	if l.desc.Size > maxScanStored {
		return false, nil
	}
	z, err := decompress(io.NopCloser(rc))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	limit := &io.LimitedReader{R: z, N: s.bytes}
	known, err = s.tar(ctx, tar.NewReader(&interruptible{ctx, limit}))
	if s.bytes = limit.N; s.bytes <= 0 {
		return false, nil // the tar was cut off there
	}
	return known, err
}

// tar adds the folders of a tar, and says whether it was read to its end.
func (s *scan) tar(ctx context.Context, tr *tar.Reader) (bool, error) {
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		if f := folder(h); f != "" {
			s.found[f] = true
		}
		if s.entries--; s.entries < 0 || len(s.found) > maxScanFolders {
			return false, nil
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
	if !below && h.Typeflag != tar.TypeDir || strings.HasPrefix(top, ".wh.") || len(top) > maxScanName {
		return ""
	}
	return strings.ToLower(top)
}
