package base_test

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

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/testdata/hostile"
)

// TestHostileBases resolves what wants to do harm as a base, and reads its layers.
func TestHostileBases(t *testing.T) {
	t.Parallel()
	var all []hostile.Input
	for _, some := range [][]hostile.Input{hostileDocuments(), hostileFolders(), hostileLayers(), hostileArchives()} {
		all = append(all, some...)
	}
	hostile.Run(t, func(ctx context.Context, ref, _ string) error {
		b, err := base.Resolve(ctx, ref, base.Options{OSVersion: "10.0.20348"})
		if err != nil {
			return err
		}
		for _, l := range b.Layers {
			if _, err := readAll(l.Compressed); err != nil {
				return err
			}
		}
		return nil
	}, all)
}

// parts are the documents of an OCI layout, to be bent.
type parts struct {
	index, manifest, config string
	layer                   []byte
	layers                  int // descriptors of the one layer
}

const (
	hostilePlatform = `"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1"}`
	// In these, LAYERS, DIFFIDS, CONFIG and MANIFEST stand for the descriptors.
	hostileIndex    = `{"schemaVersion":2,"manifests":[{MANIFEST,` + hostilePlatform + `}]}`
	hostileManifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{CONFIG,"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[LAYERS]}`
	hostileConfig   = `{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","rootfs":{"type":"layers","diff_ids":[DIFFIDS]}}`
)

// write makes the layout in dir, and returns its reference.
func (p parts) write(t testing.TB, dir string) string {
	t.Helper()
	put := func(content []byte) string {
		h, n, err := v1.SHA256(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		hostile.Write(t, filepath.Join(dir, "blobs", "sha256", h.Hex), bytes.NewReader(content))
		return fmt.Sprintf(`"digest":%q,"size":%d`, h, n)
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	count := max(p.layers, 1)
	layer := `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",` + put(p.layer) + `}`
	diffIDs := strings.Repeat(`"sha256:`+strings.Repeat("0", 64)+`",`, count-1) + `"sha256:` + strings.Repeat("0", 64) + `"`
	config := put([]byte(strings.ReplaceAll(or(p.config, hostileConfig), "DIFFIDS", diffIDs)))
	manifest := strings.ReplaceAll(or(p.manifest, hostileManifest), "LAYERS", strings.Repeat(layer+",", count-1)+layer)
	manifest = put([]byte(strings.ReplaceAll(manifest, "CONFIG", config)))
	index := strings.ReplaceAll(or(p.index, hostileIndex), "MANIFEST", manifest)
	hostile.Write(t, filepath.Join(dir, "index.json"), strings.NewReader(index))
	hostile.Write(t, filepath.Join(dir, "oci-layout"), strings.NewReader(`{"imageLayoutVersion":"1.0.0"}`))
	return "oci:" + dir
}

// bent is an input of bent parts.
func bent(name, want string, bend func(p *parts)) hostile.Input {
	return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
		var p parts
		bend(&p)
		return p.write(t, dir)
	}}
}

// many is a list of n times an element.
func many(element string, n int) string { return strings.Repeat(element+",", n-1) + element }

const million = 1_000_000

func hostileDocuments() []hostile.Input {
	const full = 4 << 20
	nested := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	return []hostile.Input{
		bent("nothing wrong", "", func(*parts) {}),
		bent("index larger than 4 MiB", "at most 4194304", func(p *parts) { p.index = hostileIndex + strings.Repeat(" ", full) }),
		bent("manifest larger than 4 MiB", "at most 4194304", func(p *parts) { p.manifest = hostileManifest + strings.Repeat(" ", full) }),
		bent("config larger than 4 MiB", "at most 4194304", func(p *parts) { p.config = hostileConfig + strings.Repeat(" ", full) }),
		bent("index of a million entries", "values", func(p *parts) { p.index = `{"manifests":[` + many("{}", million) + `]}` }),
		bent("manifest of a million layers", "values", func(p *parts) {
			p.manifest = strings.Replace(hostileManifest, "LAYERS", many("{}", million), 1)
		}),
		bent("manifest of a million urls", "values", func(p *parts) {
			p.manifest = strings.Replace(hostileManifest, "[LAYERS]", `[LAYERS],"x":[`+many(`""`, million)+`]`, 1)
		}),
		bent("config of a million diff_ids", "values", func(p *parts) {
			p.config = strings.Replace(hostileConfig, "DIFFIDS", many("null", full/5-100), 1)
		}),
		bent("config of a million history entries", "values", func(p *parts) {
			p.config = strings.Replace(hostileConfig, "{", `{"history":[`+many("{}", million)+`],`, 1)
		}),
		bent("thousands of layers", "layers", func(p *parts) { p.layers = 10_000 }),
		bent("index nested deep", "depth", func(p *parts) { p.index = `{"manifests":` + nested + `}` }),
		bent("config nested deep", "", func(p *parts) {
			deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
			p.config = strings.Replace(hostileConfig, "{", `{"x":`+deep+`,`, 1)
		}),
		bent("list in a list in a list", "list", func(p *parts) {
			p.manifest = hostileIndexOf(`{CONFIG,"mediaType":"application/vnd.oci.image.index.v1+json"}`)
			p.config = hostileIndex
		}),
		bent("list of itself", "no image for windows/amd64", func(p *parts) {
			p.index = `{"manifests":[{"digest":"sha256:` + strings.Repeat("0", 64) + `","size":2,"mediaType":"application/vnd.oci.image.index.v1+json",` + hostilePlatform + `}]}`
		}),
		bent("thousands of lists", "more than 64", func(p *parts) {
			p.index = hostileIndexOf(many(`{MANIFEST,"platform":{"os":"windows"},"mediaType":"application/vnd.oci.image.index.v1+json"}`, 5000))
			p.manifest = `{"manifests":[{CONFIG,` + hostilePlatform + `}]}` + strings.Repeat(" ", full-1000)
		}),
		bent("image of negative size", "bytes", func(p *parts) { p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"size":-1`, 1) }),
		bent("image of huge size", "bytes", func(p *parts) {
			p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"size":9223372036854775807`, 1)
		}),
		bent("layer of negative size", "size", func(p *parts) {
			p.manifest = strings.Replace(hostileManifest, "[LAYERS]", `[{"digest":"sha256:`+strings.Repeat("0", 64)+`","size":-1}]`, 1)
		}),
		bent("size of no number", "cannot unmarshal", func(p *parts) { p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"size":1e400`, 1) }),
		bent("unknown algorithm", "md5", func(p *parts) { p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"digest":"md5:00"`, 1) }),
		bent("digest that is a path", "non-hex", func(p *parts) {
			p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"digest":"sha256:`+strings.Repeat("../", 20)+`etc/"`, 1)
		}),
		bent("algorithm that is a path", "unsupported", func(p *parts) {
			p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"digest":"../../..:00"`, 1)
		}),
		bent("keys twice", "neither", func(p *parts) {
			p.manifest = strings.Replace(hostileManifest, "{", `{"manifests":[{CONFIG}],`, 1)
		}),
		bent("list that is an image", "", func(p *parts) {
			p.index = hostileIndexOf(`{MANIFEST,"mediaType":"application/vnd.oci.image.index.v1+json"}`)
		}),
		bent("an image in the data of a descriptor", "", func(p *parts) {
			p.index = strings.Replace(hostileIndex, "{MANIFEST", `{MANIFEST,"data":"e30="`, 1)
		}),
	}
}

