package builder

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nanobuild/nanobuild/layers"
)

// historyEntry says how one layer came to be.
type historyEntry struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
	Comment   string `json:"comment,omitempty"`
}

// layerHistory is the entry of a layer of ours. It names no version of this
// program, or each release would change the config of every image.
func layerHistory(o layers.Origin, c layers.Compression, created string) historyEntry {
	return historyEntry{Created: created, CreatedBy: "nanobuild: " + string(o) + " layer", Comment: c.Comment()}
}

// extendHistory appends entries to a base's history. Registries refuse an image
// whose history does not have exactly one entry for each layer, besides those
// marked empty_layer; a base where that is not so is repaired: for layers
// without an entry, entries are added behind the base's own; entries without a
// layer, counted from the end (where settings follow the layers), are marked
// empty_layer.
func extendHistory(raw json.RawMessage, baseLayers int, created string, ours []historyEntry) (json.RawMessage, []string, error) {
	var entries []json.RawMessage
	if !isNull(raw) {
		if err := json.Unmarshal(raw, &entries); err != nil {
			return nil, nil, err
		}
	}
	full, err := layersOf(entries)
	if err != nil {
		return nil, nil, err
	}
	var warnings []string
	if n := len(full); n != baseLayers {
		warnings = append(warnings, fmt.Sprintf("The base's history has %d entries for %d layers; it is repaired in the image.", n, baseLayers))
	}
	for len(full) > baseLayers {
		last := full[len(full)-1]
		full = full[:len(full)-1]
		if entries[last], err = markEmpty(entries[last]); err != nil {
			return nil, nil, err
		}
	}
	add := ours
	for range baseLayers - len(full) {
		add = append([]historyEntry{{Created: created, CreatedBy: "layer of the base, without a history of its own"}}, add...)
	}
	for _, e := range add {
		entry, err := encode(e)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, entry)
	}
	return list(entries), warnings, nil
}

// layersOf returns the indexes of the entries that stand for a layer.
func layersOf(entries []json.RawMessage) ([]int, error) {
	var out []int
	for i, raw := range entries {
		o, err := parseObject(raw)
		if err != nil || isNull(raw) {
			return nil, errors.New("an entry is not a JSON object")
		}
		var empty bool
		if v := o.get("empty_layer"); !isNull(v) {
			if err := json.Unmarshal(v, &empty); err != nil {
				return nil, err
			}
		}
		if !empty {
			out = append(out, i)
		}
	}
	return out, nil
}

func markEmpty(raw json.RawMessage) (json.RawMessage, error) {
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	o.set("empty_layer", json.RawMessage("true"))
	return o.bytes()
}
