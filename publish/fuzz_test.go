package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
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
