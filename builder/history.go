package builder

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nanobuild/nanobuild/layers"
)

// historyEntry says how one layer came to be.
type historyEntry struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
	Comment   string `json:"comment,omitempty"`
}

// What is around the origin in the created_by of a layer of ours.
const (
	ourStep    = "nanobuild: "
	ourStepEnd = " layer"
)

// layerHistory is the entry of a layer of ours. It names no version of this
// program, or each release would change the config of every image.
func layerHistory(o layers.Origin, c layers.Compression, created string) historyEntry {
	return historyEntry{Created: created, CreatedBy: ourStep + string(o) + ourStepEnd, Comment: c.Comment()}
}

// extendHistory appends entries to a base's history, which is repaired where it
// does not count the base's layers.
func extendHistory(raw json.RawMessage, baseLayers int, created string, ours []historyEntry) (json.RawMessage, []string, error) {
	entries, err := readHistory(raw)
	if err != nil {
		return nil, nil, err
	}
	entries, warnings, err := repairHistory(entries, baseLayers, created, "base")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range ours {
		entry, err := encode(e)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, entry)
	}
	return list(entries), warnings, nil
}

func readHistory(raw json.RawMessage) ([]json.RawMessage, error) {
	var entries []json.RawMessage
	if isNull(raw) {
		return nil, nil
	}
	err := json.Unmarshal(raw, &entries)
	return entries, err
}

// repairHistory makes entries stand for so many layers of the thing called whose.
// Registries refuse an image whose history does not have exactly one entry for
// each layer, besides those marked empty_layer. For layers without an entry,
// entries are added behind the others; entries without a layer, counted from the
// end (where settings follow the layers), are marked empty_layer.
func repairHistory(entries []json.RawMessage, layers int, created, whose string) ([]json.RawMessage, []string, error) {
	full, err := layersOf(entries)
	if err != nil || len(full) == layers {
		return entries, nil, err
	}
	entries = slices.Clone(entries)
	warnings := []string{fmt.Sprintf("The %s's history has %d entries for %d layers; it is repaired in the image.", whose, len(full), layers)}
	for len(full) > layers {
		last := full[len(full)-1]
		full = full[:len(full)-1]
		if entries[last], err = markEmpty(entries[last]); err != nil {
			return nil, nil, err
		}
	}
	missing, err := encode(historyEntry{Created: created, CreatedBy: "layer of the " + whose + ", without a history of its own"})
	if err != nil {
		return nil, nil, err
	}
	for range layers - len(full) {
		entries = append(entries, missing)
	}
	return entries, warnings, nil
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
