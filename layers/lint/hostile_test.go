package lint_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
	"github.com/nanobuild/nanobuild/testdata/hostile"
)

// TestHostileLayers looks at layers that want to do harm: at their tar strictly
// and loosely, at their blob, and at an image that they make.
func TestHostileLayers(t *testing.T) {
	t.Parallel()
	hostile.Run(t, func(_ context.Context, input, _ string) error {
		kind, file, _ := strings.Cut(input, "=")
		return doors[kind](file)
	}, append(hostileTars(), append(hostileBlobs(), hostileImages()...)...))
}

// doors are the functions of the package that read foreign bytes, by the kind of
// the file that they are given.
var doors = map[string]func(file string) error{
	"tar": func(file string) error {
		var faults error
		for _, mode := range []lint.Mode{lint.Permissive, lint.Strict} {
			err := reading(file, func(r io.Reader) (lint.Report, error) {
				return lint.Layer(r, lint.LayerOptions{Mode: mode, CheckTimes: true})
			})
			faults = errors.Join(faults, err)
		}
		return errors.Join(faults, imageOf(file, layers.Gzip))
	},
	"gzip": func(file string) error { return blob(file, layers.Gzip) },
	"zstd": func(file string) error { return blob(file, layers.Zstd) },
	"json": func(file string) error {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r, err := lint.Image(lint.ImageInput{Manifest: raw, Config: raw, Base: &lint.BaseImage{Manifest: raw, Config: raw}})
		return errors.Join(err, r.Err(), lint.Index(raw, map[v1.Hash][]byte{{}: raw}).Err())
	},
}

func reading(file string, look func(r io.Reader) (lint.Report, error)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := look(f)
	return errors.Join(err, r.Err())
}

func blob(file string, c layers.Compression) error {
	return reading(file, func(r io.Reader) (lint.Report, error) {
		return lint.Blob(r, c, v1.Hash{}, v1.Hash{}, 1<<60)
	})
}

// imageOf checks an image that claims to have the tar as its one layer.
func imageOf(file string, _ layers.Compression) error {
	config := `{"os":"windows","architecture":"amd64","config":{"Entrypoint":["C:\\app\\a.exe"]},"rootfs":{"diff_ids":["sha256:` + strings.Repeat("0", 64) + `"]},"history":[{}]}`
	manifest := `{"schemaVersion":2,"layers":[{}]}`
	_, err := lint.Image(lint.ImageInput{
		Manifest: []byte(manifest), Config: []byte(config),
		Layers: []lint.ImageLayer{{Tar: func() (io.ReadCloser, error) { return os.Open(file) }}},
	})
	return err
}

const million = 1_000_000

