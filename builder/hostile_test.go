package builder_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/testdata/hostile"
)

// TestHostileFolders makes images of publish folders that want to do harm.
func TestHostileFolders(t *testing.T) {
	t.Parallel()
	var inputs []hostile.Input
	for _, some := range [][]hostile.Input{hostileLinks(), hostileFiles(), hostileNames(), hostileJSON(), hostilePrograms()} {
		inputs = append(inputs, some...)
	}
	hostile.Run(t, func(ctx context.Context, dir, out string) error {
		app, err := dotnet.Publish(ctx, dotnet.Request{Project: dir})
		if err != nil {
			return err
		}
		spec, _, err := builder.Configure(app, builder.Container{}, builder.Overrides{}, builder.Source{}, commitTime)
		if err != nil {
			return err
		}
		img, err := buildOne(ctx, spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: out})
		if err != nil {
			return err
		}
		for _, l := range img.Ours {
			rc, err := l.Compressed()
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, rc)
			if err := errors.Join(err, rc.Close()); err != nil {
				return err
			}
		}
		return img.Close()
	}, inputs)
}

// hostileApp is a small published web application, without its runtime.
func hostileApp(t testing.TB, dir string) {
	t.Helper()
	for name, text := range map[string]string{
		"App.exe": "MZ", "App.dll": "MZ", "hostfxr.dll": "MZ", "hostpolicy.dll": "MZ", "coreclr.dll": "MZ", "appsettings.json": "{}",
		"App.deps.json": `{"runtimeTarget":{"name":"n"},"targets":{"n":{}}}`,
		"App.runtimeconfig.json": `{"runtimeOptions":{"tfm":"net10.0","includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"10.0.1"},` +
			`{"name":"Microsoft.AspNetCore.App","version":"10.0.1"}]}}`,
	} {
		hostile.Write(t, filepath.Join(dir, name), strings.NewReader(text))
	}
}

// folder is an application in whose folder something is changed.
func folder(name, want string, change func(t testing.TB, dir string)) hostile.Input {
	return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
		hostileApp(t, dir)
		change(t, dir)
		return dir
	}}
}

// instead puts something in the place of a file of the application.
func instead(name, want, file string, put func(t testing.TB, path string)) hostile.Input {
	return folder(name, want, func(t testing.TB, dir string) {
		path := filepath.Join(dir, file)
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		put(t, path)
	})
}

func hostileLinks() []hostile.Input {
	var inputs []hostile.Input
	to := func(target string) func(testing.TB, string) {
		return func(t testing.TB, path string) { hostile.Link(t, target, path) }
	}
	for _, target := range []string{"/etc/passwd", "../../../../../../../../etc/passwd", "../secret"} {
		for _, file := range []string{"data", "App.deps.json", "App.runtimeconfig.json", "App.exe", "appsettings.json"} {
			inputs = append(inputs, instead(file+" links to "+strings.ReplaceAll(target, "/", "+"), "", file, func(t testing.TB, path string) {
				hostile.Write(t, filepath.Join(filepath.Dir(path), "..", "secret"), strings.NewReader("{}"))
				hostile.Link(t, target, path)
			}))
			inputs[len(inputs)-1].Want = map[string]string{"App.deps.json": "escapes", "App.runtimeconfig.json": "escapes"}[file]
			if inputs[len(inputs)-1].Want == "" {
				inputs[len(inputs)-1].Want = "out of the folder"
			}
		}
	}
	return append(inputs,
		instead("link to the folder above", "out of the folder", "data", to("..")),
		instead("link to the folder itself", "leads back", "data", to(".")),
		instead("link to itself", "circle", "data", to("data")),
		instead("link to nothing", "does not exist", "data", to("nowhere")),
		folder("links between two folders", "leads back", func(t testing.TB, dir string) {
			for _, d := range []string{"a", "b"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			hostile.Link(t, "../b", filepath.Join(dir, "a", "b"))
			hostile.Link(t, "../a", filepath.Join(dir, "b", "a"))
		}),
		folder("folders that double", "links lead to more than", func(t testing.TB, dir string) {
			for i := range 40 {
				at := filepath.Join(dir, fmt.Sprint(i))
				if err := os.Mkdir(at, 0o755); err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"x", "y"} {
					hostile.Link(t, fmt.Sprintf("../%d", i+1), filepath.Join(at, name))
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "40"), 0o755); err != nil {
				t.Fatal(err)
			}
		}),
		folder("folders of broken links that double", "does not exist", func(t testing.TB, dir string) {
			for i := range 40 {
				at := filepath.Join(dir, fmt.Sprint(i))
				if err := os.Mkdir(at, 0o755); err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"x", "y"} {
					hostile.Link(t, fmt.Sprintf("../%d", i+1), filepath.Join(at, name))
				}
			}
		}),
		folder("hard link to a file outside", "", func(t testing.TB, dir string) {
			secret := hostile.Write(t, filepath.Join(dir, "..", "secret"), strings.NewReader("x"))
			if err := os.Link(secret, filepath.Join(dir, "data")); err != nil {
				cannot(t, err)
			}
		}),
	)
}

