package builder_test

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// newProgram makes a published application that passes for a real one: its
// program has the headers of a console program for x64, and .NET lies beside it.
func newProgram(t *testing.T) *dotnet.Result {
	t.Helper()
	app := newWebApp(t, "10.0.12")
	pe := make([]byte, 256)
	copy(pe, "MZ")
	pe[0x3c] = 0x80
	copy(pe[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(pe[0x84:], 0x8664)
	binary.LittleEndian.PutUint16(pe[0x80+24+68:], 3)
	for name, text := range map[string]string{
		"App.exe": string(pe), "hostfxr.dll": "MZ", "hostpolicy.dll": "MZ", "wwwroot/ä b.css": "b{}",
		"App.runtimeconfig.json": `{"runtimeOptions":{"includedFrameworks":[{"name":"Microsoft.NETCore.App"},{"name":"Microsoft.AspNetCore.App"}]}}`,
	} {
		addFile(t, app, name, text)
	}
	return app
}

func TestImagesPassTheLint(t *testing.T) {
	t.Parallel()
	unknown := map[string]any{
		"x-own": map[string]any{"n": 1.5}, "variant": "v8", "docker_version": "1", "config.Shell": []string{"powershell"},
		"config.Healthcheck": map[string]any{"Test": []string{"NONE"}}, "config.OnBuild": []string{"RUN x"}, "config.StopTimeout": 3,
	}
	for name, tt := range map[string]struct {
		base  sample.Options
		o     builder.Overrides
		asked lint.Asked
	}{
		"plain":             {},
		"unknown keys":      {base: sample.Options{ExtraConfig: unknown, OSFeatures: []string{"win32k"}, Layers: 2, Env: []string{"Path=C:\\x", "A=1"}}},
		"Server Core":       {base: sample.Options{NoUser: true, Layers: 2}},
		"HostProcess":       {base: sample.Options{NoOSVersion: true, Uncompressed: true, OCI: true}},
		"escaped arguments": {base: sample.Options{ArgsEscaped: true, Entrypoint: []string{"cmd /c x"}}},
		"foreign":           {base: sample.Options{Foreign: true}},
		"foreign to oci":    {base: sample.Options{Foreign: true}, o: builder.Overrides{Format: "oci"}},
		"oci to docker":     {base: sample.Options{OCI: true}, o: builder.Overrides{Format: "docker"}},
		"no history":        {base: sample.Options{ExtraConfig: map[string]any{"history": nil}, Layers: 2}},
		"long history":      {base: sample.Options{ExtraConfig: map[string]any{"history": []map[string]string{{}, {}, {}}}}},
		"single":            {o: builder.Overrides{Single: true}},
		"the base's entry":  {base: sample.Options{Entrypoint: []string{"iis.exe"}, Cmd: []string{"x"}}, o: builder.Overrides{Entrypoint: []string{"base"}}},
		"all flags": {
			o: builder.Overrides{
				Env: []string{`path=C:\Windows\System32;C:\x`, "A=1"}, Labels: []string{"a=b"}, User: "ContainerAdministrator", Workdir: `C:\data`,
				AppDir: `C:\svc\web`, Ports: []string{"1", "2/udp"}, Cmd: []string{"x"}, Writable: []string{`C:\svc\web\logs`, `C:\data`},
			},
			asked: lint.Asked{User: true, Path: true, Cmd: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, b := newProgram(t), newBase(t, tt.base)
			spec, _ := configure(t, app, tt.o)
			img, _ := build(t, app, b, tt.o)
			report, err := lint.Image(input(t, img, b, app, spec, tt.asked))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				t.Error(f)
			}
		})
	}
}

// input is an image as the lint takes it.
func input(t *testing.T, img built, b *base.Base, app *dotnet.Result, spec *builder.Spec, asked lint.Asked) lint.ImageInput {
	t.Helper()
	root, err := os.OpenRoot(app.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	in := lint.ImageInput{
		Manifest: manifest, Config: config, Base: &lint.BaseImage{Manifest: b.Manifest, Config: b.Config},
		Asked: asked, Publish: root.FS(), Target: targetOf(spec),
	}
	for i, g := range img.Plan.Groups {
		id, err := img.Ours[i].DiffID()
		if err != nil {
			t.Fatal(err)
		}
		in.Layers = append(in.Layers, lint.ImageLayer{DiffID: id, Entries: g.Entries})
	}
	return in
}

// targetOf is the folder of the application as layers name it.
func targetOf(spec *builder.Spec) string {
	if spec.AppDir == `C:\svc\web` {
		return "svc/web"
	}
	return "app"
}