func hostileIndexOf(entries string) string {
	return `{"schemaVersion":2,"manifests":[` + entries + `]}`
}

// hostileLayers are layers that unpack to more than they should.
func hostileLayers() []hostile.Input {
	file := func(name string, n int64) hostile.Member {
		return hostile.Member{Header: tar.Header{Name: name, Size: n}, Body: hostile.Zeros(n)}
	}
	with := func(name, want string, layers int, blob func(t testing.TB) []byte) hostile.Input {
		return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			return parts{layer: blob(t), layers: layers}.write(t, dir)
		}, Slow: strings.Contains(name, "many") || strings.Contains(name, "thousands") || strings.Contains(name, "long")}
	}
	return []hostile.Input{
		with("gzip bomb", "", 1, func(t testing.TB) []byte { return hostile.Gzip(t, hostile.TarOf(file("Files/a", hostile.Big()))) }),
		with("zstd bomb", "", 1, func(t testing.TB) []byte { return hostile.Zstd(t, hostile.TarOf(file("Files/a", hostile.Big()))) }),
		with("gzip bomb in every layer", "", 100, func(t testing.TB) []byte {
			return hostile.Gzip(t, hostile.TarOf(file("Files/a", hostile.Big()/10)))
		}),
		with("zeros without end", "", 100, func(t testing.TB) []byte { return hostile.Gzip(t, hostile.Zeros(hostile.Big()/4)) }),
		with("gzip in gzip", hostile.Any, 1, func(t testing.TB) []byte {
			return hostile.Gzip(t, bytes.NewReader(hostile.Gzip(t, hostile.TarOf(file("Files/a", hostile.Big()/10)))))
		}),
		with("hundreds of thousands of folders", "", 1, func(t testing.TB) []byte { return hostile.Gzip(t, folderNames(million/3, "Files/%d/x")) }),
		with("plain layers of many entries", "", 100, func(t testing.TB) []byte {
			return must[[]byte](t)(io.ReadAll(folderNames(20_000, "Files/%d/x")))
		}),
		with("folders with long names", "", 1, func(t testing.TB) []byte {
			return hostile.Gzip(t, folderNames(60, "Files/"+strings.Repeat("n", million)+"%d/x"))
		}),
	}
}

