package publish_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/testdata/hostile"
)

// TestHostileTargets puts an image into layouts, and writes tarballs to places,
// that somebody prepared.
func TestHostileTargets(t *testing.T) {
	t.Parallel()
	hostile.Run(t, func(ctx context.Context, target, _ string) error {
		img := hostileImage(t)
		var sink publish.Sink = publish.NewLayout(target, publish.LayoutOptions{})
		if strings.HasSuffix(target, ".tar") {
			sink = publish.NewTarball(target, []string{"example.com/x"}, publish.TarballOptions{})
		}
		return errors.Join(put(ctx, sink, img), sink.Close())
	}, append(append(hostileLayouts(), hostileIndexes()...), hostileTarballs()...))
}

// hostileImage is the same small image in each process.
func hostileImage(t testing.TB) v1.Image {
	t.Helper()
	img, err := random.Image(1000, 1, random.WithSource(rand.NewSource(1)))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func put(ctx context.Context, sink publish.Sink, img v1.Image) error {
	if err := sink.Check(ctx); err != nil {
		return err
	}
	if _, err := sink.Holds(ctx, publish.OfImage(img), []string{"v1"}); err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		if _, err := sink.PutLayer(ctx, l); err != nil {
			return err
		}
	}
	_, err = sink.Commit(ctx, publish.OfImage(img), []string{"v1"})
	return err
}

// target is a layout in the folder that may be written to, prepared by make. The
// folder outside, beside it, is forbidden and holds a file.
func target(name, want string, prepare func(t testing.TB, layout, outside string)) hostile.Input {
	return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
		layout := filepath.Join(filepath.Dir(dir), "out", "layout")
		if err := os.Mkdir(layout, 0o755); err != nil {
			t.Fatal(err)
		}
		hostile.Write(t, filepath.Join(dir, "secret"), strings.NewReader(`{"secret":"s"}`))
		prepare(t, layout, dir)
		return layout
	}}
}

func hostileLayouts() []hostile.Input {
	inputs := []hostile.Input{target("nothing wrong", "", func(testing.TB, string, string) {})}
	for _, name := range []string{"blobs", "blobs/sha256", "index.json", "oci-layout", ".nanobuild.lock"} {
		for what, to := range map[string]string{"folder": "", "file": "secret", "new file": "new"} {
			inputs = append(inputs, target(strings.ReplaceAll(name, "/", "+")+" links to a "+what+" outside", "escapes", func(t testing.TB, layout, outside string) {
				path := filepath.Join(layout, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				hostile.Link(t, filepath.Join(outside, to), path)
			}))
		}
	}
	img := func(t testing.TB) string {
		layers, err := hostileImage(t).Layers()
		if err != nil {
			t.Fatal(err)
		}
		digest, err := layers[0].Digest()
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join("blobs", digest.Algorithm, digest.Hex)
	}
	for what, put := range map[string]func(testing.TB, string){
		"a pipe": hostile.Pipe, "a socket": hostile.Socket, "a link to itself": func(t testing.TB, path string) { hostile.Link(t, path, path) },
		"a folder": func(t testing.TB, path string) {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, name := range []string{"index.json", "blob", ".nanobuild.lock"} {
			inputs = append(inputs, target(name+" is "+what, hostile.Any, func(t testing.TB, layout, _ string) {
				path := filepath.Join(layout, name)
				if name == "blob" {
					path = filepath.Join(layout, img(t))
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				put(t, path)
			}))
		}
	}
	return append(inputs, target("folders of runs that were killed", "", func(t testing.TB, layout, outside string) {
		dir := filepath.Join(layout, ".nanobuild-tmp-x")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		hostile.Link(t, outside, filepath.Join(layout, ".nanobuild-tmp-y"))
		hostile.Link(t, filepath.Join(outside, "secret"), filepath.Join(dir, "lock"))
		hostile.Link(t, outside, filepath.Join(dir, "x"))
	}))
}

func hostileIndexes() []hostile.Input {
	index := func(name, want, text string) hostile.Input {
		return target(name, want, func(t testing.TB, layout, _ string) {
			hostile.Write(t, filepath.Join(layout, "index.json"), strings.NewReader(text))
		})
	}
	many := func(element string, n int) string { return strings.Repeat(element+",", n-1) + element }
	return []hostile.Input{
		index("an index of 5 MB", "more than 4194304 bytes", `{"manifests":[]}`+strings.Repeat(" ", 5e6)),
		index("an index of a million entries", "values", `{"manifests":[`+many("{}", 1e6)+`]}`),
		index("an index of many keys", "values", `{"manifests":[],`+many(`"x":1`, 600_000)+`}`),
		index("an index nested deep", "deep", `{"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`}`),
		index("an index of null", "null", `null`),
		index("an index of a list", "cannot unmarshal", `[]`),
		index("entries of numbers", "cannot unmarshal", `{"manifests":[1]}`),
		index("manifests twice", "", `{"manifests":[{}],"manifests":[]}`),
		index("entries of a size like none", "cannot unmarshal", `{"manifests":[{"size":1e99}]}`),
		index("entries of a digest that is a path", "non-hex", fmt.Sprintf(`{"manifests":[{"digest":"sha256:%s"}]}`, strings.Repeat("../", 21)+"x")),
	}
}

func hostileTarballs() []hostile.Input {
	tarball := func(name, want string, prepare func(t testing.TB, file, outside string)) hostile.Input {
		in := target(name, want, func(testing.TB, string, string) {})
		layout := in.Make
		in.Make = func(t testing.TB, dir string) string {
			file := layout(t, dir) + ".tar"
			prepare(t, file, dir)
			return file
		}
		return in
	}
	return []hostile.Input{
		tarball("a tarball that links to a file outside", "", func(t testing.TB, file, outside string) { hostile.Link(t, filepath.Join(outside, "secret"), file) }),
		tarball("a tarball that links to a new file outside", "", func(t testing.TB, file, outside string) { hostile.Link(t, filepath.Join(outside, "new"), file) }),
		tarball("a tarball that is a pipe", "", func(t testing.TB, file, _ string) { hostile.Pipe(t, file) }),
		tarball("a tarball that is a folder", "is a folder", func(t testing.TB, file, _ string) {
			if err := os.Mkdir(file, 0o755); err != nil {
				t.Fatal(err)
			}
		}),
	}
}
