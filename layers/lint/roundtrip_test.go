package lint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nanobuild/nanobuild/layers"
)

// FuzzPlansPassStrict makes random publish folders: what the planner accepts,
// the strict lint accepts too, in every layer.
func FuzzPlansPassStrict(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed, "extra/ü b.txt")
	}
	f.Add(uint64(1), "aux.txt")
	f.Add(uint64(2), strings.Repeat("n", 255))
	f.Add(uint64(3), "a/b:c")
	f.Fuzz(func(t *testing.T, seed uint64, extra string) {
		r := rand.New(rand.NewPCG(seed, 1))
		fsys, origins := randomFolder(r)
		fsys[extra] = &fstest.MapFile{Data: []byte("extra")}
		clock := layers.Clock{Known: seed%3 > 0, Seconds: r.Int64N(4e9)}
		o := layers.PlanOptions{FS: fsys, Target: []string{"app", "srv/My App"}[seed%2], Origins: origins, Clock: clock, Single: seed%5 == 0}
		o.Dirs = []string{o.Target}
		if seed%4 == 0 {
			o.Writable = []string{o.Target + "/logs", "data/x"}
		}
		plan, err := layers.NewPlan(context.Background(), o)
		if err != nil {
			t.Skip(err)
		}
		for _, g := range plan.Groups {
			checkStrict(t, g, LayerOptions{Origin: g.Origin, Clock: clock, CheckTimes: true, Writable: o.Writable})
		}
	})
}

func checkStrict(t *testing.T, g layers.Group, o LayerOptions) {
	t.Helper()
	l, err := layers.Build(context.Background(), g, layers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Layer(tr, o)
	if err := errors.Join(err, r.Err(), tr.Close()); err != nil {
		t.Errorf("%s: %v", g.Origin, err)
	}
	if r.Files != l.Files() || r.Bytes != l.UncompressedSize() {
		t.Errorf("%s: lint saw %d files, %d bytes of %d, %d", g.Origin, r.Files, r.Bytes, l.Files(), l.UncompressedSize())
	}
	loose, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	r, err = Layer(loose, LayerOptions{Mode: Permissive})
	if err := errors.Join(err, r.Err(), loose.Close()); err != nil || len(r.Findings) > 0 {
		t.Errorf("%s, permissive: %v, %v", g.Origin, r.Findings, err)
	}
}

// randomFolder is a publish folder with names that sort in awkward ways.
func randomFolder(r *rand.Rand) (fstest.MapFS, map[string]layers.Origin) {
	parts := []string{"a", "a.b", "a!b", "ab", "é", "日本", "wwwroot", "de", "lib 1", strings.Repeat("l", 120), "-", "~"}
	fsys, origins := fstest.MapFS{}, map[string]layers.Origin{}
	for i := range 1 + r.IntN(40) {
		var path []string
		for range r.IntN(4) {
			path = append(path, parts[r.IntN(len(parts))])
		}
		name := strings.Join(append(path, fmt.Sprintf("f%d%s", i, parts[r.IntN(len(parts))])), "/")
		content := make([]byte, r.IntN(3000))
		for j := range content {
			content[j] = byte(r.Uint32())
		}
		fsys[name] = &fstest.MapFile{Data: content}
		if all := layers.Origins(); r.IntN(2) == 0 {
			origins[name] = all[r.IntN(len(all))]
		}
	}
	return fsys, origins
}

// FuzzLayer feeds foreign bytes: no panic, no endless report.
func FuzzLayer(f *testing.F) {
	f.Add(pack(f, layerOf(dir("Files/app"), file("Files/app/a"))).Bytes())
	f.Add(pack(f, sdkShape()).Bytes())
	f.Add(pack(f, koShape()).Bytes())
	f.Add(pack(f, buildKitShape()).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []Mode{Strict, Permissive} {
			r, err := Layer(strings.NewReader(string(data)), LayerOptions{Mode: mode, CheckTimes: true})
			if err != nil {
				t.Fatalf("an error of the reader where there is none: %v", err)
			}
			if len(r.Findings) > 500 {
				t.Fatalf("%d findings", len(r.Findings))
			}
		}
	})
}

// FuzzSDDL feeds foreign descriptors.
func FuzzSDDL(f *testing.F) {
	f.Add([]byte{1, 0, 4, 0x80, 20, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, err := SDDL(raw)
		if err == nil && len(raw) < 20 {
			t.Errorf("%q from %d bytes", text, len(raw))
		}
	})
}
