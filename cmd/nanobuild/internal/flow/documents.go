package flow

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/sbom"
)

// described is a manifest that is described: an image, or an index of several.
type described struct {
	digest v1.Hash
	bases  []*base.Base // what it is built on
}

// describedBy lists what the project's tags lead to: the index, where all its images are
// the project's, and each image.
func (r *run) describedBy(p *project, digest v1.Hash) ([]described, error) {
	var all []described
	if len(p.result.Images) > 1 && r.IntoIndex == "" {
		all = append(all, described{digest, p.basesOfImages()})
	}
	for _, img := range p.result.Images {
		d, err := img.Digest()
		if err != nil {
			return nil, err
		}
		all = append(all, described{d, []*base.Base{img.Base}})
	}
	return all, nil
}

// The ends of the names of documents in a folder.
const (
	sbomEnd       = ".sbom.json"
	provenanceEnd = ".provenance.json"
)

// documentName is the name, in a folder, of a document about that digest.
func documentName(digest v1.Hash, end string) string {
	return digest.Algorithm + "-" + digest.Hex + end
}

// writeDescriptions writes the files that the user asked for. A file is about all that
// the project's tags lead to; a folder gets a file for each image, and for the index.
func (r *run) writeDescriptions(p *project, digest v1.Hash) error {
	if p.description == nil {
		return nil
	}
	all, err := r.describedBy(p, digest)
	if err != nil {
		return err
	}
	for _, document := range []struct {
		name, place, end string
		write            func(*description, []*base.Base) ([]byte, error)
	}{
		{"SBOM", r.Describe.SBOMFile, sbomEnd, func(d *description, bases []*base.Base) ([]byte, error) {
			return r.sbomOf(d, sbom.Contents{Bases: bases})
		}},
		{"provenance", r.Describe.ProvenanceFile, provenanceEnd, r.provenanceBytes},
	} {
		if document.place == "" {
			continue
		}
		files := map[string][]*base.Base{r.absolute(document.place): p.basesOfImages()}
		if r.isFolder(document.place) {
			files = map[string][]*base.Base{}
			for _, d := range all {
				files[filepath.Join(r.absolute(document.place), documentName(d.digest, document.end))] = d.bases
			}
		}
		for file, bases := range files {
			raw, err := document.write(p.description, bases)
			if err == nil {
				err = writeWhole(file, raw)
			}
			if err != nil {
				return fmt.Errorf("write the %s of %s: %w", document.name, p.argument, err)
			}
		}
	}
	return nil
}

// writeWhole writes a file, in a folder that is made if it is missing, whole or leaves
// what was there.
func writeWhole(file string, content []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