// hostileFiles are things that are no files, or too large ones.
func hostileFiles() []hostile.Input {
	var inputs []hostile.Input
	for _, file := range []string{"data", "App.deps.json", "App.runtimeconfig.json", "App.exe", "appsettings.json", "wwwroot"} {
		want := "neither a file nor a folder"
		if strings.HasPrefix(file, "App.") && file != "App.exe" {
			want = "regular file"
		}
		inputs = append(inputs, instead(file+" is a pipe", want, file, hostile.Pipe), instead(file+" is a socket", want, file, hostile.Socket))
	}
	return append(inputs,
		instead("a file that nobody may read", hostile.Any, "data", func(t testing.TB, path string) {
			if err := os.WriteFile(path, nil, 0); err != nil {
				t.Fatal(err)
			}
		}),
		instead("a folder that nobody may read", hostile.Any, "data", func(t testing.TB, path string) {
			if err := os.Mkdir(path, 0); err != nil {
				t.Fatal(err)
			}
		}),
		instead("a file of 9 GB", "larger than 8 GiB", "data", func(t testing.TB, path string) { sparseFile(t, path, 9<<30) }),
		instead("a manifest of assets without end", "", "App.staticwebassets.endpoints.json", func(t testing.TB, path string) { sparseFile(t, path, 200<<20) }),
	)
}

// cannot is for what not every system lets a test make. Linux does.
func cannot(t testing.TB, err error) {
	t.Helper()
	if runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// sparseFile makes a file of zeros that takes no place.
func sparseFile(t testing.TB, path string, size int64) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		cannot(t, err)
	}
}

func hostileNames() []hostile.Input {
	var inputs []hostile.Input
	for _, name := range []string{"aux.txt", "a:b", "a?", "end.", "end ", `a\b`, "\x01", "\xff", ".wh.x", "x.$wcidirs$", "NUL", "com1.dll", "app.EXE"} {
		inputs = append(inputs, folder(fmt.Sprintf("a file called %x", name), "Windows", func(t testing.TB, dir string) {
			path := filepath.Join(dir, name)
			if _, err := os.Stat(path); err == nil || runtime.GOOS == "windows" {
				cannot(t, errors.New("this system holds no such name"))
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				cannot(t, err)
			}
		}))
		switch name {
		case "\xff":
			inputs[len(inputs)-1].Want = "UTF-8"
		case ".wh.x":
			inputs[len(inputs)-1].Want = "deletion"
		case "app.EXE":
			inputs[len(inputs)-1].Want = "App.exe"
		}
	}
	return append(inputs, folder("a path longer than any", "Windows allows", func(t testing.TB, dir string) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := root.MkdirAll(strings.Repeat(strings.Repeat("n", 100)+"/", 400)+"x", 0o755); err != nil {
			cannot(t, err)
		}
	}))
}

