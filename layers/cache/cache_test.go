package cache_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers/cache"
)

// open opens a cache that must have no problem.
func open(t testing.TB, dir string) *cache.Cache {
	t.Helper()
	c := cache.Open(dir)
	noProblem(t, c)
	return c
}

func noProblem(t testing.TB, c *cache.Cache) {
	t.Helper()
	if err := c.Problem(); err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, c *cache.Cache, kind, key, value string) {
	t.Helper()
	if got, ok := c.Get(kind, key); !ok || string(got) != value {
		t.Fatalf("Get(%q, %q) = %.80q, %v, want %.80q", kind, key, got, ok, value)
	}
}

func missing(t testing.TB, c *cache.Cache, kind, key string) {
	t.Helper()
	if got, ok := c.Get(kind, key); ok {
		t.Fatalf("Get(%q, %q) = %.80q, want nothing", kind, key, got)
	}
}

func recordsFile(dir string) string { return filepath.Join(dir, "records") }

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// addLine adds a line to the records.
func addLine(t testing.TB, dir, line string) {
	t.Helper()
	writeFile(t, recordsFile(dir), append(readFile(t, recordsFile(dir)), line+"\n"...))
}

// names returns what lies in the folder.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	tests := []struct{ kind, key, value string }{
		{"layer", "gzip/sha256:0123", "sha256:4567 89"},
		{"", "", ""},
		{"", "a", ""},
		{"a", "", "b"},
		{"a b", "c", "one"},
		{"a", "b c", "two"},
		{"a%20b", "c", "three"},
		{"a\nb", "\x00", "line\nline\r\n"},
		{"json", "{\"a\": 1}", "{\n\t\"b\": \"%0A\"\n}"},
		{string(every), string(every), string(every)},
		{"äöü", "日本", "\xff\xfe"},
		{"large", "x", strings.Repeat("\n", 64<<10)},
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	first := open(t, dir)
	for _, tt := range tests {
		first.Put(tt.kind, tt.key, []byte(tt.value))
	}
	noProblem(t, first)
	for _, c := range []*cache.Cache{first, open(t, dir)} {
		for _, tt := range tests {
			want(t, c, tt.kind, tt.key, tt.value)
			if !c.Has(tt.kind) {
				t.Errorf("no kind %q", tt.kind)
			}
		}
		if c.Has("a ") || c.Has("none") {
			t.Error("there is a kind that was never put")
		}
		missing(t, c, "a b", "")
		missing(t, c, "layer", "gzip")
	}
}

func TestLaterRecordsWin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	for _, put := range []string{"a 1", "b 1", "c 1", "a 2", "b 2", "a 1"} {
		key, value, _ := strings.Cut(put, " ")
		c.Put("k", key, []byte(value))
	}
	c.Put("other", "a", nil)
	for _, c := range []*cache.Cache{c, open(t, dir)} {
		var got []string
		c.Each("k", func(key string, value []byte) {
			got = append(got, key+" "+string(value))
			c.Get("k", key) // the records may be used within
		})
		if diff := cmp.Diff([]string{"a 1", "b 2", "c 1"}, got); diff != "" {
			t.Error(diff)
		}
	}
	info := open(t, dir).Info()
	if diff := cmp.Diff(cache.Info{
		File: recordsFile(dir), Bytes: int64(len(readFile(t, recordsFile(dir)))),
		Records: map[string]int{"k": 3, "other": 1},
	}, info); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastProcessWins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := open(t, dir), open(t, dir)
	one.Put("k", "a", []byte("one"))
	two.Put("k", "a", []byte("two"))
	two.Put("k", "b", []byte("two"))
	want(t, one, "k", "a", "one") // it has not looked
	one.Put("k", "a", []byte("one"))
	want(t, open(t, dir), "k", "a", "one")
	want(t, one, "k", "b", "two") // now it has
	two.Put("k", "a", []byte("two"))
	want(t, open(t, dir), "k", "a", "two")
}

