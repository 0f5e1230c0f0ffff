package lint

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

const (
	maxEntries    = 1 << 18  // a layer has a few thousand; all of Windows has 200,000
	maxLayerNames = 32 << 20 // bytes of all names
	maxFaults     = 10_000   // after which nobody wants to know more
	maxFile       = 8 << 30  // the largest file that Windows imports
	blockSize     = 512      // of a tar
)

// LayerOptions says what a layer should be. The zero value checks the format
// without the times.
type LayerOptions struct {
	Mode       Mode
	CheckTimes bool          // compare times with Clock and Origin; costs hashing the files
	Origin     layers.Origin // of the layer, for the times
	Clock      layers.Clock  // of the layer's history entry, for the times
	Writable   []string      // slash paths below C: of folders that users may modify
	// AnyWritable accepts the rights of writable folders anywhere, for an image
	// whose folders of that kind are not known.
	AnyWritable bool
}

// Layer checks the uncompressed tar of one layer: rules 1-18 and 32-34 in
// strict mode, 33 in permissive mode. Files are streamed, never held. The error
// is that of the reader; what is wrong with the tar is in the report.
func Layer(r io.Reader, o LayerOptions) (Report, error) {
	src := &meter{r: r}
	c := &layerCheck{opts: o, found: newCollector(), imp: newImporter(), src: src, tar: tar.NewReader(src), buf: make([]byte, 64<<10)}
	c.run()
	if src.err != nil {
		return Report{}, fmt.Errorf("read the layer: %w", src.err)
	}
	c.report.Findings = c.found.findings()
	return c.report, nil
}

// Verifier returns a function for layers.Options.Verify that refuses a layer
// with faults; warnings are dropped.
func Verifier(o LayerOptions) func(tar io.Reader) error {
	return func(tar io.Reader) error {
		r, err := Layer(tar, o)
		if err != nil {
			return err
		}
		return r.Err()
	}
}

// meter counts what is read, and keeps the reader's own error apart from what
// the tar reader makes of it.
type meter struct {
	r   io.Reader
	n   int64
	err error
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}

type layerCheck struct {
	opts   LayerOptions
	found  *collector
	imp    *importer
	report Report
	src    *meter
	tar    *tar.Reader
	buf    []byte

	index int    // of the entry
	names int    // bytes of all names so far
	prev  string // the last path below Files
	end   int64  // where the last entry's content ends; -1 when not known
}

func (c *layerCheck) run() {
	for {
		h, err := c.tar.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			c.found.addf(1, Malformed, "the tar cannot be read: %v", err)
			return
		}
		if c.names += len(h.Name); c.index >= maxEntries || c.names > maxLayerNames {
			c.found.addf(1, TooMuch, "the layer has more than %d entries, or %d MiB of names", maxEntries, maxLayerNames>>20)
			return
		}
		if c.found.faults > maxFaults {
			c.found.addf(1, TooMuch, "the layer has more than %d faults: the rest of it was not read", maxFaults)
			return
		}
		if !c.entry(h) {
			return
		}
		c.index++
	}
	for _, f := range c.imp.finish() {
		c.found.add(f)
	}
	if c.opts.Mode == Strict {
		c.tail()
	}
}

// entry checks one entry, and says whether the tar can be read on.
func (c *layerCheck) entry(h *tar.Header) bool {
	found := c.imp.add(h)
	sum, known, err := c.content(h)
	if err != nil {
		c.found.add(Finding{Assertion: 1, Class: Malformed, Path: h.Name, Message: fmt.Sprintf("its content cannot be read: %v", err)})
		return false
	}
	if c.opts.Mode == Strict {
		found = append(found, c.strict(h)...)
		if known {
			found = append(found, c.fileTime(h, sum)...)
		}
	} else {
		found = append(found, nameWarnings(h)...)
	}
	c.note(h.Name, found)
	return true
}

// note keeps one finding of each class for an entry, faults before warnings.
func (c *layerCheck) note(name string, found []Finding) {
	seen := map[Class]bool{}
	for _, warnings := range []bool{false, true} {
		for _, f := range found {
			if f.Warning == warnings && !seen[f.Class] {
				f.Path = name
				c.found.add(f)
				seen[f.Class] = true
			}
		}
	}
}

// content reads an entry's bytes, and hashes those of files if times count.
// What claims to be sparse is skipped: it can be endless.
func (c *layerCheck) content(h *tar.Header) (sum [sha256.Size]byte, hashed bool, err error) {
	if strings.HasPrefix(h.Name, "Files/") {
		if h.Typeflag == tar.TypeDir {
			c.report.Dirs++
		} else {
			c.report.Files++
			c.report.Bytes += h.Size
		}
	}
	c.end = -1
	if sparse(h) || h.Size > maxFile {
		return sum, false, nil
	}
	w := io.Discard
	var digest hash.Hash
	if c.opts.CheckTimes && c.opts.Mode == Strict && h.Typeflag == tar.TypeReg {
		digest = sha256.New()
		w = digest
	}
	if _, err := io.CopyBuffer(onlyWriter{w}, c.tar, c.buf); err != nil {
		return sum, false, err
	}
	c.end = c.src.n
	if digest != nil {
		digest.Sum(sum[:0])
	}
	return sum, digest != nil, nil
}

// onlyWriter hides ReadFrom, which would not use the buffer.
type onlyWriter struct{ io.Writer }

func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// tail wants two zero blocks at the end, and nothing but zeros behind them.
func (c *layerCheck) tail() {
	if c.end >= 0 {
		padded := (c.end + blockSize - 1) / blockSize * blockSize
		if c.src.n-padded < 2*blockSize {
			c.found.addf(1, Malformed, "the tar has no end marker")
		}
	}
	for {
		n, err := c.src.Read(c.buf)
		for _, b := range c.buf[:n] {
			if b != 0 {
				c.found.addf(1, Malformed, "there are bytes behind the end of the tar")
				return
			}
		}
		if err != nil {
			return
		}
	}
}
