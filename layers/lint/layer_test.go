package lint

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nanobuild/nanobuild/layers"
)

func sortedKeys(m map[string]string) []string {
	return slices.SortedFunc(maps.Keys(m), layers.Compare)
}

func TestOurFixtureIsClean(t *testing.T) {
	t.Parallel()
	items := layerOf(dir("Files/app"), file("Files/app/App.exe"), dir("Files/app/de"), file("Files/app/de/a.dll"), file("Files/app/de.dll"))
	r := lintItems(t, Strict, items)
	if len(r.Findings) > 0 || r.Files != 3 || r.Dirs != 2 || r.Bytes != 6 {
		t.Errorf("%+v", r)
	}
	if r := lintItems(t, Permissive, items); len(r.Findings) > 0 {
		t.Errorf("permissive: %+v", r)
	}
}

// TestStrictRefuses mutates a clean layer, one fault at a time.
func TestStrictRefuses(t *testing.T) {
	t.Parallel()
	app := dir("Files/app")
	record := func(key, value string) func(*tar.Header) {
		return func(h *tar.Header) {
			h.PAXRecords = maps.Clone(h.PAXRecords)
			if value == "" {
				delete(h.PAXRecords, key)
			} else {
				h.PAXRecords[key] = value
			}
		}
	}
	exe := func(f func(*tar.Header)) []item { return layerOf(app, change(file("Files/app/App.exe"), f)) }
	early := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)
	long := strings.Repeat("n", 256)
	tests := []struct {
		name  string
		rule  int
		class Class
		items []item
	}{
		{"names that differ in case", 6, Exists, layerOf(app, file("Files/app/A.dll"), file("Files/app/a.dll"))},
		{"a file and a folder that differ in case", 6, Exists, layerOf(app, dir("Files/app/D"), file("Files/app/d"))},
		{"a name twice", 6, Exists, layerOf(app, file("Files/app/a"), file("Files/app/a"))},
		{"beside the importer's own file", 6, Exists, layerOf(app, dir("Files/app/d"), file("Files/app/d.$wcidirs$"))},
		{"device", 18, Reserved, layerOf(app, file("Files/app/aux.dll"))},
		{"colon", 18, Colon, layerOf(app, file("Files/app/a:b"))},
		{"alternate stream", 18, Colon, layerOf(app, file("Files/app/a"), file("Files/app/a:b"))},
		{"link out of the tree", 7, Type, layerOf(app, change(item{file("Files/app/l").h, ""}, func(h *tar.Header) {
			h.Typeflag, h.Size, h.Linkname = tar.TypeSymlink, 0, "../../../etc/passwd"
		}))},
		{"hard link", 7, Type, layerOf(app, file("Files/app/a"), change(item{file("Files/app/l").h, ""}, func(h *tar.Header) {
			h.Typeflag, h.Size, h.Linkname = tar.TypeLink, 0, "Files/app/a"
		}))},
		{"pipe", 7, Type, layerOf(app, change(item{file("Files/app/p").h, ""}, func(h *tar.Header) { h.Typeflag, h.Size = tar.TypeFifo, 0 }))},
		{"long name", 17, TooLong, layerOf(app, file("Files/app/"+long))},
		{"folder without room for the importer's file", 17, TooLong, layerOf(app, dir("Files/app/"+long[:246]))},
		{"whiteout", 18, Whiteout, layerOf(app, file("Files/app/.wh.x"))},
		{"below Windows", 32, BaseFolder, layerOf(dir("Files/Windows"), file("Files/Windows/x"))},
		{"before 1601", 32, BadTime, exe(func(h *tar.Header) { h.ModTime = early })},
		{"access time before 1601", 32, BadTime, exe(func(h *tar.Header) { h.AccessTime = early })},
		{"created before 1601", 32, BadTime, exe(record(recordCreation, "-11676096000"))},
		{"no folder", 5, NotFound, layerOf(file("Files/app/a"))},
		{"folder afterwards", 5, NotFound, layerOf(file("Files/app/a"), app)},
		{"below a file", 5, NotFound, layerOf(file("Files/app"), file("Files/app/a"))},
		{"order", 5, Order, layerOf(app, file("Files/app/b"), file("Files/app/a"))},
		{"raw string order", 5, Order, layerOf(app, dir("Files/app/a"), file("Files/app/a.txt"), file("Files/app/a/b"))},
		{"roots turned round", 2, Root, append([]item{roots()[1], roots()[0]}, app, file("Files/app/a"))},
		{"no Hives", 2, NoRoot, append(roots()[1:], app)},
		{"no Files", 2, NoRoot, roots()[:1]},
		{"empty", 2, NoRoot, nil},
		{"descriptor of a root", 12, Descriptor, append([]item{dir("Hives"), roots()[1]}, app)},
		{"a hive", 3, Root, append(layerOf(), file("Hives/System_Delta"))},
		{"utility VM", 3, Utility, append(layerOf(), dir("UtilityVM"))},
		{"another root", 3, Root, append(layerOf(), file("tombstones.txt"))},
		{"dot", 4, Relative, layerOf(app, file("Files/./app/a"))},
		{"climbing", 4, Relative, layerOf(app, file("Files/app/../a"))},
		{"out of the layer", 4, Relative, layerOf(app, file("Files/app/../../../a"))},
		{"absolute", 4, Relative, layerOf(app, file("/Files/app/a"))},
		{"backslash", 4, Relative, layerOf(app, file(`Files/app\a`))},
		{"slash behind a folder", 4, Relative, layerOf(dir("Files/app/"))},
		{"trailing dot", 18, Name, layerOf(app, file("Files/app/a."))},
		{"control character", 18, Name, layerOf(app, file("Files/app/a\tb"))},
		{"mode", 8, Header, exe(func(h *tar.Header) { h.Mode = 0o644 })},
		{"owner", 8, Header, exe(func(h *tar.Header) { h.Uid = 1000 })},
		{"owner's name", 8, Header, exe(func(h *tar.Header) { h.Uname = "root" })},
		{"fraction of a second", 9, Time, exe(func(h *tar.Header) { h.ModTime = time.Unix(0, 1000) })},
		{"folder's time", 9, Time, layerOf(change(app, func(h *tar.Header) {
			h.ModTime = time.Unix(1, 0)
			h.AccessTime, h.ChangeTime = h.ModTime, h.ModTime
			record(recordCreation, "1")(h)
		}))},
		{"access time", 10, Time, exe(func(h *tar.Header) { h.AccessTime = time.Unix(1, 0) })},
		{"no change time", 10, Time, exe(func(h *tar.Header) { h.ChangeTime = time.Time{} })},
		{"no creation time", 10, Time, exe(record(recordCreation, ""))},
		{"creation time that is none", 10, BadRecord, exe(record(recordCreation, "noon"))},
		{"attributes", 11, Attributes, exe(record(recordAttributes, "33"))},
		{"attributes as another number", 11, Attributes, exe(record(recordAttributes, "032"))},
		{"attributes that are none", 11, BadRecord, exe(record(recordAttributes, "0x20"))},
		{"attributes of a folder", 11, BadAttributes, exe(record(recordAttributes, "16"))},
		{"no descriptor", 12, NoDescriptor, exe(record(recordDescriptor, ""))},
		{"descriptor that is no base64", 13, BadRecord, exe(record(recordDescriptor, "AQAE*"))},
		{"descriptor without padding", 13, BadRecord, exe(record(recordDescriptor, strings.TrimRight(layers.FileSD, "=")))},
		{"descriptor with loose bits", 13, Descriptor, exe(record(recordDescriptor, strings.Replace(layers.FileSD, "IQIAAA==", "IQIAAB==", 1)))},
		{"descriptor cut off", 14, BadRecord, exe(record(recordDescriptor, layers.FileSD[:80]))},
		{"descriptor of a folder", 15, Descriptor, exe(record(recordDescriptor, layers.DirSD))},
		{"descriptor without access list", 15, Descriptor, exe(record(recordDescriptor, usersOwner))},
		{"writable", 15, Descriptor, exe(record(recordDescriptor, layers.WritableFileSD))},
		{"another record", 16, Record, exe(record("SCHILY.xattr.user.x", "y"))},
		{"SDDL", 16, Record, exe(record(recordSDDL, "D:"))},
		{"extended attribute that is no base64", 16, BadRecord, exe(record(recordXattr+"x", "*"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := lintItems(t, Strict, tt.items)
			ok := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Class == tt.class && f.Assertion == tt.rule && !f.Warning })
			if !ok || r.OK() {
				t.Errorf("want rule %d, %s; got %+v", tt.rule, tt.class, r.Findings)
			}
		})
	}
}