// folderNames is a tar of n files, whose names have their number.
func folderNames(n int, format string) io.Reader {
	i := 0
	return hostile.Tar(func() (hostile.Member, bool) {
		i++
		return hostile.Member{Header: tar.Header{Name: fmt.Sprintf(format, i)}}, i <= n
	})
}

// hostileFolders are layouts in which other things lie than files.
func hostileFolders() []hostile.Input {
	replace := func(name, want string, change func(t testing.TB, dir string) error) hostile.Input {
		return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			ref := parts{}.write(t, dir)
			if err := change(t, dir); err != nil {
				t.Fatal(err)
			}
			return ref
		}}
	}
	return []hostile.Input{
		replace("no oci-layout", "", func(_ testing.TB, dir string) error { return os.Remove(filepath.Join(dir, "oci-layout")) }),
		replace("index.json is a folder", "no OCI layout", func(_ testing.TB, dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "index.json")), os.Mkdir(filepath.Join(dir, "index.json"), 0o755))
		}),
		replace("blobs are folders", "no images", func(t testing.TB, dir string) error {
			return eachBlob(dir, func(blob string) error { return errors.Join(os.Remove(blob), os.Mkdir(blob, 0o755)) })
		}),
		replace("blobs are pipes", "no images", func(t testing.TB, dir string) error {
			return eachBlob(dir, func(blob string) error {
				err := os.Remove(blob)
				hostile.Pipe(t, blob)
				return err
			})
		}),
		replace("index.json is a pipe", "no OCI layout", func(t testing.TB, dir string) error {
			err := os.Remove(filepath.Join(dir, "index.json"))
			hostile.Pipe(t, filepath.Join(dir, "index.json"))
			return err
		}),
		replace("index.json is a link to a file that is none", "parse index.json", func(t testing.TB, dir string) error {
			err := os.Remove(filepath.Join(dir, "index.json"))
			hostile.Link(t, hostile.Write(t, filepath.Join(filepath.Dir(dir), "secret"), strings.NewReader("password")), filepath.Join(dir, "index.json"))
			return err
		}),
		replace("blobs are elsewhere", "", func(t testing.TB, dir string) error {
			other := filepath.Join(filepath.Dir(dir), "other")
			err := os.Rename(filepath.Join(dir, "blobs"), other)
			hostile.Link(t, other, filepath.Join(dir, "blobs"))
			return err
		}),
		replace("links in a circle", "no images", func(t testing.TB, dir string) error {
			return eachBlob(dir, func(blob string) error {
				err := os.Remove(blob)
				hostile.Link(t, blob, blob)
				return err
			})
		}),
		replace("index.json in capitals", hostile.Any, func(t testing.TB, dir string) error {
			return os.Rename(filepath.Join(dir, "index.json"), filepath.Join(dir, "INDEX.JSON"))
		}),
	}
}

