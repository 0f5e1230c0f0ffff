// Package sbom says what an image is made of and how it was built: as an SPDX or a
// CycloneDX document, and as SLSA provenance. The same input gives the same bytes on
// every machine.
package sbom

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

// Input is what a document is made from.
type Input struct {
	Name    string // of the image, such as "shop/web"
	Version string // of the image, such as "1.4.2"; "" is the application's
	// Packages are those of the application, from dotnet.ReadPackages.
	Packages *dotnet.Inventory
	// Files are those of the image's layers, from FilesOf; without them only the
	// packages are described.
	Files  []File
	Clock  layers.Clock // when the document says that it was made: like the image
	Source Source
}

// Source is the commit that an application was built from. The zero value means that
// none is known.
type Source struct {
	Repository string // address for a browser; what is not https or http is left out
	Commit     string // full hash
	Dirty      bool   // what was built is not quite what was committed
}

// File is a file of an image.
type File struct {
	Path   string // slash path below C:\, such as "app/Shop.Web.dll"
	Source string // slash path in the publish folder
	Open   func() (io.ReadCloser, error)
}

// FilesOf lists the files of a plan. AppDir is where the publish folder lies in the
// image, such as `C:\app`.
func FilesOf(plan *layers.Plan, appDir string) []File {
	prefix := strings.Trim(strings.ReplaceAll(strings.TrimPrefix(appDir, `C:`), `\`, "/"), "/")
	var files []File
	for _, g := range plan.Groups {
		for _, e := range g.Entries {
			if e.Dir {
				continue
			}
			source := e.Path
			if prefix != "" {
				source = strings.TrimPrefix(e.Path, prefix+"/")
			}
			files = append(files, File{Path: e.Path, Source: source, Open: e.Open})
		}
	}
	return files
}

// Document is what is known of an image, ready to be written in either format. It is
// safe for concurrent use.
type Document struct {
	in    Input
	files []file
}

// Contents says what of a document is written.
type Contents struct {
	// Bases are the images that it is built on: one for the document of an image, all
	// of them for that of an index.
	Bases []*base.Base
	// PackagesOnly leaves the files out, which are most of a document.
	PackagesOnly bool
}

// file is a file whose content was read.
type file struct {
	path  string
	owner int // index of the packages
	sums
}

// New reads the files once, several at a time, for their checksums. It fails where one
// of them cannot be read.
func New(ctx context.Context, in Input) (*Document, error) {
	if in.Packages == nil || len(in.Packages.Packages) == 0 {
		return nil, fmt.Errorf("describe the image %s: nothing is known of its packages", in.Name)
	}
	d := &Document{in: in}
	if d.in.Version == "" {
		d.in.Version = in.Packages.Packages[0].Version
	}
	checksums, err := sumFiles(ctx, in.Files)
	if err != nil {
		return nil, fmt.Errorf("describe the files of the image %s: %w", in.Name, err)
	}
	for i, f := range in.Files {
		d.files = append(d.files, file{path: path.Clean(f.Path), owner: in.Packages.Owners[f.Source], sums: checksums[i]})
	}
	slices.SortFunc(d.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return d, nil
}
