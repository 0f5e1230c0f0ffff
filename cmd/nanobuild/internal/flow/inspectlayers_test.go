package flow

import (
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// appended is an image that another tool made, with a layer per tar.
func appended(t *testing.T, tars ...[]byte) v1.Image {
	t.Helper()
	image, err := sample.Image(sample.Options{Layers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range tars {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "crane append"}}); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

// TestInspectForeignLayers: layers of other tools have two verdicts, those of the
// base none.
func TestInspectForeignLayers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const config = `{"runtimeOptions":{"tfm":"net8.0","includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.31"}]}}`
	good := tarOf(t, "Hives/", "", "Files/", "", "Files/app/", "", "Files/app/Demo.exe", "MZ", "Files/app/Demo.runtimeconfig.json", config)
	found := inspect(t, w, InspectOptions{Image: layoutOf(t, appended(t, good, tarOf(t, "app/Demo.exe", "ELF")))})
	var got []string
	for _, l := range found.Layers {
		got = append(got, l.Origin+" "+l.Verdict+" "+l.Importer)
	}
	const want = "base  ,base  ,other broken warnings,other broken broken"
	if strings.Join(got, ",") != want {
		t.Errorf("layers %q, want %q", got, want)
	}
	for i, l := range found.Layers[2:] {
		if len(l.Findings) == 0 || len(l.ImporterFindings) == 0 || l.Files != 2*(1-i) {
			t.Errorf("layer %d: %d files, %q, %q", i, l.Files, l.Findings, l.ImporterFindings)
		}
	}
	if found.Verdict != "" || found.DotNet == nil || found.DotNet.Version != "8.0.31" {
		t.Errorf("verdict %q, .NET %+v", found.Verdict, found.DotNet)
	}
}

// TestInspectDamagedForeignLayer: what is no gzip, or not what the config says, is
// broken in both ways, and no error.
func TestInspectDamagedForeignLayer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := appended(t, tarOf(t, "Hives/", "", "Files/", ""))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs[2].Hex = strings.Repeat("0", 64)
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	found := inspect(t, w, InspectOptions{Image: layoutOf(t, image)})
	if l := found.Layers[2]; l.Verdict != "broken" || l.Importer != "broken" || len(l.ImporterFindings) == 0 {
		t.Errorf("layer %+v", l)
	}
}

// TestInspectDuplicates finds files of one content in several layers, and a layer
// that is there twice.
func TestInspectDuplicates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := tarOf(t, "Hives/", "", "Files/", "", "Files/a.dll", "12345", "Files/b.dll", "12345", "Files/c.dll", "1234567", "Files/empty", "")
	two := tarOf(t, "Hives/", "", "Files/", "", "Files/d.dll", "12345", "Files/C.dll", "1234567", "Files/empty", "", "Files/once", "123")
	found := inspect(t, w, InspectOptions{Image: layoutOf(t, appended(t, one, two, two))}).Duplicates
	if found == nil || found.Bytes != 17 || len(found.Files) != 2 || len(found.Layers) != 1 || found.Layers[0].Times != 2 || found.Incomplete {
		t.Fatalf("duplicates %+v", found)
	}
	first, second := found.Files[0], found.Files[1]
	if first.Size != 5 || len(first.At) != 3 || first.At[0] != (FileOfCopy{"other", `C:\a.dll`}) || second.Size != 7 || len(second.At) != 2 {
		t.Errorf("files %+v", found.Files)
	}
	if found := inspect(t, w, InspectOptions{Image: layoutOf(t, appended(t, tarOf(t, "Hives/", "", "Files/", "", "Files/a", "1")))}); found.Duplicates != nil {
		t.Errorf("duplicates %+v in an image without", found.Duplicates)
	}
}

// TestCopiesAreBounded: a hostile image costs no more than its share.
func TestCopiesAreBounded(t *testing.T) {
	t.Parallel()
	long := "Files/" + strings.Repeat(strings.Repeat("x", 200)+"/", 500) + "x"
	content := tarOf(t, long, "1")
	var c copies
	for range maxComparedNames/len(long) + 2 {
		if err := c.read(bytes.NewReader(content), "other"); err != nil {
			t.Fatal(err)
		}
	}
	if d := c.report(nil); d == nil || !d.Incomplete || len(d.Files) != 1 || len(d.Files[0].At) != maxCopied || c.names > maxComparedNames {
		t.Errorf("duplicates %+v", d)
	}
	if err := c.read(strings.NewReader(strings.Repeat("no tar", 200)), "other"); err == nil {
		t.Error("no tar is read without an error")
	}
}
