package dotnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers"
)

// published is a publish folder with every kind of library.
var published = map[string]string{
	"App.exe": "MZ", "App.dll": "MZ", "App.pdb": "", "createdump.exe": "MZ", "coreclr.dll": "MZ", "hostfxr.dll": "MZ", "hostpolicy.dll": "MZ", "Kestrel.dll": "MZ", "wpf.dll": "MZ",
	"Dapper.dll": "MZ", "Dapper.xml": "<doc/>", "de/Humanizer.resources.dll": "MZ", "sni.dll": "MZ", "Core.dll": "MZ", "Core.pdb": "",
	"wwwroot/a.js": "", "web.config": "",
	"App.runtimeconfig.json": `{"runtimeOptions":{"tfm":"net10.0","includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"10.0.12"}]}}`,
	"App.deps.json": "\uFEFF" + `{"runtimeTarget":{"name":".NETCoreApp,Version=v10.0/win-x64"},"targets":{".NETCoreApp,Version=v10.0":{},".NETCoreApp,Version=v10.0/win-x64":{
		"App/1.0.0":{"runtime":{"App.dll":{}}},
		"runtimepack.Microsoft.NETCore.App.Runtime.win-x64/10.0.12":{"native":{"coreclr.dll":{},"hostfxr.dll":{},"hostpolicy.dll":{},"createdump.exe":{}}},
		"runtimepack.Microsoft.AspNetCore.App.Runtime.win-x64/10.0.12":{"runtime":{"Kestrel.dll":{}}},
		"runtimepack.Microsoft.WindowsDesktop.App.Runtime.win-x64/10.0.12":{"runtime":{"wpf.dll":{}}},
		"Dapper/2.1.66":{"runtime":{"lib/net8.0/Dapper.dll":{}}},
		"Humanizer/2.14.1":{"resources":{"lib/net6.0/de/Humanizer.resources.dll":{"locale":"de"}}},
		"Sni/6.0.2":{"native":{"runtimes/win-x64/native/sni.dll":{}}},
		"Core/1.0.0":{"runtime":{"Core.dll":{}}}}},
		"libraries":{"App/1.0.0":{"type":"project"},"Core/1.0.0":{"type":"project"},
		"runtimepack.Microsoft.NETCore.App.Runtime.win-x64/10.0.12":{"type":"runtimepack"},
		"runtimepack.Microsoft.AspNetCore.App.Runtime.win-x64/10.0.12":{"type":"runtimepack"},
		"runtimepack.Microsoft.WindowsDesktop.App.Runtime.win-x64/10.0.12":{"type":"runtimepack"},
		"Dapper/2.1.66":{"type":"package"},"Humanizer/2.14.1":{"type":"package"},"Sni/6.0.2":{"type":"package"}}}`,
}

func TestPublishFolder(t *testing.T) {
	t.Parallel()
	dir := write(t, published)
	got, err := Publish(t.Context(), Request{Project: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := &Result{
		Dir: dir, ProjectDir: dir, Name: "App", EntryPoint: "App.exe",
		Runtime: Runtime{TFM: "net10.0", SelfContained: true, Frameworks: []Framework{{Name: "Microsoft.NETCore.App", Version: "10.0.12"}}},
		Origins: map[string]layers.Origin{
			"coreclr.dll": layers.Runtime, "hostfxr.dll": layers.Runtime, "hostpolicy.dll": layers.Runtime, "createdump.exe": layers.Runtime, "Kestrel.dll": layers.Aspnet, "wpf.dll": layers.Desktop,
			"Dapper.dll": layers.Packages, "Dapper.xml": layers.Packages, "de/Humanizer.resources.dll": layers.Packages, "sni.dll": layers.Packages,
			"Core.dll": layers.Project, "Core.pdb": layers.Project, "wwwroot/a.js": layers.Assets,
			"App.exe": layers.App, "App.dll": layers.App, "App.pdb": layers.App, "App.deps.json": layers.App,
			"App.runtimeconfig.json": layers.App, "web.config": layers.App,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestPublishFolderWithoutItsRuntime(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"hostfxr.dll", "hostpolicy.dll", "coreclr.dll"} {
		files := maps.Clone(published)
		delete(files, part)
		_, err := Publish(t.Context(), Request{Project: write(t, files)})
		var refused *Refusal
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "App.exe") {
			t.Errorf("without %s: %v; want a refusal that names it", part, err)
		}
	}
}

func TestPublishFolderNeedsFramework(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"App.exe":                "MZ",
		"App.runtimeconfig.json": `{"runtimeOptions":{"tfm":"net8.0","frameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.0"},{"name":"Microsoft.AspNetCore.App","version":"8.0.0"}]}}`,
	})
	want := Runtime{TFM: "net8.0", Frameworks: []Framework{{Name: "Microsoft.NETCore.App", Version: "8.0.0"}, {Name: "Microsoft.AspNetCore.App", Version: "8.0.0"}}}
	for _, c := range []struct {
		asked  *bool
		notice string
	}{{nil, ""}, {new(false), ""}, {new(true), "--self-contained=true"}} {
		got, err := Publish(t.Context(), Request{Project: dir, SelfContained: c.asked})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Runtime); diff != "" {
			t.Errorf("runtime (-want +got):\n%s", diff)
		}
		if notices := strings.Join(got.Notices, "\n"); notices == "" != (c.notice == "") || !strings.Contains(notices, c.notice) {
			t.Errorf("notices %q, want %q", got.Notices, c.notice)
		}
	}
}

