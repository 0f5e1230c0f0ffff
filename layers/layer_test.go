package layers

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// noise is n bytes that do not compress, the same for the same seed.
func noise(seed uint64, n int) string {
	b := make([]byte, n)
	var key [32]byte
	key[0] = byte(seed)
	_, _ = rand.NewChaCha8(key).Read(b)
	return string(b)
}

func sampleGroup() Group {
	big := memoryFile("app/big.bin", App, Clock{}, noise(1, 3<<20)+strings.Repeat("compressible ", 200000))
	return Group{Origin: App, Entries: []Entry{folder("app", App), memoryFile("app/App.exe", App, Clock{}, "MZ"), big}}
}

func TestLayerIsValid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Build(context.Background(), sampleGroup(), Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Layer(l); err != nil {
		t.Error(err)
	}
	if l.Files() != 2 || l.Origin() != App || l.UncompressedSize() != int64(2+3<<20+13*200000-2+2) {
		t.Errorf("%d files, %s, %d bytes", l.Files(), l.Origin(), l.UncompressedSize())
	}
	if mt, err := l.MediaType(); err != nil || mt != types.DockerLayer {
		t.Errorf("media type %s, %v", mt, err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("temporary files: %v, %v", list, err)
	}
	if info, err := list[0].Info(); err != nil || (info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows") {
		t.Errorf("the blob can be read by others: %v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("Close leaves %v", list)
	}
	if _, err := l.Compressed(); err == nil {
		t.Error("Compressed works after Close")
	}
}

func TestLayerMediaTypeOCI(t *testing.T) {
	t.Parallel()
	l, err := Build(context.Background(), sampleGroup(), Options{OCI: true})
	if err != nil {
		t.Fatal(err)
	}
	if mt, err := l.MediaType(); err != nil || mt != types.OCILayer {
		t.Errorf("media type %s, %v", mt, err)
	}
}

// TestBlobBytes: neither the number of workers nor who asks first changes the
// blob, and its gzip header has no time and no name.
func TestBlobBytes(t *testing.T) {
	t.Parallel()
	digests := map[string]bool{}
	shared := map[int]*workers{1: newWorkers(1), 2: newWorkers(2), 7: newWorkers(7)}
	for _, n := range []int{1, 2, 7, 7, 1, 2} { // each a second time with used compressors
		g := sampleGroup()
		g.workers = shared[n]
		l, err := Build(context.Background(), g, Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if n == 2 {
			if _, err := l.DiffID(); err != nil {
				t.Fatal(err)
			}
		}
		r, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		if head := hex.EncodeToString(data[:10]); head[:16] != "1f8b080000000000" || head[18:] != "ff" {
			t.Errorf("gzip header %s", head)
		}
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, zr); err != nil {
			t.Fatal(err)
		}
		if id, err := l.DiffID(); err != nil || id.Hex != hex.EncodeToString(h.Sum(nil)) {
			t.Errorf("DiffID %s, %v", id, err)
		}
		d, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[d.Hex] = true
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(digests) != 1 {
		t.Errorf("%d different blobs", len(digests))
	}
}

func TestLayerRefusesChangedFiles(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]string{"longer": "MZ and more", "shorter": "M", "other bytes": "ZM"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fsys := fstest.MapFS{"App.exe": file("MZ")}
			p := mustPlan(t, PlanOptions{FS: fsys})
			fsys["App.exe"].Data = []byte(now)
			l, err := Build(context.Background(), p.Groups[0], Options{TempDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.DiffID(); err == nil || !strings.Contains(err.Error(), "app/App.exe: the file changed while it was packed") {
				t.Errorf("DiffID: %v", err)
			}
			if err := l.Pack(context.Background()); err == nil || !strings.Contains(err.Error(), "changed while it was packed") {
				t.Errorf("Pack: %v", err)
			}
			if list, _ := os.ReadDir(dir); len(list) != 0 {
				t.Errorf("a failed Pack leaves %v", list)
			}
		})
	}
}

func TestLayerVerify(t *testing.T) {
	t.Parallel()
	refused := errors.New("not this one")
	tests := []struct {
		name   string
		verify func(io.Reader) error
		want   error
	}{
		{"refuses at once", func(io.Reader) error { return refused }, refused},
		{"refuses at the end", func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return errors.Join(err, refused) }, refused},
		{"reads half", func(r io.Reader) error { _, err := io.CopyN(io.Discard, r, 1<<20); return err }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			l, err := Build(context.Background(), sampleGroup(), Options{TempDir: t.TempDir(), Verify: func(r io.Reader) error { calls++; return tt.verify(r) }})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.DiffID(); err != nil {
				t.Errorf("DiffID: %v", err)
			}
			for range 2 {
				if err := l.Pack(context.Background()); !errors.Is(err, tt.want) {
					t.Errorf("Pack: %v, want %v", err, tt.want)
				}
			}
			if tt.want == nil && calls != 1 {
				t.Errorf("verified %d times, want once", calls)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// endless is an entry that never ends, as a slow file would.
func endless() Entry {
	e := memoryFile("app/endless", App, Clock{}, "")
	e.Size = maxFile
	e.Open = func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }
	return e
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLayerEndsWithContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build, cancelBuild := context.WithCancel(context.Background())
	g := Group{Origin: App, Entries: []Entry{folder("app", App), endless()}}
	started := make(chan struct{})
	var once sync.Once
	l, err := Build(build, g, Options{TempDir: dir, Verify: func(r io.Reader) error {
		once.Do(func() { close(started) })
		_, err := io.Copy(io.Discard, r)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	packing, cancelPack := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Pack(packing) }()
	<-started
	waiting, cancelWait := context.WithCancel(context.Background())
	cancelWait()
	if err := l.Pack(waiting); !errors.Is(err, context.Canceled) {
		t.Errorf("Pack while another packs: %v, want Canceled", err)
	}
	cancelPack()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Pack: %v, want Canceled", err)
	}
	go func() { _, err := l.Digest(); done <- err }()
	cancelBuild()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Digest after the build was canceled: %v", err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("canceled packs leave %v", list)
	}
}

func TestLayerConcurrentUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Build(context.Background(), sampleGroup(), Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var err error
			switch i % 4 {
			case 0:
				_, err = l.DiffID()
			case 1:
				_, err = l.Size()
			case 2:
				err = l.Pack(context.Background())
			case 3:
				var r io.ReadCloser
				if r, err = l.Compressed(); err == nil {
					_, err = io.Copy(io.Discard, r)
					err = errors.Join(err, r.Close())
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("%d blobs, want 1", len(list))
	}
}

func TestBuildRefusesDisorder(t *testing.T) {
	t.Parallel()
	f := func(p string) Entry { return memoryFile(p, App, Clock{}, "x") }
	for name, entries := range map[string][]Entry{
		"no folder": {f("app/x")},
		"order":     {folder("app", App), f("app/b"), f("app/a")},
		"twice":     {f("a"), f("a")},
		"in a file": {f("a"), f("a/b")},
	} {
		if _, err := Build(context.Background(), Group{Origin: App, Entries: entries}, Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPackNeedsTempDir(t *testing.T) {
	t.Parallel()
	l, err := Build(context.Background(), sampleGroup(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Pack(context.Background()); err == nil {
		t.Error("packs without a folder for temporary files")
	}
}

// failing stands for a full disk.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestCompressorReportsFullDisk(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4} {
		zw, _, err := newWorkers(n).compressor(Gzip, &failing{left: 1 << 20}, n)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(zw, noise(2, 20<<20))
		if err := errors.Join(err, zw.Close()); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%d workers: %v", n, err)
		}
	}
}
