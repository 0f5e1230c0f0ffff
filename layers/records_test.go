package layers

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func mustBuild(t *testing.T, o Options) *Layer {
	t.Helper()
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	l, err := Build(context.Background(), sampleGroup(), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// truth packs the sample and returns its diffID and blob.
func truth(t *testing.T) (v1.Hash, Blob) {
	t.Helper()
	l := mustBuild(t, Options{})
	b, err := l.Blob()
	if err != nil {
		t.Fatal(err)
	}
	id, err := l.DiffID()
	if err != nil {
		t.Fatal(err)
	}
	return id, b
}

func TestRecordSavesPacking(t *testing.T) {
	t.Parallel()
	diffID, want := truth(t)
	dir := t.TempDir()
	l := mustBuild(t, Options{TempDir: dir, Recorded: func(id v1.Hash) (Blob, bool) { return want, id == diffID }})
	if got, known, err := l.Known(t.Context()); got != want || !known || err != nil {
		t.Errorf("Known = %v, %v, %v", got, known, err)
	}
	if got, err := l.Blob(); got != want || err != nil {
		t.Errorf("Blob = %v, %v", got, err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 || l.packed != nil {
		t.Errorf("a recorded layer was packed: %v", list)
	}
	if err := l.Pack(t.Context()); err != nil || l.packed == nil {
		t.Errorf("Pack: %v", err)
	}
}

func TestNoRecord(t *testing.T) {
	t.Parallel()
	diffID, want := truth(t)
	asked := 0
	for name, recorded := range map[string]func(v1.Hash) (Blob, bool){
		"none at all": nil,
		"not of this": func(id v1.Hash) (Blob, bool) {
			if asked++; id != diffID {
				t.Errorf("asked for %s, want %s", id, diffID)
			}
			return Blob{}, false
		},
	} {
		l := mustBuild(t, Options{Recorded: recorded})
		if _, known, err := l.Known(t.Context()); known || err != nil {
			t.Errorf("%s: known, %v", name, err)
		}
		if got, err := l.Blob(); got != want || err != nil {
			t.Errorf("%s: Blob = %v, %v", name, got, err)
		}
		if got, known, err := l.Known(t.Context()); got != want || !known || err != nil {
			t.Errorf("%s: Known after packing = %v, %v, %v", name, got, known, err)
		}
	}
	if asked != 1 {
		t.Errorf("the records were asked %d times", asked)
	}
}

// A wrong record gives a wrong digest, never wrong bytes under it; and only until
// the layer is packed.
func TestWrongRecord(t *testing.T) {
	t.Parallel()
	diffID, want := truth(t)
	other := v1.Hash{Algorithm: "sha256", Hex: diffID.Hex}
	for name, wrong := range map[string]Blob{"digest": {other, want.Size}, "size": {want.Digest, want.Size + 1}} {
		l := mustBuild(t, Options{Recorded: func(v1.Hash) (Blob, bool) { return wrong, true }})
		if got, err := l.Blob(); got != wrong || err != nil {
			t.Errorf("%s: Blob = %v, %v", name, got, err)
		}
		r, err := l.Compressed()
		var record *RecordError
		if r != nil || !errors.As(err, &record) || record.Recorded != wrong || record.Packed != want || record.DiffID != diffID {
			t.Errorf("%s: Compressed = %v, %v", name, r, err)
		}
		if got, err := l.Blob(); got != want || err != nil {
			t.Errorf("%s: Blob afterwards = %v, %v", name, got, err)
		}
		if r, err = l.Compressed(); err != nil {
			t.Fatalf("%s: Compressed afterwards: %v", name, err)
		}
		if got, _, err := v1.SHA256(r); got != want.Digest || err != nil {
			t.Errorf("%s: the bytes are %v, %v", name, got, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestZstd(t *testing.T) {
	t.Parallel()
	diffID, _ := truth(t)
	digests := map[v1.Hash]bool{}
	for _, n := range []int{1, 7} {
		g := sampleGroup()
		g.workers = newWorkers(n)
		l, err := Build(t.Context(), g, Options{TempDir: t.TempDir(), OCI: true, Compression: Zstd})
		if err != nil {
			t.Fatal(err)
		}
		if mt, err := l.MediaType(); mt != types.OCILayerZStd || err != nil {
			t.Errorf("media type %s, %v", mt, err)
		}
		r, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		zr, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		if id, _, err := v1.SHA256(io.NopCloser(zr)); id != diffID || err != nil {
			t.Errorf("the tar in it is %s, %v", id, err)
		}
		zr.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		d, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[d] = true
	}
	if len(digests) != 1 {
		t.Errorf("%d different blobs", len(digests))
	}
}

func TestParseCompression(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Compression{"": Gzip, "gzip": Gzip, "zstd": Zstd} {
		if got, err := ParseCompression(name); got != want || err != nil {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"GZIP", "none", "brotli"} {
		if _, err := ParseCompression(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	if Gzip.Comment() == Zstd.Comment() {
		t.Error("both compressions have one comment")
	}
}
