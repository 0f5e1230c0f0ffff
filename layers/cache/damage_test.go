package cache_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers/cache"
)

// smallFile is the records of a cache with a few records, each of which was put once.
func smallFile(t testing.TB) (data []byte, records map[string]string) {
	t.Helper()
	dir := t.TempDir()
	c := open(t, dir)
	records = map[string]string{"": "empty", "a b": "", "c": "\n\n%", "d": strings.Repeat("d", 40), "e": "\x00\xff"}
	for key, value := range records {
		c.Put("kind", key, []byte(value))
	}
	noProblem(t, c)
	return readFile(t, recordsFile(dir)), records
}

// check opens a damaged file: what it still holds must be right, at least
// atLeast records must be there, and damage, unless it is negative, must be
// counted. Then all records are put again, after which the file must be as good
// as new.
func check(t testing.TB, damaged []byte, records map[string]string, atLeast, damage int) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, recordsFile(dir), damaged)
	c := open(t, dir)
	found := 0
	c.Each("kind", func(key string, value []byte) {
		found++
		if right, ok := records[key]; !ok || right != string(value) {
			t.Errorf("record %q = %q, want %q", key, value, right)
		}
	})
	info := c.Info()
	if found < atLeast || len(info.Records) > 1 {
		t.Errorf("%d records of the kind, want %d: %v", found, atLeast, info)
	}
	if info.Damaged != damage && damage >= 0 {
		t.Errorf("damage of %d counted, want %d", info.Damaged, damage)
	}
	for key, value := range records {
		c.Put("kind", key, []byte(value))
	}
	c.Put("kind", "new", []byte("new"))
	noProblem(t, c)
	c = open(t, dir)
	for key, value := range records {
		want(t, c, "kind", key, value)
	}
	want(t, c, "kind", "new", "new")
	if info := c.Info(); info.Damaged != 0 || len(records)+1 != info.Records["kind"] {
		t.Errorf("not repaired: %v", info)
	}
}

func TestNoFlippedByteChangesARecord(t *testing.T) {
	t.Parallel()
	data, records := smallFile(t)
	for i := range data {
		for _, flip := range []byte{0x01, data[i] ^ '\n', data[i] ^ ' '} {
			if flip == 0 {
				continue
			}
			damaged := bytes.Clone(data)
			damaged[i] ^= flip
			lost := 1
			if data[i] == '\n' {
				lost = 2 // two lines have become one
			}
			check(t, damaged, records, len(records)-lost, -1)
			if t.Failed() {
				t.Fatalf("byte %d of %q flipped by %#x", i, data, flip)
			}
		}
	}
}

func TestNoCutChangesARecord(t *testing.T) {
	t.Parallel()
	data, records := smallFile(t)
	for i := range data {
		torn := 1
		if i == 0 || data[i-1] == '\n' || data[i] == '\n' {
			torn = 0
		}
		check(t, data[:i], records, bytes.Count(data[:i], []byte{'\n'}), torn)
		check(t, data[i:], records, bytes.Count(data[i:], []byte{'\n'})-1, torn)
		if t.Failed() {
			t.Fatalf("%q cut at %d", data, i)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	data, records := smallFile(t)
	n := len(records)
	behind := func(more string) []byte { return append(bytes.Clone(data), more...) }
	tests := map[string]struct {
		data            []byte
		atLeast, damage int
	}{
		"line endings of Windows":    {bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), 0, n},
		"another version":            {append([]byte("2"), data[1:]...), n - 1, 1},
		"zeros":                      {make([]byte, 10_000), 0, 1},
		"zeros behind":               {behind(string(make([]byte, 10_000))), n, 1},
		"empty lines":                {bytes.ReplaceAll(data, []byte("\n"), []byte("\n\n")), n, 0},
		"text before":                {append([]byte("hello\nworld"), data...), n - 1, 2},
		"text behind":                {behind("hello"), n, 1},
		"every line twice":           {behind(string(data)), n, 0},
		"a line glued to a torn one": {append(bytes.Clone(data[:len(data)-3]), data...), n - 1, 1},
		"lines without records":      {behind("1 \n1\n\n1  \n1 2 3 4 5\n"), n, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, tt.data, records, tt.atLeast, tt.damage)
		})
	}
}

