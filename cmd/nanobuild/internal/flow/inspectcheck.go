package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// check looks at the blob first, packed and then unpacked. What cannot be unpacked
// to what the config says has the same fault in both reports.
func (c *checker) check(l v1.Layer, key checkedKey, size int64) (layerReports, error) {
	file, err := c.fetch(l, key.digest)
	if err != nil {
		return layerReports{}, err
	}
	ours := key.origin != OtherOrigin
	if !ours { // ours are looked at once more, with the whole image
		defer func() { _ = os.Remove(file) }() // else it goes with the folder
	}
	mediaType, err := l.MediaType()
	if err != nil {
		return layerReports{}, err
	}
	compression := layers.CompressionOf(mediaType)
	packed, err := checkBlob(file, compression, key, size)
	if err != nil {
		return layerReports{}, err
	}
	if !packed.OK() && !unpacks(file, compression, key.diffID, size) {
		return layerReports{packed, packed}, nil
	}
	unpack := func() (io.ReadCloser, error) { return openPacked(file, compression) }
	origin := layers.Origin(key.origin)
	if ours {
		c.ours = append(c.ours, lint.ImageLayer{DiffID: key.diffID, Tar: unpack})
	}
	var reports layerReports
	strict := lint.LayerOptions{Mode: lint.Strict, Origin: origin, Clock: key.clock, CheckTimes: ours, AnyWritable: true}
	if reports.strict, err = checkTar(unpack, strict); err != nil {
		return reports, err
	}
	reports.strict.Findings = append(reports.strict.Findings, packed.Findings...)
	if reports.importer, err = checkTar(unpack, lint.LayerOptions{Mode: lint.Permissive}); err != nil || !reports.importer.OK() {
		return reports, err
	}
	return reports, c.lookInto(unpack, key.origin)
}

func checkBlob(file string, compression layers.Compression, key checkedKey, size int64) (lint.Report, error) {
	blob, err := os.Open(file)
	if err != nil {
		return lint.Report{}, err
	}
	report, err := lint.Blob(blob, compression, key.digest, key.diffID, size)
	return report, errors.Join(err, blob.Close())
}

func checkTar(unpack func() (io.ReadCloser, error), o lint.LayerOptions) (lint.Report, error) {
	tar, err := unpack()
	if err != nil {
		return lint.Report{}, err
	}
	report, err := lint.Layer(tar, o)
	return report, errors.Join(err, tar.Close())
}

// The most that a layer may unpack to, so that a small one does not keep a machine
// busy for hours: programs shrink to a half or a third.
const (
	minUnpacked = 1 << 30
	maxRatio    = 200
)

// unpacks says whether a blob of another tool, whose gzip has another form than
// ours, holds what the config says.
func unpacks(file string, compression layers.Compression, diffID v1.Hash, size int64) bool {
	tar, err := openPacked(file, compression)
	if err != nil {
		return false
	}
	sum := sha256.New()
	most := max(minUnpacked, maxRatio*size)
	n, err := io.Copy(sum, io.LimitReader(tar, most+1))
	return errors.Join(err, tar.Close()) == nil && n <= most && hex.EncodeToString(sum.Sum(nil)) == diffID.Hex
}

// lookInto finds programs and copies of files in the layer.
func (c *checker) lookInto(unpack func() (io.ReadCloser, error), origin string) error {
	for _, look := range []func(io.Reader) error{
		func(r io.Reader) error {
			if origin != OtherOrigin && origin != string(layers.App) {
				return nil // all programs of ours are in the app's layer
			}
			found, err := readPrograms(r)
			c.programs = append(c.programs, found...)
			return err
		},
		func(r io.Reader) error { return c.copies.read(r, origin) },
	} {
		tar, err := unpack()
		if err != nil {
			return err
		}
		if err := errors.Join(look(tar), tar.Close()); err != nil {
			return fmt.Errorf("look into the layer: %w", err)
		}
	}
	return nil
}

func (c *checker) fetch(l v1.Layer, digest v1.Hash) (file string, err error) {
	file = filepath.Join(c.dir, digest.Hex)
	return file, distribution.Intact(func() error { return fetchInto(file, l) })
}

func fetchInto(file string, l v1.Layer) (err error) {
	blob, err := l.Compressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, blob)
	return errors.Join(err, out.Close())
}

// unpacked is the content of a file.
type unpacked struct {
	io.ReadCloser
	file *os.File
}

func (u *unpacked) Close() error { return errors.Join(u.ReadCloser.Close(), u.file.Close()) }

func openPacked(name string, c layers.Compression) (io.ReadCloser, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := c.Unpack(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &unpacked{ReadCloser: r, file: file}, nil
}
