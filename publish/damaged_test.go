package publish

import (
	"io"
	"path/filepath"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// damagedAtFirst is a layer that comes damaged a few times.
type damagedAtFirst struct {
	v1.Layer
	left *atomic.Int64
}

func (d damagedAtFirst) Compressed() (io.ReadCloser, error) {
	rc, err := d.Layer.Compressed()
	if err != nil || d.left.Add(-1) < 0 {
		return rc, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(rc, 1000), readerFunc(func([]byte) (int, error) {
		return 0, &distribution.DamagedError{What: "a layer", Why: "a bit fell over"}
	})), rc}, nil
}

// A layer that comes damaged from its registry is read again, whatever place it goes
// to, and given up when it stays so.
func TestDamagedLayersAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, sink := range map[string]func(dir string) Sink{
		"layout": func(dir string) Sink { return NewLayout(dir, LayoutOptions{}) },
		"tarball": func(dir string) Sink {
			return NewTarball(filepath.Join(dir, "x.tar"), []string{"app"}, TarballOptions{})
		},
		"registry": func(string) Sink { host, _ := newServer(t); return newTestRegistry(t, host+"/app", RegistryOptions{}) },
	} {
		for _, times := range []int64{1, 2, 99} {
			left := new(atomic.Int64)
			left.Store(times)
			good := testLayer(t, 1, 400_000)
			img := testImage(t, good)
			s := sink(t.TempDir())
			bad := withLayer(img, damagedAtFirst{good, left})
			_, err := Push(t.Context(), bad, []Sink{s}, []string{"v1"}, PushOptions{})
			if (err == nil) != (times < 99) {
				t.Errorf("%s: after %d damages: %v", name, times, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// withLayer is the image with its only layer replaced.
func withLayer(img v1.Image, l v1.Layer) v1.Image { return oneLayer{img, l} }

type oneLayer struct {
	v1.Image
	layer v1.Layer
}

func (o oneLayer) Layers() ([]v1.Layer, error) { return []v1.Layer{o.layer}, nil }