func hostileTars() []hostile.Input {
	var inputs []hostile.Input
	add := func(name, want string, content func(t testing.TB) io.Reader) {
		inputs = append(inputs, hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			return "tar=" + hostile.Write(t, filepath.Join(dir, "layer.tar"), content(t))
		}})
	}
	members := func(name, want string, all ...hostile.Member) {
		add(name, want, func(testing.TB) io.Reader { return hostile.TarOf(all...) })
	}
	plain := func(name string) hostile.Member { return hostile.Member{Header: tar.Header{Name: name}} }
	folder := func(name string) hostile.Member {
		return hostile.Member{Header: tar.Header{Name: name, Typeflag: tar.TypeDir}}
	}
	numbered := func(name, want string, n int, h tar.Header) {
		add(name, want, func(testing.TB) io.Reader {
			i := -2
			return hostile.Tar(func() (hostile.Member, bool) {
				i++
				if i <= 0 {
					return folder([]string{"Hives", "Files"}[i+1]), true
				}
				m := hostile.Member{Header: h}
				m.Header.Name += fmt.Sprint(i)
				return m, i <= n
			})
		})
		inputs[len(inputs)-1].Slow = true
	}
	for _, name := range []string{"../x", "/x", "Files/../../x", `Files\..\..\x`, `C:\x`, "Files/x:y", "Files/../Hives/x"} {
		members("name "+name, "ERR_", plain(name))
	}
	members("symlink out", "TYPE", hostile.Member{Header: tar.Header{Name: "Files/x", Typeflag: tar.TypeSymlink, Linkname: "../../../etc/passwd"}})
	members("hard link out", "ERR_LINK", hostile.Member{Header: tar.Header{Name: "Files/x", Typeflag: tar.TypeLink, Linkname: "../../../etc/passwd"}})
	for _, flag := range []byte{tar.TypeChar, tar.TypeBlock, tar.TypeFifo} {
		members("device of type "+string(flag), "TYPE", hostile.Member{Header: tar.Header{Name: "Files/x", Typeflag: flag, Devmajor: 1, Devminor: 5}})
	}
	members("a name twice", "ERR_EXISTS", folder("Hives"), folder("Files"), plain("Files/x"), plain("Files/X"))
	for name, size := range map[string]string{
		"negative size": strings.Repeat("\xff", 12), "huge size": "\x80\x00\x00\x00\x7f" + strings.Repeat("\xff", 7), "size of no number": "99999999999\x00",
	} {
		for _, flag := range []byte{tar.TypeReg, tar.TypeXHeader, tar.TypeGNULongName, tar.TypeGNUSparse} {
			add(name+" of type "+string(flag), "ERR_TAR", func(testing.TB) io.Reader {
				return bytes.NewReader(append(hostile.Header("Files/x", flag, size), make([]byte, 2048)...))
			})
		}
	}
	add("sparse file of 8 EB", "ERR_", func(testing.TB) io.Reader {
		return bytes.NewReader(append(hostile.Header("Files/x", tar.TypeGNUSparse, "00000000000\x00"), make([]byte, 4096)...))
	})
	members("sparse file of PAX", "ERR_", hostile.Member{Header: tar.Header{Name: "Files/x", PAXRecords: map[string]string{"MSWINDOWS.rawsd": strings.Repeat("A", million)}}})
	numbered("hundreds of thousands of files", "ERR_LIMIT", 270_000, tar.Header{Name: "Files/", Format: tar.FormatUSTAR})
	numbered("hundreds of thousands of folders", "ERR_LIMIT", 270_000, tar.Header{Name: "Files/", Typeflag: tar.TypeDir, Format: tar.FormatUSTAR})
	numbered("names of 64 KB", "of names", 520, tar.Header{Name: "Files/" + strings.Repeat("n", 64<<10)})
	numbered("paths of many folders", "of names", 1100, tar.Header{Name: "Files/" + strings.Repeat("n/", 16<<10-10)})
	numbered("records of a megabyte", hostile.Any, 100, tar.Header{Name: "Files/", PAXRecords: map[string]string{"MSWINDOWS.xattr.x": strings.Repeat("A", million)}})
	members("a file of zeros", "ERR_", hostile.Member{Header: tar.Header{Name: "Files/app/a.exe", Size: hostile.Big() / 5}, Body: hostile.Zeros(hostile.Big() / 5)})
	add("zeros behind the end", "ERR_", func(testing.TB) io.Reader { return hostile.Zeros(hostile.Big() / 5) })
	return inputs
}

func hostileBlobs() []hostile.Input {
	blob := func(kind, name, want string, content func(t testing.TB) io.Reader) hostile.Input {
		return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			return kind + "=" + hostile.Write(t, filepath.Join(dir, "blob"), content(t))
		}}
	}
	return []hostile.Input{
		blob("gzip", "gzip bomb", "GZIP", func(t testing.TB) io.Reader { return bytes.NewReader(hostile.Gzip(t, hostile.Zeros(hostile.Big()))) }),
		blob("zstd", "zstd bomb", "more than 200 times", func(t testing.TB) io.Reader {
			return bytes.NewReader(bytes.Repeat(hostile.Zstd(t, hostile.Zeros(100e6)), 200))
		}),
		blob("gzip", "many gzip members", "behind the first", func(t testing.TB) io.Reader {
			return bytes.NewReader(bytes.Repeat(hostile.Gzip(t, hostile.Zeros(1)), million/10))
		}),
		blob("gzip", "gzip header without end", "GZIP", func(testing.TB) io.Reader {
			return io.MultiReader(strings.NewReader("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"), bytes.NewReader(bytes.Repeat([]byte("n"), 20*million)))
		}),
		blob("zstd", "zstd window of 3 GB", "GZIP", func(testing.TB) io.Reader {
			return strings.NewReader("\x28\xb5\x2f\xfd\x00\xa8" + strings.Repeat("\x02\x00\x10a", 1000))
		}),
	}
}

func hostileImages() []hostile.Input {
	document := func(name, want, text string) hostile.Input {
		return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			return "json=" + hostile.Write(t, filepath.Join(dir, "x.json"), strings.NewReader(text))
		}}
	}
	many := func(element string, n int) string { return strings.Repeat(element+",", n-1) + element }
	variables := make([]string, 20_000)
	for i := range variables {
		variables[i] = fmt.Sprintf(`"V%d=x"`, i)
	}
	return []hostile.Input{
		document("layers without end", "values", `{"layers":[`+many("{}", million)+`]}`),
		document("history without end", "values", `{"history":[`+many("{}", million)+`]}`),
		document("entries without end", "values", `{"manifests":[`+many("{}", million)+`]}`),
		document("thousands of variables", "PLATFORM", `{"config":{"Env":[`+strings.Join(variables, ",")+`]}}`),
		document("thousands of layers", "HISTORY", `{"layers":[`+many("{}", 20_000)+`],"rootfs":{"diff_ids":[`+many(`"sha256:`+strings.Repeat("0", 64)+`"`, 20_000)+`]}}`),
	}
}
