package builder_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

const program = `C:\app\App.exe`

func items(argv ...string) []dotnet.Item {
	out := make([]dotnet.Item, 0, len(argv))
	for _, a := range argv {
		out = append(out, item(a))
	}
	return out
}

func TestEntryOfTheProject(t *testing.T) {
	t.Parallel()
	type all = map[string][]dotnet.Item
	iis := []string{`C:\ServiceMonitor.exe`, "w3svc"}
	for _, tt := range []struct {
		name        string
		instruction string
		items       all
		base        []string // its Entrypoint
		baseCmd     []string
		entrypoint  []string
		cmd         []string
		warning     string
	}{
		{name: "default", entrypoint: []string{program}},
		{name: "default over the base's", base: iis, entrypoint: []string{program}},
		{name: "default arguments", items: all{"ContainerDefaultArgs": items("--a", "b c")}, entrypoint: []string{program}, cmd: []string{"--a", "b c"}},
		{name: "fixed arguments", items: all{"ContainerAppCommandArgs": items("x")}, entrypoint: []string{program, "x"}},
		{name: "both", items: all{"ContainerAppCommandArgs": items("x"), "ContainerDefaultArgs": items("y")}, entrypoint: []string{program, "x"}, cmd: []string{"y"}},
		{name: "own command", items: all{"ContainerAppCommand": items(`C:\app\App.exe`, "serve")}, entrypoint: []string{program, "serve"}},
		{name: "old arguments", items: all{"ContainerEntrypointArgs": items("x")}, entrypoint: []string{program}, cmd: []string{"x"}},
		{name: "launcher", items: all{"ContainerEntrypoint": items(`C:\app\run.exe`), "ContainerEntrypointArgs": items("-v")}, entrypoint: []string{`C:\app\run.exe`, "-v"}, cmd: []string{program}},
		{name: "entry point is the program", items: all{"ContainerEntrypoint": items(`C:\app\App.exe`)}, entrypoint: []string{program}},
		{name: "forward slashes", items: all{"ContainerAppCommand": items("C:/app/App.exe", "/x")}, entrypoint: []string{program, "/x"}},
		{name: "relative", items: all{"ContainerAppCommand": items("./App")}, entrypoint: []string{program}},
		{name: "linux form", items: all{"ContainerAppCommand": items("/app/App", "--x")}, entrypoint: []string{program, "--x"}, warning: "command of Linux"},
		{name: "linux entry point", items: all{"ContainerEntrypoint": items("/app/App")}, entrypoint: []string{program}, warning: "command of Linux"},
		{name: "dotnet with dll", items: all{"ContainerAppCommand": items("dotnet", "/app/App.dll", "serve")}, entrypoint: []string{program, "serve"}, warning: "command of Linux"},
		{name: "program of linux", items: all{"ContainerEntrypoint": items("/usr/bin/tini"), "ContainerEntrypointArgs": items("--")}, entrypoint: []string{program}, warning: "ignored"},
		{name: "as default args", instruction: "defaultargs", base: iis, entrypoint: iis, cmd: []string{program}},
		{
			name: "as default args with all", instruction: "DefaultArgs",
			items:      all{"ContainerEntrypoint": items("cmd", "/c"), "ContainerAppCommandArgs": items("x"), "ContainerDefaultArgs": items("y")},
			entrypoint: []string{"cmd", "/c"}, cmd: []string{program, "x", "y"},
		},
		{name: "none keeps the base's", instruction: "None", base: iis, baseCmd: []string{"-v"}, entrypoint: iis, cmd: []string{"-v"}},
		{name: "none with default args", instruction: "None", base: iis, items: all{"ContainerDefaultArgs": items("x")}, entrypoint: iis, cmd: []string{"x"}},
		{name: "none with entry point", instruction: "None", items: all{"ContainerEntrypoint": items("cmd")}, entrypoint: []string{"cmd"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			addFile(t, app, "run.exe", "MZ")
			app.Properties["ContainerAppCommandInstruction"] = tt.instruction
			app.Items = tt.items
			img, warnings := build(t, app, newBase(t, sample.Options{Entrypoint: tt.base, Cmd: tt.baseCmd}), builder.Overrides{})
			c := configOf(t, img).Config
			if diff := cmp.Diff([][]string{tt.entrypoint, tt.cmd}, [][]string{c.Entrypoint, c.Cmd}); diff != "" {
				t.Error(diff)
			}
			if tt.warning == "" && len(warnings) > 0 || !mentions(append(warnings, ""), tt.warning) {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestEntriesThatContradictThemselves(t *testing.T) {
	t.Parallel()
	type all = map[string][]dotnet.Item
	for name, tt := range map[string]struct {
		instruction string
		items       all
	}{
		"arguments without an entry point": {"", all{"ContainerEntrypointArgs": items("x"), "ContainerDefaultArgs": items("y")}},
		"none with a command":              {"None", all{"ContainerAppCommand": items("x")}},
		"none with arguments":              {"None", all{"ContainerAppCommandArgs": items("x")}},
		"two entry points":                 {"Entrypoint", all{"ContainerEntrypoint": items("x")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			app.Properties["ContainerAppCommandInstruction"] = tt.instruction
			app.Items = tt.items
			_, _, err := tryConfigure(t, app, builder.Overrides{})
			wantInput(t, err, "The project sets")
			// What the user asks for does not depend on it.
			if _, _, err := tryConfigure(t, app, builder.Overrides{Entrypoint: []string{program}}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEntryByFlags(t *testing.T) {
	t.Parallel()
	yes := true
	base := sample.Options{Entrypoint: []string{"iis.exe", "w3svc"}, Cmd: []string{"-x"}, ArgsEscaped: true}
	for _, tt := range []struct {
		name       string
		o          builder.Overrides
		entrypoint []string
		cmd        []string
		escaped    *bool
	}{
		{"none", builder.Overrides{}, []string{program}, []string{"from", "project"}, nil},
		{"entry point", builder.Overrides{Entrypoint: []string{"C:/app/App.exe", "/a b"}}, []string{program, "/a b"}, nil, nil},
		{"relative", builder.Overrides{Entrypoint: []string{`app\App.exe`}}, []string{`app\App.exe`}, nil, nil},
		{"both", builder.Overrides{Entrypoint: []string{program}, Cmd: []string{"x", "y"}}, []string{program}, []string{"x", "y"}, nil},
		{"cmd", builder.Overrides{Cmd: []string{"x"}}, []string{program}, []string{"x"}, nil},
		{"base", builder.Overrides{Entrypoint: []string{"base"}}, base.Entrypoint, base.Cmd, &yes},
		{"base with cmd", builder.Overrides{Entrypoint: []string{"base"}, Cmd: []string{"y"}}, base.Entrypoint, []string{"y"}, &yes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			app.Items = map[string][]dotnet.Item{"ContainerDefaultArgs": items("from", "project")}
			img, _ := build(t, app, newBase(t, base), tt.o)
			c := configOf(t, img).Config
			if diff := cmp.Diff([]any{tt.entrypoint, tt.cmd, tt.escaped}, []any{c.Entrypoint, c.Cmd, c.ArgsEscaped}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		o     builder.Overrides
		words []string
	}{
		"empty":      {builder.Overrides{Entrypoint: []string{""}}, []string{"--entrypoint"}},
		"linux":      {builder.Overrides{Entrypoint: []string{"/app/App"}}, []string{"Linux"}},
		"unquoted":   {builder.Overrides{Entrypoint: []string{"C:appApp.exe"}}, []string{"C:appApp.exe", "C:/app/App.exe"}},
		"missing":    {builder.Overrides{Entrypoint: []string{`C:\app\Other.exe`}}, []string{"Other.exe", "not part"}},
		"no suffix":  {builder.Overrides{Entrypoint: []string{`c:\APP\app`}}, []string{"Write", ".exe"}},
		"folder":     {builder.Overrides{Entrypoint: []string{`C:\app\data`}}, []string{"not part"}},
		"app folder": {builder.Overrides{Entrypoint: []string{`C:\app\`}}, []string{"not part"}},
		"no program": {builder.Overrides{AppDir: `C:\x`}, []string{"--entrypoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			addFile(t, app, "data/x.txt", "x")
			if name == "no program" {
				app.EntryPoint = ""
			}
			_, _, err := tryConfigure(t, app, tt.o)
			wantInput(t, err, tt.words...)
		})
	}
}

func TestBaseWithoutAProgram(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	spec, _ := configure(t, app, builder.Overrides{Entrypoint: []string{"base"}})
	b := newBase(t, sample.Options{ExtraConfig: map[string]any{"config.Cmd": nil}})
	_, err := buildOne(t.Context(), spec, b, app, builder.Deps{TempDir: t.TempDir()})
	wantInput(t, err, "no program", "--entrypoint")
}
