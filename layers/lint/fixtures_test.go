package lint

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/layers"
)

// usersOwner is the descriptor of ko, crane and the .NET SDK: owner and group
// are BUILTIN\Users, and there is no access list.
const usersOwner = "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA=="

// item is one entry of a fixture.
type item struct {
	h    tar.Header
	body string
}

// ours is an entry as package layers writes it.
func ours(name string, dir bool, body string) item {
	t := time.Unix(0, 0)
	h := tar.Header{
		Format: tar.FormatPAX, Typeflag: tar.TypeReg, Name: name, Mode: 0o100755, Size: int64(len(body)), ModTime: t, AccessTime: t, ChangeTime: t,
		PAXRecords: map[string]string{recordAttributes: "32", recordCreation: "0", recordDescriptor: layers.FileSD},
	}
	if dir {
		h.Typeflag, h.Mode = tar.TypeDir, 0o040755
		h.PAXRecords[recordAttributes], h.PAXRecords[recordDescriptor] = "16", layers.DirSD
	}
	return item{h, body}
}

func dir(name string) item { return ours(name, true, "") }

func file(name string) item { return ours(name, false, "MZ") }

func roots() []item {
	items := []item{dir("Hives"), dir("Files")}
	for _, i := range items {
		delete(i.h.PAXRecords, recordDescriptor)
	}
	return items
}

// layerOf is a layer of ours with these entries below Files.
func layerOf(items ...item) []item { return append(roots(), items...) }

// change alters one entry.
func change(i item, f func(*tar.Header)) item {
	f(&i.h)
	return i
}

func pack(t testing.TB, items []item) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, i := range items {
		if err := tw.WriteHeader(&i.h); err != nil {
			t.Fatalf("%s: %v", i.h.Name, err)
		}
		if _, err := io.WriteString(tw, i.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func lintItems(t testing.TB, mode Mode, items []item) Report {
	t.Helper()
	r, err := Layer(pack(t, items), LayerOptions{Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func hasFault(r Report, c Class) bool {
	for _, f := range r.Findings {
		if f.Class == c && !f.Warning {
			return true
		}
	}
	return false
}

// built is a layer of files in app, made by package layers.
func built(t testing.TB, o layers.Origin, clock layers.Clock, files map[string]string) *layers.Layer {
	t.Helper()
	g := layers.Group{Origin: o}
	g.Entries = append(g.Entries, layers.Entry{Path: "app", Dir: true, Origin: o, Time: time.Unix(0, 0)})
	for _, name := range sortedKeys(files) {
		content := files[name]
		sum := sha256.Sum256([]byte(content))
		g.Entries = append(g.Entries, layers.Entry{
			Path: "app/" + name, Origin: o, Size: int64(len(content)), SHA256: sum, Time: clock.FileTime(o, sum),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
		})
	}
	l, err := layers.Build(context.Background(), g, layers.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
