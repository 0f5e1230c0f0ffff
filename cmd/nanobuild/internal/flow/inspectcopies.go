package flow

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Duplicates are bytes that an image holds more than once, outside of its base.
type Duplicates struct {
	Bytes int64 `json:"bytes"` // of all files beyond the first of their content, unpacked
	// Files are the contents that there are several files of, those that waste most
	// first; of many the first. Empty files do not count.
	Files  []CopiedFile  `json:"files,omitempty"`
	Layers []CopiedLayer `json:"layers,omitempty"`
	// Incomplete says that the image has more files than were compared.
	Incomplete bool `json:"incomplete,omitempty"`
}

// CopiedFile is a content with the files that have it.
type CopiedFile struct {
	Size int64        `json:"size"`
	At   []FileOfCopy `json:"at"`
}

// FileOfCopy is one of several files with the same content.
type FileOfCopy struct {
	Origin string `json:"origin"` // of its layer
	Path   string `json:"path"`   // such as C:\app\Demo.dll
}

// CopiedLayer is a layer that the manifest names several times. Registries keep one
// of it, and hosts unpack it each time.
type CopiedLayer struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	Times  int    `json:"times"`
}

// Bounds of what is compared and shown: a hostile image has as many files as it
// likes.
const (
	maxCompared      = 200_000
	maxComparedNames = 32 << 20 // bytes
	maxCopied        = 100
)

// copies finds files with the same content.
type copies struct {
	files      map[content][]FileOfCopy
	n, names   int
	incomplete bool
}

type content struct {
	sum  [sha256.Size]byte
	size int64
}

// read adds the files of a layer's tar.
func (c *copies) read(r io.Reader, origin string) error {
	if c.files == nil {
		c.files = map[content][]FileOfCopy{}
	}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("compare its files: %w", err)
		}
		path, ok := strings.CutPrefix(h.Name, "Files/")
		if !ok || h.Typeflag != tar.TypeReg || h.Size == 0 || isSparse(h) {
			continue
		}
		if c.n++; c.n > maxCompared || c.names+len(path) > maxComparedNames {
			c.incomplete = true
			return nil
		}
		c.names += len(path)
		sum := sha256.New()
		if _, err := io.CopyN(sum, t, h.Size); err != nil {
			return fmt.Errorf("compare its files: %w", err)
		}
		key := content{size: h.Size}
		sum.Sum(key.sum[:0])
		c.files[key] = append(c.files[key], FileOfCopy{origin, `C:\` + strings.ReplaceAll(path, "/", `\`)})
	}
}

// isSparse tells files that may claim to be endless.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// report is nil where nothing is there twice.
func (c *copies) report(layers []LayerInspection) *Duplicates {
	d := &Duplicates{Layers: copiedLayers(layers), Incomplete: c.incomplete}
	for key, at := range c.files {
		if len(at) > 1 {
			d.Bytes += key.size * int64(len(at)-1)
			d.Files = append(d.Files, CopiedFile{key.size, at})
		}
	}
	if len(d.Files) == 0 && len(d.Layers) == 0 {
		return nil
	}
	slices.SortFunc(d.Files, func(a, b CopiedFile) int {
		return cmp.Or(cmp.Compare(b.wasted(), a.wasted()), cmp.Compare(a.At[0].Path, b.At[0].Path))
	})
	d.Files = d.Files[:min(len(d.Files), maxCopied)]
	for i, f := range d.Files {
		d.Files[i].At = f.At[:min(len(f.At), maxCopied)]
	}
	return d
}

func (f CopiedFile) wasted() int64 { return f.Size * int64(len(f.At)-1) }

func copiedLayers(layers []LayerInspection) []CopiedLayer {
	times := map[string]int{}
	for _, l := range layers {
		times[l.Digest]++
	}
	var found []CopiedLayer
	for _, l := range layers {
		if n := times[l.Digest]; n > 1 {
			found = append(found, CopiedLayer{l.Digest, l.Size, n})
			times[l.Digest] = 0
		}
	}
	return found
}
