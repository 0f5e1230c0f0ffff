package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// FuzzShape lets no deep or crowded JSON through, and refuses no other.
func FuzzShape(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:00","annotations":{"a":"[,{\\\""}}]}`), 1)
	f.Add([]byte(`[]`), maxDepth+1)
	f.Add([]byte(`"\\"`), maxDepth)
	f.Add([]byte(`1E700`), 1)
	f.Fuzz(func(t *testing.T, raw []byte, around int) {
		if !json.Valid(raw) {
			return
		}
		n := max(0, around) % (2 * maxDepth)
		nested := []byte(strings.Repeat("[", n) + string(raw) + strings.Repeat("]", n))
		depth, deep := 0, 0
		dec := json.NewDecoder(bytes.NewReader(nested))
		dec.UseNumber() // of any size
		for ; ; depth = max(depth, deep) {
			token, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch token {
			case json.Delim('['), json.Delim('{'):
				deep++
			case json.Delim(']'), json.Delim('}'):
				deep--
			}
		}
		if got, want := checkShape(nested) == nil, depth <= maxDepth && len(raw) < maxValues; got != want && len(raw) < maxValues {
			t.Errorf("%q, nested %d deep, is accepted: %v", nested, depth, got)
		}
	})
}

// FuzzIndexType takes nothing for an index that could be read as an image.
func FuzzIndexType(f *testing.F) {
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`), "")
	f.Add([]byte(`{"manifests":[],"layers":[]}`), string(types.OCIManifestSchema1))
	f.Add([]byte(`{"manifests":null}`), string(types.DockerManifestList))
	f.Fuzz(func(t *testing.T, raw []byte, served string) {
		d := distribution.Document{Held: distribution.Held{MediaType: types.MediaType(served)}, Content: raw}
		mt, err := indexType(d, "v1")
		if err != nil {
			return
		}
		if !mt.IsIndex() {
			t.Errorf("%s is of the type %s", raw, mt)
		}
		var shape map[string]json.RawMessage
		if err := json.Unmarshal(raw, &shape); err != nil {
			t.Fatal(err)
		}
		if _, ok := shape["layers"]; ok {
			t.Errorf("%s has layers", raw)
		}
	})
}