func TestStrictTimesByContent(t *testing.T) {
	t.Parallel()
	clock := layers.Clock{Seconds: 1789000000, Known: true}
	l := built(t, layers.App, clock, map[string]string{"App.exe": "MZ", "b": "x"})
	for name, tt := range map[string]struct {
		o    LayerOptions
		want bool
	}{
		"same rule":     {LayerOptions{CheckTimes: true, Origin: layers.App, Clock: clock}, true},
		"same week":     {LayerOptions{CheckTimes: true, Origin: layers.App, Clock: layers.Clock{Seconds: clock.Seconds + 1, Known: true}}, true},
		"next week":     {LayerOptions{CheckTimes: true, Origin: layers.App, Clock: layers.Clock{Seconds: clock.Seconds + 604800, Known: true}}, false},
		"another layer": {LayerOptions{CheckTimes: true, Origin: layers.Runtime, Clock: clock}, false},
		"not asked":     {LayerOptions{Origin: layers.Runtime}, true},
	} {
		tr, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		r, err := Layer(tr, tt.o)
		if err := errors.Join(err, tr.Close()); err != nil || r.OK() != tt.want {
			t.Errorf("%s: %v, %v", name, r.Err(), err)
		}
	}
}

func TestWritableFolders(t *testing.T) {
	t.Parallel()
	items := layerOf(dir("Files/app"), change(dir("Files/app/logs"), func(h *tar.Header) { h.PAXRecords[recordDescriptor] = layers.WritableDirSD }),
		change(file("Files/app/logs/x"), func(h *tar.Header) { h.PAXRecords[recordDescriptor] = layers.WritableFileSD }))
	for name, tt := range map[string]struct {
		o    LayerOptions
		want bool
	}{
		"named":    {LayerOptions{Writable: []string{"app/logs"}}, true},
		"anywhere": {LayerOptions{AnyWritable: true}, true},
		"not":      {LayerOptions{}, false},
		"other":    {LayerOptions{Writable: []string{"app"}}, false},
	} {
		r, err := Layer(pack(t, items), tt.o)
		if err != nil || r.OK() != tt.want {
			t.Errorf("%s: %v, %v", name, r.Err(), err)
		}
	}
}