func TestEntryPointOfFolder(t *testing.T) {
	t.Parallel()
	two := map[string]string{"A.exe": "MZ", "A.runtimeconfig.json": "{}", "B.exe": "MZ", "B.runtimeconfig.json": "{}", "tools/T.exe": "MZ"}
	for _, test := range []struct {
		files            map[string]string
		entrypoint, want string
	}{
		{two, "B.exe", "B.exe"},
		{two, "b", "B.exe"},
		{two, `C:\app\A.exe`, "A.exe"},
		{two, `tools\T.exe`, "tools/T.exe"},
		{two, `C:\Windows\System32\cmd.exe`, ""},
		{map[string]string{"A.exe": "MZ", "A.runtimeconfig.json": "{}", "helper.exe": "MZ"}, "", "A.exe"},
		{map[string]string{"only.exe": "MZ", "createdump.exe": "MZ"}, "", "only.exe"},
		{map[string]string{"A.exe": "MZ", "A.runtimeconfig.json": "{}", "helper.exe": "MZ"}, `C:\Windows\System32\cmd.exe`, "A.exe"},
		{map[string]string{"files.txt": ""}, `C:\Windows\System32\cmd.exe`, ""},
	} {
		got, err := Publish(t.Context(), Request{Project: write(t, test.files), Entrypoint: test.entrypoint})
		if err != nil {
			t.Errorf("%q: %v", test.entrypoint, err)
			continue
		}
		if got.EntryPoint != test.want {
			t.Errorf("%q: entry point %q, want %q", test.entrypoint, got.EntryPoint, test.want)
		}
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"one/One.csproj": "", "one/One.slnx": "", "one/One.exe": "", "one/One.runtimeconfig.json": "{}", "basic/B.VBPROJ": "", "app.cs": "", "out/App.exe": "MZ",
	})
	for path, want := range map[string]Kind{
		"one": ProjectFile, "one/One.csproj": ProjectFile, "basic": ProjectFile, "app.cs": SourceFile, "out": Folder,
	} {
		if got, err := Identify(filepath.Join(dir, path)); err != nil || got != want {
			t.Errorf("Identify(%s) = %v, %v; want %v", path, got, err, want)
		}
	}
}

func TestBundle(t *testing.T) {
	t.Parallel()
	config := `{"runtimeOptions":{"includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"9.0.1"}]}}`
	for _, start := range []int{100, 1<<20 - 20, 1<<20 + 5} { // the marker may lie across a block
		program := bytes.Repeat([]byte{'x'}, start)
		header := int64(start + 8 + len(bundleMarker) + len(config))
		program = binary.LittleEndian.AppendUint64(program, uint64(header))
		program = append(append(program, bundleMarker...), config...)
		for _, n := range []uint32{6, 0, 1} {
			program = binary.LittleEndian.AppendUint32(program, n)
		}
		program = append(program, 2, 'i', 'd')
		for _, n := range []uint64{0, 0, uint64(start + 8 + len(bundleMarker)), uint64(len(config)), 0} {
			program = binary.LittleEndian.AppendUint64(program, n)
		}
		dir := write(t, map[string]string{"app.exe": string(program)})
		got, err := readBundle(dir, "app.exe")
		if err != nil || !got.SingleFile || !got.SelfContained || len(got.Frameworks) != 1 || got.Frameworks[0].Version != "9.0.1" {
			t.Errorf("marker at %d: %+v, %v", start, got, err)
		}
	}
	dir := write(t, map[string]string{"native.exe": "MZ and no marker"})
	if got, err := readBundle(dir, "native.exe"); err != nil || got.SingleFile {
		t.Errorf("native program: %+v, %v", got, err)
	}
}
