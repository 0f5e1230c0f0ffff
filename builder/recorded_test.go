package builder_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/layers"
)

// raw returns manifest and config of an image.
func raw(t testing.TB, img built) (manifest, config []byte) {
	t.Helper()
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	if config, err = img.RawConfigFile(); err != nil {
		t.Fatal(err)
	}
	return manifest, config
}

// recordsOf are the records that an image should hold.
func recordsOf(t *testing.T, img built, c layers.Compression) []builder.Record {
	t.Helper()
	var want []builder.Record
	for _, l := range img.Ours {
		blob, err := l.Blob()
		if err != nil {
			t.Fatal(err)
		}
		id, err := l.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, builder.Record{Compression: c, DiffID: id, Blob: blob})
	}
	return want
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	gz, _ := build(t, newApp(t), newBase(t, sample.Options{Layers: 2}), builder.Overrides{})
	manifest, config := raw(t, gz)
	if diff := cmp.Diff(recordsOf(t, gz, layers.Gzip), builder.Recorded(manifest, config)); diff != "" {
		t.Errorf("gzip (-want +got):\n%s", diff)
	}
	zst, _ := build(t, newApp(t), newBase(t, sample.Options{OCI: true}), builder.Overrides{Compression: layers.Zstd})
	m, c := raw(t, zst)
	if diff := cmp.Diff(recordsOf(t, zst, layers.Zstd), builder.Recorded(m, c)); diff != "" {
		t.Errorf("zstd (-want +got):\n%s", diff)
	}
	for name, change := range map[string][2]string{
		"another format":         {layers.Gzip.Comment(), "layer format 0; gzip"},
		"no history":             {`"history":[`, `"other":[`},
		"one layer less":         {`"nanobuild: app layer"`, `"nanobuild: app layer","empty_layer":true`},
		"the config of no image": {`{`, `[`},
	} {
		changed := strings.ReplaceAll(string(config), change[0], change[1])
		if changed == string(config) {
			t.Fatalf("%s: nothing to change", name)
		}
		if got := builder.Recorded(manifest, []byte(changed)); got != nil {
			t.Errorf("%s: records %v", name, got)
		}
	}
}

// An image that was written by wrong records is corrected by the blobs that were
// packed since.
func TestCorrect(t *testing.T) {
	t.Parallel()
	b := newBase(t, sample.Options{})
	honest, _ := build(t, newApp(t), b, builder.Overrides{})
	want, err := honest.Digest()
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := configure(t, newApp(t), builder.Overrides{})
	wrong := layers.Blob{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}, Size: 5}
	img, err := buildOne(t.Context(), spec, b, newApp(t), builder.Deps{
		TempDir:  t.TempDir(),
		Recorded: func(layers.Compression, v1.Hash) (layers.Blob, bool) { return wrong, true },
		Packed:   func(l *layers.Layer) { t.Errorf("the %s layer was packed in spite of its record", l.Origin()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := img.Close(); err != nil {
			t.Error(err)
		}
	}()
	if corrected, err := img.Correct(); corrected || err != nil {
		t.Errorf("before packing: corrected %t, %v", corrected, err)
	}
	for _, l := range img.Ours {
		if got, err := img.Digest(); got == want || err != nil {
			t.Errorf("the digest is right in spite of a wrong record, %v", err)
		}
		if err := l.Pack(t.Context()); err == nil {
			t.Errorf("the %s layer does not tell that its record is wrong", l.Origin())
		}
		if corrected, err := img.Correct(); !corrected || err != nil {
			t.Errorf("after packing: corrected %t, %v", corrected, err)
		}
	}
	if got, err := img.Digest(); got != want || err != nil {
		t.Errorf("digest %s, %v, want %s", got, err, want)
	}
}

func TestZstdNeedsOCI(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	_, _, err := tryConfigure(t, app, builder.Overrides{Compression: layers.Zstd, Format: builder.FormatDocker})
	wantInput(t, err, "zstd", "--format oci")
	_, _, err = tryConfigure(t, app, builder.Overrides{Compression: "lzma"})
	wantInput(t, err, "lzma", "gzip", "zstd with --format oci")
	wantInput(t, builder.Overrides{Compression: "lzma"}.Validate(), "lzma")
	spec, _ := configure(t, app, builder.Overrides{Compression: layers.Zstd})
	_, err = buildOne(t.Context(), spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: t.TempDir()})
	wantInput(t, err, "zstd", "--format oci")
}

func FuzzRecorded(f *testing.F) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	f.Add([]byte(`{"layers":[{"digest":"`+digest+`","size":7}]}`), []byte(`{"rootfs":{"diff_ids":["`+digest+`"]},"history":[{"comment":"`+layers.Gzip.Comment()+`"},{"empty_layer":true}]}`))
	f.Add([]byte(`{"layers":null}`), []byte(`{}`))
	f.Add([]byte(`[]`), []byte(`{"history":[null]}`))
	f.Fuzz(func(t *testing.T, manifest, config []byte) {
		for _, r := range builder.Recorded(manifest, config) {
			if r.Blob.Size <= 0 || len(r.Blob.Digest.Hex) != 64 || len(r.DiffID.Hex) != 64 || r.Compression == "" {
				t.Errorf("a record like %+v", r)
			}
		}
	})
}
