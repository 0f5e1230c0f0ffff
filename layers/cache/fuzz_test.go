package cache_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the file holds: Open finds records in it that stay the same when the
// file is rewritten, and a record that is put afterwards is there.
func FuzzOpen(f *testing.F) {
	data, _ := smallFile(f)
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add(data[:len(data)/2])
	f.Add([]byte("1 \n\n1 0123456789012345678901 a b c\n"))
	f.Add([]byte{0, '\n', 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		writeFile(t, recordsFile(dir), data)
		c := open(t, dir)
		before := map[string]string{"new": "value"}
		c.Each("kind", func(key string, value []byte) { before[key] = string(value) })
		before["new"] = "value"
		c.Put("kind", "new", []byte("value"))
		noProblem(t, c)
		after := map[string]string{}
		c = open(t, dir)
		c.Each("kind", func(key string, value []byte) { after[key] = string(value) })
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	})
}
