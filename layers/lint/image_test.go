package lint

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// program is the beginning of a Windows program.
func program(machine, subsystem uint16) string {
	b := make([]byte, 256)
	copy(b, "MZ")
	b[0x3c] = 0x80
	copy(b[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[0x84:], machine)
	binary.LittleEndian.PutUint16(b[0x80+24+68:], subsystem)
	return string(b)
}

const selfContained = `{"runtimeOptions":{"tfm":"net10.0","includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"10.0.12"}]}}`

func publishFolder() fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range map[string]string{
		"App.exe": program(0x8664, 3), "App.dll": "MZ", "App.runtimeconfig.json": selfContained,
		"hostfxr.dll": "1", "hostpolicy.dll": "2", "coreclr.dll": "3", "App.staticwebassets.endpoints.json": `{"Endpoints":[]}`,
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

// doc is a JSON object that tests change by path.
type doc map[string]any

func parse(text string) doc {
	d := doc{}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		panic(err)
	}
	return d
}

func (d doc) in(key string) doc { return doc(d[key].(map[string]any)) }

func (d doc) raw(t *testing.T) []byte {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	docker      = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	foreignType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
)

func hexOf(n int) string { return "sha256:" + strings.Repeat(fmt.Sprint(n), 64) }

func manifestOf(layers ...string) string {
	return `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":1,"digest":"` +
		hexOf(9) + `"},"layers":[` + strings.Join(layers, ",") + `]}`
}

func layerJSON(mediaType string, n int) string {
	return fmt.Sprintf(`{"mediaType":%q,"size":%d,"digest":%q}`, mediaType, n, hexOf(n))
}

// imageCase is an image on a base, to be changed by a test.
type imageCase struct {
	manifest, config         doc
	baseManifest, baseConfig doc
	files                    fstest.MapFS // packed
	in                       ImageInput
}

func goodImage() *imageCase {
	base := layerJSON(foreignType, 1)
	return &imageCase{
		manifest:     parse(manifestOf(base, layerJSON(docker, 2))),
		baseManifest: parse(manifestOf(base)),
		config: parse(`{"architecture":"amd64","os":"windows","os.version":"10.0.20348.1","os.features":["win32k"],"x":{"y":1},"created":"2026-01-01T00:00:00Z",
			"config":{"User":"ContainerUser","Hostname":"","Entrypoint":["C:\\app\\App.exe"],"Cmd":null,"WorkingDir":"C:\\app","Env":["A=1"]},
			"history":[{"created_by":"base"},{"created_by":"ENV","empty_layer":true},{"created_by":"nanobuild: app layer"}],
			"rootfs":{"type":"layers","diff_ids":["` + hexOf(3) + `","` + hexOf(4) + `"]}}`),
		baseConfig: parse(`{"x":{"y":1},"architecture":"amd64","os":"windows","os.version":"10.0.20348.1","os.features":["win32k"],
			"config":{"User":"ContainerUser","Hostname":"","Cmd":["c:\\windows\\system32\\cmd.exe"],"Env":null},
			"history":[{"created_by":"base"}],"rootfs":{"type":"layers","diff_ids":["` + hexOf(3) + `"]}}`),
		files: publishFolder(),
		in:    ImageInput{Publish: publishFolder(), Target: "app"},
	}
}

// input packs the files, as tars or as a plan.
func (c *imageCase) input(t *testing.T, tars bool) ImageInput {
	t.Helper()
	in := c.in
	in.Manifest, in.Config = c.manifest.raw(t), c.config.raw(t)
	if c.baseManifest != nil {
		in.Base = &BaseImage{Manifest: c.baseManifest.raw(t), Config: c.baseConfig.raw(t)}
	}
	plan, err := layers.NewPlan(context.Background(), layers.PlanOptions{FS: c.files, Target: "app", Single: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range plan.Groups {
		id, err := v1.NewHash(hexOf(4))
		if err != nil {
			t.Fatal(err)
		}
		l := ImageLayer{DiffID: id, Entries: g.Entries}
		if tars {
			built, err := layers.Build(context.Background(), g, layers.Options{})
			if err != nil {
				t.Fatal(err)
			}
			l = ImageLayer{DiffID: id, Tar: built.Uncompressed}
		}
		in.Layers = append(in.Layers, l)
	}
	return in
}

func TestImage(t *testing.T) {
	t.Parallel()
	config := func(key string, value any) func(*imageCase) {
		return func(c *imageCase) { c.config.in("config")[key] = value }
	}
	file := func(name, content string) func(*imageCase) {
		return func(c *imageCase) {
			f := &fstest.MapFile{Data: []byte(content)}
			c.files[name] = f
			c.in.Publish.(fstest.MapFS)[name] = f
		}
	}
	remove := func(name string) func(*imageCase) {
		return func(c *imageCase) {
			delete(c.files, name)
			delete(c.in.Publish.(fstest.MapFS), name)
		}
	}
	tests := []struct {
		name   string
		change func(*imageCase)
		rule   int // 0: nothing is found
		class  Class
		warn   bool
	}{
		{name: "good", change: func(*imageCase) {}},
		{name: "without a base", change: func(c *imageCase) { c.baseManifest = nil }},
		{name: "base's entry point", change: func(c *imageCase) {
			config("Entrypoint", nil)(c)
			config("Cmd", []string{`c:\windows\system32\cmd.exe`})(c)
		}},
		{name: "relative entry point", change: config("Entrypoint", []string{"App.exe"})},
		{name: "file added", change: func(c *imageCase) { c.files["new"] = &fstest.MapFile{} }, rule: 19, class: Content},
		{name: "file lost", change: func(c *imageCase) { delete(c.files, "App.dll") }, rule: 19, class: Content},
		{name: "file changed", change: func(c *imageCase) { c.files["App.dll"] = &fstest.MapFile{Data: []byte("ZM")} }, rule: 19, class: Content},
		{name: "endpoints may change", change: func(c *imageCase) {
			c.files["App.staticwebassets.endpoints.json"] = &fstest.MapFile{Data: []byte(`{"Endpoints":[ ]}`)}
		}},
		{name: "no such program", change: config("Entrypoint", []string{`C:\app\Other.exe`}), rule: 20, class: EntryPoint},
		{name: "program elsewhere", change: config("Entrypoint", []string{`D:\app\App.exe`}), rule: 20, class: EntryPoint},
		{name: "nothing to start", change: config("Entrypoint", nil), rule: 20, class: EntryPoint},
		{name: "slashes", change: config("Entrypoint", []string{"C:/app/App.exe"}), rule: 20, class: EntryPoint},
		{name: "no program", change: file("App.exe", "#!/bin/sh"), rule: 20, class: EntryPoint},
		{name: "cut off", change: file("App.exe", program(0x8664, 3)[:100]), rule: 20, class: EntryPoint},
		{name: "ARM program", change: file("App.exe", program(0xaa64, 3)), rule: 20, class: EntryPoint},
		{name: "window program", change: file("App.exe", program(0x8664, 2)), rule: 20, class: EntryPoint, warn: true},
		{name: "working folder", change: config("WorkingDir", `C:\data`), rule: 21, class: WorkingDir},
		{name: "working folder is a file", change: config("WorkingDir", `C:\app\App.dll`), rule: 21, class: WorkingDir},
		{name: "working folder with slashes", change: config("WorkingDir", `C:/app`), rule: 21, class: WorkingDir},
		{name: "no coreclr", change: remove("coreclr.dll"), rule: 22, class: Runtime},
		{name: "no runtimeconfig", change: remove("App.runtimeconfig.json"), rule: 22, class: Runtime},
		{name: "needs a framework", change: file("App.runtimeconfig.json", `{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App"}}}`), rule: 22, class: Runtime},
		{name: "has a framework", change: func(c *imageCase) {
			file("App.runtimeconfig.json", `{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App"}}}`)(c)
			config("Env", []string{"DOTNET_VERSION=10.0.12"})(c)
		}},
		{name: "bundle", change: func(c *imageCase) {
			for _, name := range []string{"App.dll", "App.runtimeconfig.json", "hostfxr.dll", "hostpolicy.dll", "coreclr.dll"} {
				remove(name)(c)
			}
		}},
		{name: "ASP.NET unlisted", change: file("Microsoft.AspNetCore.dll", "x"), rule: 22, class: Runtime, warn: true},
		{name: "diff_id lost", change: func(c *imageCase) { c.config.in("rootfs")["diff_ids"] = []string{hexOf(3)} }, rule: 24, class: DiffIDs},
		{name: "diff_id of another layer", change: func(c *imageCase) { c.config.in("rootfs")["diff_ids"] = []string{hexOf(3), hexOf(5)} }, rule: 24, class: DiffIDs},
		{name: "diff_id of another base", change: func(c *imageCase) { c.config.in("rootfs")["diff_ids"] = []string{hexOf(5), hexOf(4)} }, rule: 24, class: DiffIDs},
		{name: "no history", change: func(c *imageCase) { c.config["history"] = nil }, rule: 25, class: History},
		{name: "no os.version", change: func(c *imageCase) { delete(c.config, "os.version") }, rule: 26, class: Platform},
		{name: "unknown key lost", change: func(c *imageCase) { delete(c.config, "x") }, rule: 26, class: Platform},
		{name: "config key lost", change: func(c *imageCase) { delete(c.config.in("config"), "Hostname") }, rule: 26, class: Platform},
		{name: "Linux", change: func(c *imageCase) { c.config["os"], c.baseConfig["os"] = "linux", "linux" }, rule: 26, class: Platform},
		{name: "os.version invented", change: func(c *imageCase) { delete(c.baseConfig, "os.version") }, rule: 26, class: Platform},
		{name: "user", change: config("User", ""), rule: 27, class: Settings},
		{name: "user asked for", change: func(c *imageCase) { config("User", "x")(c); c.in.Asked.User = true }},
		{name: "PATH", change: config("Env", []string{`Path=C:\app`}), rule: 27, class: Settings},
		{name: "PATH asked for", change: func(c *imageCase) { config("Env", []string{`Path=C:\app`})(c); c.in.Asked.Path = true }},
		{name: "variable twice", change: config("Env", []string{"A=1", "a=2"}), rule: 27, class: Settings},
		{name: "empty variable", change: config("Env", []string{"A="}), rule: 27, class: Settings},
		{name: "base's Cmd", change: config("Cmd", []string{"cmd.exe"}), rule: 27, class: Settings},
		{name: "Cmd asked for", change: func(c *imageCase) { config("Cmd", []string{"-x"})(c); c.in.Asked.Cmd = true }},
		{name: "ArgsEscaped", change: config("ArgsEscaped", true), rule: 27, class: Settings},
		{name: "base layer changed", change: func(c *imageCase) {
			c.manifest["layers"] = parse(manifestOf(layerJSON(docker, 5), layerJSON(docker, 2)))["layers"]
		}, rule: 28, class: BaseLayers},
		{name: "urls lost", change: func(c *imageCase) {
			c.baseManifest["layers"].([]any)[0].(map[string]any)["urls"] = []string{"https://example.com/x"}
		}, rule: 28, class: BaseLayers},
		{name: "base layer lost", change: func(c *imageCase) { c.manifest["layers"] = []any{} }, rule: 28, class: BaseLayers},
		{name: "OCI layer in a Docker manifest", change: func(c *imageCase) {
			c.manifest["layers"].([]any)[1].(map[string]any)["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
		}, rule: 28, class: MediaType},
		{name: "OCI config in a Docker manifest", change: func(c *imageCase) {
			c.manifest.in("config")["mediaType"] = "application/vnd.oci.image.config.v1+json"
		}, rule: 28, class: MediaType},
		{name: "manifest that is none", change: func(c *imageCase) { c.manifest = doc{"layers": 7} }, rule: 24, class: BadJSON},
	}
	for _, tt := range tests {
		for _, tars := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/tars=%v", tt.name, tars), func(t *testing.T) {
				t.Parallel()
				c := goodImage()
				tt.change(c)
				if tt.name == "base layer lost" {
					c.config.in("rootfs")["diff_ids"] = []string{}
				}
				r, err := Image(c.input(t, tars))
				if err != nil {
					t.Fatal(err)
				}
				ok := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Assertion == tt.rule && f.Class == tt.class && f.Warning == tt.warn })
				if tt.rule == 0 && len(r.Findings) > 0 || tt.rule != 0 && !ok {
					t.Errorf("want rule %d %s, got %v", tt.rule, tt.class, r.Findings)
				}
				if tt.warn && !r.OK() {
					t.Errorf("warnings alone are no fault: %v", r.Err())
				}
			})
		}
	}
}