func eachBlob(dir string, do func(blob string) error) error {
	entries, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	for _, e := range entries {
		err = errors.Join(err, do(filepath.Join(dir, "blobs", "sha256", e.Name())))
	}
	return err
}

func hostileArchives() []hostile.Input {
	const noImage = "neither manifest.json nor index.json"
	var inputs []hostile.Input
	add := func(name, want string, content func(t testing.TB) io.Reader) {
		inputs = append(inputs, hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			return "tar:" + hostile.Write(t, filepath.Join(dir, "saved.tar"), content(t))
		}})
	}
	members := func(name, want string, all ...hostile.Member) {
		add(name, want, func(testing.TB) io.Reader { return hostile.TarOf(all...) })
	}
	entry := func(h tar.Header, body string) hostile.Member {
		h.Size = int64(len(body))
		return hostile.Member{Header: h, Body: strings.NewReader(body)}
	}
	for _, name := range []string{"../index.json", "/index.json", "a/../../index.json", `..\index.json`, "../../../../../../etc/index.json"} {
		members("name "+strings.NewReplacer("/", "+", `\`, "+").Replace(name), noImage, entry(tar.Header{Name: name}, "{}"))
	}
	for _, target := range []string{"/etc/passwd", "../../../../../../../../etc/passwd", "manifest.json"} {
		name := strings.ReplaceAll(target, "/", "+")
		noImage := noImage
		if target == "manifest.json" {
			noImage = "too many links"
		}
		members("symlink to "+name, noImage, hostile.Member{Header: tar.Header{Name: "manifest.json", Typeflag: tar.TypeSymlink, Linkname: target}})
		members("hard link to "+name, noImage, hostile.Member{Header: tar.Header{Name: "manifest.json", Typeflag: tar.TypeLink, Linkname: target}})
	}
	for _, flag := range []byte{tar.TypeChar, tar.TypeBlock, tar.TypeFifo, tar.TypeDir} {
		members("index.json of type "+string(flag), noImage, hostile.Member{Header: tar.Header{Name: "index.json", Typeflag: flag}})
	}
	members("index.json twice", "no image", entry(tar.Header{Name: "index.json"}, hostileIndex), entry(tar.Header{Name: "./index.json"}, "{}"))
	members("sparse index.json", noImage, entry(tar.Header{Name: "GNUSparseFile.0/index.json", PAXRecords: map[string]string{
		"VENDOR.x": "1", "comment": strings.Repeat("c", million)}}, "{}"))
	for name, size := range map[string]string{
		"negative size": "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "size of no number": "99999999999\x00",
		"huge size": "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", "size larger than the file": "77777777777\x00",
	} {
		for _, flag := range []byte{tar.TypeReg, tar.TypeXHeader, tar.TypeGNULongName, tar.TypeGNUSparse} {
			add(name+" of type "+string(flag), "read the archive", func(testing.TB) io.Reader {
				return bytes.NewReader(append(hostile.Header("index.json", flag, size), make([]byte, 2048)...))
			})
		}
	}
	add("tens of thousands of files", "65536 files", func(t testing.TB) io.Reader {
		return bytes.NewReader(hostile.Gzip(t, folderNames(70_000, "%d")))
	})
	add("files with long names", "16 MiB of names", func(t testing.TB) io.Reader {
		return bytes.NewReader(hostile.Gzip(t, folderNames(300, strings.Repeat("n", 64<<10)+"%d")))
	})
	add("headers of a megabyte", noImage, func(t testing.TB) io.Reader {
		n := 0
		return bytes.NewReader(hostile.Gzip(t, hostile.Tar(func() (hostile.Member, bool) {
			n++
			return hostile.Member{Header: tar.Header{Name: "a", PAXRecords: map[string]string{"VENDOR.x": strings.Repeat("x", million)}}}, n <= 100
		})))
	})
	add("bomb of gzip", "unpacks to more than", func(t testing.TB) io.Reader { return endless(t, hostile.Gzip) })
	add("bomb of zstd", "unpacks to more than", func(t testing.TB) io.Reader { return endless(t, hostile.Zstd) })
	add("gzip in gzip in gzip", "read the archive", func(t testing.TB) io.Reader {
		zeros := hostile.Gzip(t, bytes.NewReader(hostile.Gzip(t, hostile.Zeros(hostile.Big()/10))))
		return bytes.NewReader(hostile.Gzip(t, bytes.NewReader(zeros)))
	})
	return append(inputs, hostileSaves()...)
}

// endless returns an archive with a file of 20 GB of zeros.
func endless(t testing.TB, pack func(testing.TB, io.Reader) []byte) io.Reader {
	const piece, pieces = 100e6, 200
	head := pack(t, bytes.NewReader(hostile.Header("index.json", tar.TypeReg, fmt.Sprintf("%011o\x00", int64(piece*pieces)))))
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(bytes.Repeat(pack(t, hostile.Zeros(piece)), pieces)))
}

// hostileSaves are archives of the shape that docker save writes.
func hostileSaves() []hostile.Input {
	save := func(name, want string, pack func(testing.TB, io.Reader) []byte, files func() map[string]string) hostile.Input {
		return hostile.Input{Name: name, Want: want, Make: func(t testing.TB, dir string) string {
			var members []hostile.Member
			for name, body := range files() {
				members = append(members, hostile.Member{Header: tar.Header{Name: name, Size: int64(len(body))}, Body: strings.NewReader(body)})
			}
			return "tar:" + hostile.Write(t, filepath.Join(dir, "saved.tar"), bytes.NewReader(pack(t, hostile.TarOf(members...))))
		}, Slow: strings.Contains(name, "compressed") || strings.Contains(name, "thousands")}
	}
	asIs := func(t testing.TB, r io.Reader) []byte { return must[[]byte](t)(io.ReadAll(r)) }
	config := func(layers int) string {
		return strings.ReplaceAll(hostileConfig, "DIFFIDS", many(`"sha256:`+strings.Repeat("0", 64)+`"`, layers))
	}
	return []hostile.Input{
		save("a million images", "values", asIs, func() map[string]string {
			return map[string]string{"manifest.json": "[" + many("{}", million) + "]"}
		}),
		save("thousands of images of one large config", "configs", asIs, func() map[string]string {
			return map[string]string{
				"manifest.json": "[" + many(`{"Config":"c","Layers":["l"]}`, 5000) + "]", "c": config(1) + strings.Repeat(" ", 4<<20-1000), "l": ""}
		}),
		save("thousands of layers that are one", "layers", asIs, func() map[string]string {
			return map[string]string{
				"manifest.json": `[{"Config":"c","Layers":[` + many(`"l"`, 5000) + `]}]`, "c": config(5000), "l": ""}
		}),
		save("compressed layers in a compressed archive", hostile.Any, hostile.Gzip, compressedLayers),
		save("config that is a path", "not exist", asIs, func() map[string]string {
			return map[string]string{"manifest.json": `[{"Config":"../../../../../etc/passwd","Layers":[]}]`}
		}),
		save("layer that is a path", "not exist", asIs, func() map[string]string {
			return map[string]string{"manifest.json": `[{"Config":"c","Layers":["/etc/passwd"]}]`, "c": config(1)}
		}),
		save("null for an image", "not exist", asIs, func() map[string]string {
			return map[string]string{"manifest.json": `[null]`}
		}),
	}
}

// compressedLayers are the files of an archive with 200 layers of 500 KB, gzip'ed
// each: enough to take long where each means to unpack all before it.
func compressedLayers() map[string]string {
	var z bytes.Buffer
	for z.Len() < million/2 {
		z.WriteString("\x1f\x8b incompressible enough ")
		fmt.Fprint(&z, z.Len()*2654435761)
	}
	const n = 200
	files := map[string]string{}
	var layers, diffIDs []string
	for i := range n {
		name := fmt.Sprint("l", i)
		files[name] = "\x1f\x8b" + fmt.Sprint(i) + z.String()
		layers = append(layers, `"`+name+`"`)
		diffIDs = append(diffIDs, fmt.Sprintf(`"sha256:%064d"`, i))
	}
	files["manifest.json"] = `[{"Config":"c","Layers":[` + strings.Join(layers, ",") + `]}]`
	files["c"] = strings.ReplaceAll(hostileConfig, "DIFFIDS", strings.Join(diffIDs, ","))
	return files
}