func TestTarEnd(t *testing.T) {
	t.Parallel()
	good := pack(t, layerOf(dir("Files/app"), file("Files/app/a"))).Bytes()
	for name, tt := range map[string]struct {
		data []byte
		want bool
	}{
		"zeros behind":     {append(slices.Clone(good), make([]byte, 10240)...), true},
		"no end marker":    {good[:len(good)-1024], false},
		"half of it":       {good[:len(good)-512], false},
		"bytes behind":     {append(slices.Clone(good), 1), false},
		"a second tar":     {append(slices.Clone(good), good...), false},
		"cut in the file":  {good[:len(good)-1024-511], false},
		"cut in a header":  {good[:700], false},
		"no tar at all":    {[]byte(strings.Repeat("no tar ", 200)), false},
		"nothing":          {nil, false},
		"end marker alone": {make([]byte, 1024), false},
	} {
		r, err := Layer(bytes.NewReader(tt.data), LayerOptions{})
		if err != nil || r.OK() != tt.want {
			t.Errorf("%s: %v, %v", name, r.Err(), err)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	good := pack(t, layerOf(dir("Files/app")))
	if _, err := Layer(io.MultiReader(io.LimitReader(good, 1000), iotest.ErrReader(broken)), LayerOptions{}); !errors.Is(err, broken) {
		t.Errorf("err = %v, want the reader's", err)
	}
}

func TestReportsStayShort(t *testing.T) {
	t.Parallel()
	items := layerOf(dir("Files/app"))
	for range 100 {
		items = append(items, file("Files/app/aux"))
	}
	r := lintItems(t, Strict, items)
	if len(r.Findings) > 40 || !strings.Contains(r.Err().Error(), "90 more like this") {
		t.Errorf("%d findings: %v", len(r.Findings), r.Err())
	}
}

// TestSparseFilesAreSkipped: a header of 512 bytes can promise 8 GiB of zeros,
// many times over.
func TestSparseFilesAreSkipped(t *testing.T) {
	t.Parallel()
	i := item{h: tar.Header{Format: tar.FormatGNU, Typeflag: tar.TypeReg, Name: "Files/app/sparse", ModTime: time.Unix(0, 0)}}
	block := pack(t, []item{i}).Bytes()[:512]
	const entries, realSize, checksum = 386, 483, 148
	block[156] = tar.TypeGNUSparse
	copy(block[entries:], "77777777777\x0000000000000\x00")
	copy(block[realSize:], "77777777777\x00")
	copy(block[checksum:], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[checksum:], fmt.Sprintf("%06o\x00 ", sum))
	good := pack(t, layerOf(dir("Files/app"))).Bytes()
	data := slices.Concat(good[:len(good)-1024], bytes.Repeat(block, 10000), make([]byte, 1024))
	start := time.Now()
	r, err := Layer(bytes.NewReader(data), LayerOptions{CheckTimes: true})
	if err != nil || !hasFault(r, Type) || hasFault(r, Malformed) {
		t.Errorf("%v, %v", r.Findings, err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	for want, items := range map[bool][]item{true: layerOf(dir("Files/app")), false: layerOf(file("Files/app/a"))} {
		if err := Verifier(LayerOptions{})(pack(t, items)); (err == nil) != want {
			t.Errorf("%v, want success %v", err, want)
		}
	}
}