func TestNothingIsWrittenTwice(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	early := open(t, dir)
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("Open made the folder: %v", err)
	}
	put := func(c *cache.Cache) {
		for i := range 20 {
			c.Put("k", fmt.Sprint(i), []byte("value"))
		}
		noProblem(t, c)
	}
	put(open(t, dir))
	before, err := os.Stat(recordsFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	put(again)
	put(again)
	put(early) // it was opened before the records were there
	after, err := os.Stat(recordsFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if !after.ModTime().Equal(before.ModTime()) || after.Size() != before.Size() {
		t.Errorf("the file was written again: %v, %d bytes; before %v, %d bytes",
			after.ModTime(), after.Size(), before.ModTime(), before.Size())
	}
	if diff := cmp.Diff([]string{"records", "records.lock"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	if folder, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && (folder.Mode().Perm() != 0o700 || after.Mode().Perm() != 0o600) {
		t.Errorf("modes %v and %v, %v, want 0700 and 0600", folder.Mode(), after.Mode(), err)
	}
}

func TestWhatIsTooLargeIsNotKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	c.Put("k", "value", make([]byte, 64<<10+1))
	c.Put("k", strings.Repeat("k", 4<<10), nil)
	if c.Has("k") || len(names(t, dir)) > 0 {
		t.Errorf("kept %v in %v", c.Info(), names(t, dir))
	}
	noProblem(t, c)
}

func TestValuesAreCopies(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	value := []byte("value")
	c.Put("k", "a", value)
	value[0] = 'X'
	got, _ := c.Get("k", "a")
	got[1] = 'X'
	c.Each("k", func(_ string, value []byte) { value[2] = 'X' })
	want(t, c, "k", "a", "value")
}

func TestCachesThatAreOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*cache.Cache{"nil": nil, "no folder": cache.Open("")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Put("k", "a", []byte("b"))
			missing(t, c, "k", "a")
			if c.Has("k") {
				t.Error("it has a record")
			}
			c.Each("k", func(string, []byte) { t.Error("there is a record") })
			c.PutLayer("gzip", hash('a'), cache.Blob{Digest: hash('b'), Size: 1})
			if b, ok := c.Layer("gzip", hash('a')); ok {
				t.Errorf("it has a layer %v", b)
			}
			noProblem(t, c)
			if diff := cmp.Diff(cache.Info{}, c.Info()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := cache.Clear(""); err != nil {
		t.Error(err)
	}
}

func hash(digit byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: string(bytes.Repeat([]byte{digit}, 64))}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	blob := cache.Blob{Digest: hash('b'), Size: 123}
	c.PutLayer("gzip 6", hash('a'), blob)
	for name, bad := range map[string]string{
		"empty": "", "no size": blob.Digest.String(), "no number": blob.Digest.String() + " x",
		"nothing": blob.Digest.String() + " 0", "more": blob.Digest.String() + " 1 2", "no digest": "sha256:abc 1",
	} {
		c.Put("layer", name+"/"+hash('a').String(), []byte(bad))
		if b, ok := c.Layer(name, hash('a')); ok {
			t.Errorf("%s: %v", name, b)
		}
	}
	c.PutLayer("gzip 9", hash('a'), cache.Blob{Digest: hash('b')})
	c.PutLayer("gzip 9", hash('a'), cache.Blob{Size: 1})
	c = open(t, dir)
	if b, ok := c.Layer("gzip 6", hash('a')); !ok || b != blob {
		t.Errorf("Layer = %v, %v", b, ok)
	}
	for compressor, diffID := range map[string]v1.Hash{"gzip 9": hash('a'), "gzip 6": hash('b')} {
		if b, ok := c.Layer(compressor, diffID); ok {
			t.Errorf("%s, %s: %v", compressor, diffID, b)
		}
	}
}

func TestThirtyLayersAreSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	for i := range 30 {
		c.PutLayer("pgzip 1.3.0 level 6 blocks 1048576", hash('a'+byte(i%6)), cache.Blob{Digest: hash('b'), Size: int64(i) + 40_000_000})
	}
	if size := c.Info().Bytes; size > 30*300 {
		t.Errorf("30 layers need %d bytes", size)
	}
}
