package flow

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// checker reads the layers that nanobuild made, each once into a file, and
// checks them and the image.
type checker struct {
	image    *base.Base
	config   *v1.ConfigFile
	dir      string // for the blobs
	ours     []lint.ImageLayer
	programs []program // in the layers of the application
	seen     map[checkedKey]lint.Report
}

// checkedKey is what a report on a layer depends on. An image may name one layer
// hundreds of times.
type checkedKey struct {
	digest, diffID v1.Hash
	origin         layers.Origin
	clock          layers.Clock
}

// layers describes the layers in order; the history entries that are not empty
// belong to them.
func (c *checker) layers(found *Inspection) error {
	var filled []v1.History
	for _, h := range c.config.History {
		if !h.EmptyLayer {
			filled = append(filled, h)
		}
	}
	if len(filled) != len(c.image.Layers) {
		filled = make([]v1.History, len(c.image.Layers)) // it tells nothing about single layers
	}
	for i, l := range c.image.Layers {
		info, err := c.layer(l, filled[i], c.config.RootFS.DiffIDs[i])
		if err != nil {
			return err
		}
		found.Layers = append(found.Layers, info)
	}
	return nil
}

func (c *checker) layer(l v1.Layer, h v1.History, diffID v1.Hash) (LayerInspection, error) {
	digest, err := l.Digest()
	if err != nil {
		return LayerInspection{}, err
	}
	size, err := l.Size()
	if err != nil {
		return LayerInspection{}, err
	}
	mediaType, err := l.MediaType()
	if err != nil {
		return LayerInspection{}, err
	}
	info := LayerInspection{
		Origin: otherOrigin, Digest: digest.String(), DiffID: diffID.String(),
		MediaType: string(mediaType), Size: size, CreatedBy: h.CreatedBy,
	}
	origin, ours := ourOrigin(h.CreatedBy)
	if !ours {
		return info, nil
	}
	info.Origin = string(origin)
	key := checkedKey{digest, diffID, origin, clockOf(h)}
	report, known := c.seen[key]
	if !known {
		report, err = c.check(l, digest, diffID, size, lint.LayerOptions{
			Mode: lint.Strict, Origin: origin, Clock: key.clock, CheckTimes: true, AnyWritable: true,
		})
		if err != nil {
			return LayerInspection{}, fmt.Errorf("%s layer: %w", origin, err)
		}
		c.seen[key] = report
	}
	info.Files = report.Files
	info.Verdict, info.Findings = verdict(report)
	return info, nil
}

// check looks at the blob first, packed and then unpacked.
func (c *checker) check(l v1.Layer, digest, diffID v1.Hash, size int64, o lint.LayerOptions) (lint.Report, error) {
	file, err := c.fetch(l, digest)
	if err != nil {
		return lint.Report{}, err
	}
	blob, err := os.Open(file)
	if err != nil {
		return lint.Report{}, err
	}
	mediaType, err := l.MediaType()
	if err != nil {
		return lint.Report{}, errors.Join(err, blob.Close())
	}
	compression := layers.CompressionOf(mediaType)
	packed, err := lint.Blob(blob, compression, digest, diffID, size)
	if err = errors.Join(err, blob.Close()); err != nil || !packed.OK() {
		return packed, err
	}
	unpack := func() (io.ReadCloser, error) { return openPacked(file, compression) }
	c.ours = append(c.ours, lint.ImageLayer{DiffID: diffID, Tar: unpack})
	tar, err := unpack()
	if err != nil {
		return lint.Report{}, err
	}
	report, err := lint.Layer(tar, o)
	report.Findings = append(report.Findings, packed.Findings...)
	if err = errors.Join(err, tar.Close()); err != nil || o.Origin != layers.App || !report.OK() {
		return report, err
	}
	return report, c.lookForPrograms(unpack)
}

func (c *checker) lookForPrograms(unpack func() (io.ReadCloser, error)) error {
	tar, err := unpack()
	if err != nil {
		return err
	}
	found, err := readPrograms(tar)
	c.programs = append(c.programs, found...)
	return errors.Join(err, tar.Close())
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

// whole checks the image that the layers make. Images without a layer of
// nanobuild's get no verdict.
func (c *checker) whole(found *Inspection) error {
	if len(c.ours) == 0 {
		return nil
	}
	report, err := lint.Image(lint.ImageInput{
		Manifest: c.image.Manifest, Config: c.image.Config, Layers: c.ours,
		// The flags of the build are not known: nothing of them is a fault.
		Asked: lint.Asked{User: true, Path: true, Cmd: true},
	})
	if err != nil {
		return fmt.Errorf("check the image %s: %w", c.image.Name, err)
	}
	found.Verdict, found.Findings = verdict(report)
	return nil
}
