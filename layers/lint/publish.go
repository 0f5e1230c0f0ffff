package lint

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

// endpoints ends the names of files that are packed with other times in them.
const endpoints = ".staticwebassets.endpoints.json"

// publish compares the layers' files with the publish folder, both ways
// (rule 19).
func (c *imageCheck) publish(files *contents) error {
	if c.in.Publish == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(files.nodes)) {
		e := files.nodes[key]
		rel, ok := strings.CutPrefix(e.path, c.in.Target+"/")
		if !ok || e.dir || strings.HasSuffix(rel, endpoints) {
			continue
		}
		sum, err := hashFile(c.in.Publish, rel)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.add(19, Content, e.path, "it is not in the publish folder")
		case err != nil:
			return fmt.Errorf("read %s: %w", rel, err)
		case sum != e.sum:
			c.add(19, Content, e.path, "it differs from the publish folder")
		}
	}
	return fs.WalkDir(c.in.Publish, ".", func(rel string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("list the publish folder: %w", err)
		}
		if p := path.Join(c.in.Target, rel); d.Type().IsRegular() {
			if e, ok := files.nodes[layers.Fold(p)]; !ok || e.path != p {
				c.add(19, Content, p, "the file of the publish folder is not in the layers")
			}
		}
		return nil
	})
}

func hashFile(fsys fs.FS, name string) (sum [sha256.Size]byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	h.Sum(sum[:0])
	return sum, errors.Join(err, f.Close())
}