func TestTornLinesAreNotContinued(t *testing.T) {
	t.Parallel()
	data, records := smallFile(t)
	dir := t.TempDir()
	writeFile(t, recordsFile(dir), nil)
	c := open(t, dir) // reads nothing, and meets what follows when it writes
	writeFile(t, recordsFile(dir), data[:len(data)-1])
	c.Put("kind", "new", []byte("new"))
	noProblem(t, c)
	if got := readFile(t, recordsFile(dir)); !bytes.HasPrefix(got, data) {
		t.Errorf("the last record's line was changed: %q", got)
	}
	c = open(t, dir)
	for key, value := range records {
		want(t, c, "kind", key, value)
	}
	want(t, c, "kind", "new", "new")
}

func TestHugeFilesAreNotRead(t *testing.T) {
	t.Parallel()
	data, records := smallFile(t)
	for name, fill := range map[string][]byte{"zeros": nil, "lines": []byte("x\n")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, recordsFile(dir), fill)
			// A file of 100 MB that takes no room on the disk.
			if err := os.Truncate(recordsFile(dir), 100_000_000); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(recordsFile(dir), os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(append([]byte("\n"), data...)); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			allocated := testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					open(b, dir)
				}
			}).AllocedBytesPerOp()
			if allocated > 5<<20 {
				t.Errorf("Open needs %d bytes", allocated)
			}
			c := open(t, dir)
			for key, value := range records {
				want(t, c, "kind", key, value)
			}
			c.Put("kind", "new", []byte("new"))
			noProblem(t, c)
			if size := c.Info().Bytes; size > 1000 {
				t.Errorf("the file still has %d bytes", size)
			}
			want(t, open(t, dir), "kind", "new", "new")
			want(t, open(t, dir), "kind", "a b", "")
		})
	}
}

func TestTheFileStaysSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const number = 3000
	value := func(i int) string { return strings.Repeat(fmt.Sprintf("%08d", i), 128) }
	writers := []*cache.Cache{open(t, dir), open(t, dir)}
	for i := range number {
		c := writers[i/10%2]
		c.Put("k", fmt.Sprint(i), []byte(value(i)))
		if size := c.Info().Bytes; size > 1<<20 {
			t.Fatalf("the file has %d bytes after %d records", size, i)
		}
		if i == number/2 {
			// Lines that are lost to newer ones are not what fills the file.
			for range 300 {
				c.Put("again", "", []byte(value(1)))
				c.Put("again", "", []byte(value(2)))
			}
		}
	}
	noProblem(t, writers[0])
	noProblem(t, writers[1])
	c := open(t, dir)
	for i := number - 400; i < number; i++ {
		want(t, c, "k", fmt.Sprint(i), value(i))
	}
	missing(t, c, "k", "1")
	if diff := cmp.Diff([]string{"records", "records.lock"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestUsedRecordsStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	for _, key := range []string{"read", "put again", "unused"} {
		c.Put("old", key, []byte("value"))
	}
	c = open(t, dir)
	want(t, c, "old", "read", "value")
	c.Put("old", "put again", []byte("value"))
	for i := range 1500 {
		c.Put("k", fmt.Sprint(i), make([]byte, 300))
	}
	noProblem(t, c)
	c = open(t, dir)
	want(t, c, "old", "read", "value")
	want(t, c, "old", "put again", "value")
	missing(t, c, "old", "unused")
}

func TestRewritingKeepsTheOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	for _, key := range []string{"a", "b", "c"} {
		c.Put("k", key, []byte("value"))
	}
	addLine(t, dir, "damaged")
	c.Put("k", "d", []byte("value"))
	noProblem(t, c)
	for _, c := range []*cache.Cache{c, open(t, dir)} {
		var keys string
		c.Each("k", func(key string, _ []byte) { keys += key })
		if keys != "dcba" || c.Info().Damaged != 0 {
			t.Errorf("the order is %s, %v", keys, c.Info())
		}
	}
}

func TestTemporaryFilesAreSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "records.new"), []byte("half"))
	c := open(t, dir)
	c.Put("k", "a", []byte("b"))
	noProblem(t, c)
	if diff := cmp.Diff([]string{"records", "records.lock"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}
