package builder

import (
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// Record says which blob a layer of an image is, by the diffID and the
// compression that it was made with.
type Record struct {
	Compression layers.Compression
	DiffID      v1.Hash
	Blob        layers.Blob
}

// Recorded reads the records in an image: the layers of ours whose history entry
// names the format and the compressor of this program. Others would have other
// bytes if they were made again, so they are left out, as are all layers of an
// image that does not count them alike everywhere. What is no image at all has
// none.
func Recorded(manifest, config []byte) []Record {
	var m struct {
		Layers []descriptor `json:"layers"`
	}
	var c struct {
		RootFS struct {
			DiffIDs []v1.Hash `json:"diff_ids"`
		} `json:"rootfs"`
		History []struct {
			historyEntry
			Empty bool `json:"empty_layer"`
		} `json:"history"`
	}
	if layers.CheckJSON(manifest) != nil || layers.CheckJSON(config) != nil {
		return nil
	}
	if json.Unmarshal(manifest, &m) != nil || json.Unmarshal(config, &c) != nil {
		return nil
	}
	var comments []string // of each layer
	for _, h := range c.History {
		if !h.Empty {
			comments = append(comments, h.Comment)
		}
	}
	if len(comments) != len(m.Layers) || len(c.RootFS.DiffIDs) != len(m.Layers) {
		return nil
	}
	var found []Record
	for i, d := range m.Layers {
		for _, by := range []layers.Compression{layers.Gzip, layers.Zstd} {
			if comments[i] == by.Comment() && d.Size > 0 && d.Digest.Hex != "" && c.RootFS.DiffIDs[i].Hex != "" {
				found = append(found, Record{by, c.RootFS.DiffIDs[i], layers.Blob{Digest: d.Digest, Size: d.Size}})
			}
		}
	}
	return found
}