func hostileJSON() []hostile.Input {
	const large = 50e6
	text := func(name, want, file string, content func() io.Reader) hostile.Input {
		return instead(name, want, file, func(t testing.TB, path string) { hostile.Write(t, path, content()) })
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	assets := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"%x":0,`, i)
		}
		return `{"runtimeTarget":{"name":"n"},"libraries":{"a":{"type":"package"}},"targets":{"n":{"a":{"runtime":{` + b.String() + `"../../x":0}}}}}`
	}
	list := "[" + strings.Repeat("1,", 500_000) + "1]"
	var inputs []hostile.Input
	for file, want := range map[string]string{"App.deps.json": "larger than", "App.runtimeconfig.json": "larger than", "appsettings.json": ""} {
		inputs = append(inputs,
			text(file+" of 50 MB", want, file, func() io.Reader { return io.MultiReader(strings.NewReader(`{"x":"`), hostile.Zeros(large)) }),
			text(file+" nested 9000 deep", "", file, func() io.Reader { return strings.NewReader(`{"x":` + deep(9000) + `}`) }),
			text(file+" nested 100000 deep", strings.Replace(want, "larger than", "values", 1), file, func() io.Reader { return strings.NewReader(`{"x":` + deep(100_000) + `}`) }),
			text(file+" cut off", strings.Replace(want, "larger than", "unexpected end", 1), file, func() io.Reader { return strings.NewReader(`{"x":[{`) }),
			text(file+" with a key twice", "", file, func() io.Reader { return strings.NewReader(`{"x":1,"x":2,"X":3}`) }),
		)
	}
	return append(inputs,
		text("deps.json of many files", "values", "App.deps.json", func() io.Reader { return strings.NewReader(assets(800_000)) }),
		text("settings with a key of a megabyte", "", "appsettings.json", func() io.Reader {
			return strings.NewReader(`{"` + strings.Repeat("k", 900_000) + `":` + list[:100_000] + `1]}`)
		}),
		text("settings with many values", "", "appsettings.json", func() io.Reader { return strings.NewReader(`{"x":` + list[:1_000_000] + `1]}`) }),
		text("settings with long keys in long keys", "", "appsettings.json", func() io.Reader {
			return strings.NewReader(strings.Repeat(`{"`+strings.Repeat("k", 100)+`":`, 9000) + "1" + strings.Repeat("}", 9000))
		}),
		text("settings of one comment", "", "appsettings.json", func() io.Reader { return strings.NewReader("/*" + strings.Repeat("/*", 400_000)) }),
		text("assets of many endpoints", "", "App.staticwebassets.endpoints.json", func() io.Reader {
			return strings.NewReader(`{"Endpoints":[` + strings.Repeat(`{"AssetFile":"a","ResponseHeaders":[{"Name":"Last-Modified","Value":"x"}]},`, 200_000) + `{}]}`)
		}),
		text("assets of one long value", "", "App.staticwebassets.endpoints.json", func() io.Reader {
			return strings.NewReader(`{"x":"` + strings.Repeat("x", 10e6) + `"}`)
		}),
	)
}

// hostilePrograms are single-file applications whose header lies.
func hostilePrograms() []hostile.Input {
	program := func(name, want string, offset uint64, header ...any) hostile.Input {
		return folder(name, want, func(t testing.TB, dir string) {
			marker := []byte("\x8b\x12\x02\xb9\x6a\x61\x20\x38\x72\x7b\x93\x02\x14\xd7\xa0\x32\x13\xf5\xb9\xe6\xef\xae\x33\x18\xee\x3b\x2d\xce\x24\xb3\x6a\xae")
			content := append(binary.LittleEndian.AppendUint64([]byte("MZ"), offset), marker...)
			for _, h := range header {
				var err error
				if content, err = binary.Append(content, binary.LittleEndian, h); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(os.WriteFile(filepath.Join(dir, "App.exe"), content, 0o644), os.Remove(filepath.Join(dir, "App.runtimeconfig.json"))); err != nil {
				t.Fatal(err)
			}
		})
	}
	const header = 2 + 8 + 32 // where the header of these begins
	return []hostile.Input{
		program("header behind the end", "EOF", 1<<40),
		program("header before the beginning", "negative offset", 1<<63),
		program("header cut off", "EOF", header, uint32(6)),
		program("id without end", "damaged", header, [3]uint32{6, 0, 1}, [9]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}),
		program("config of 8 EB", "damaged", header, [3]uint32{6, 0, 1}, byte(0), [4]int64{0, 0, 0, 1<<63 - 1}),
		program("config of negative size", "damaged", header, [3]uint32{6, 0, 1}, byte(0), [4]int64{0, 0, 0, -1}),
		program("config behind the end", "invalid argument", header, [3]uint32{6, 0, 1}, byte(0), [4]int64{0, 0, 1<<63 - 1, 100}),
	}
}