func TestImageWithoutLayers(t *testing.T) {
	t.Parallel()
	c := goodImage()
	in := c.input(t, false)
	in.Layers, in.Publish = nil, nil
	r, err := Image(in)
	if err != nil || len(r.Findings) > 0 {
		t.Errorf("%v, %v", r.Findings, err)
	}
}

func TestImageReaderErrors(t *testing.T) {
	t.Parallel()
	c := goodImage()
	in := c.input(t, false)
	in.Layers = []ImageLayer{{Tar: func() (io.ReadCloser, error) { return nil, fs.ErrPermission }}}
	if _, err := Image(in); err == nil {
		t.Error("an unreadable layer is no error")
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	entry := func(n int, version string) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":1,"digest":%q,"platform":{"os":"windows","architecture":"amd64","os.version":%q}}`, hexOf(n), version)
	}
	configs := map[v1.Hash][]byte{}
	for n, version := range map[int]string{1: "10.0.20348.1", 2: "10.0.26100.1", 3: "10.0.20348.2"} {
		h, err := v1.NewHash(hexOf(n))
		if err != nil {
			t.Fatal(err)
		}
		configs[h] = []byte(`{"os":"windows","architecture":"amd64","os.version":"` + version + `"}`)
	}
	attestation := `{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"` + hexOf(8) + `","platform":{"os":"unknown","architecture":"unknown"}}`
	bare := `{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"` + hexOf(8) + `"}`
	for name, tt := range map[string]struct {
		entries []string
		want    string
	}{
		"good":             {[]string{entry(1, "10.0.20348.1"), entry(2, "10.0.26100.1"), attestation}, ""},
		"another version":  {[]string{entry(1, "10.0.20348.9")}, "its config for"},
		"no version":       {[]string{entry(1, "")}, "its config for"},
		"same build twice": {[]string{entry(1, "10.0.20348.1"), entry(3, "10.0.20348.2")}, "same Windows build"},
		"no platform":      {[]string{bare}, "no platform"},
	} {
		r := Index([]byte(`{"schemaVersion":2,"manifests":[`+strings.Join(tt.entries, ",")+`]}`), maps.Clone(configs))
		if tt.want == "" && !r.OK() || tt.want != "" && (r.OK() || !strings.Contains(r.Err().Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, r.Err(), tt.want)
		}
	}
	if r := Index([]byte("no JSON"), nil); !r.Has(BadJSON) {
		t.Errorf("%v", r.Findings)
	}
}
