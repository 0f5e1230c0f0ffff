package builder_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

func TestEnv(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	app.Items = map[string][]dotnet.Item{"ContainerEnvironmentVariable": {item("A", "Value", "project"), item("B", "Value", "project")}}
	b := newBase(t, sample.Options{Env: []string{"Path=C:\\base", "PATH=C:\\again", "EMPTY=", "a=base", "odd", "=C:=x", "KEEP=1=2"}})
	img, warnings := build(t, app, b, builder.Overrides{Env: []string{"b=flag", "path=C:\\tools;C:\\Windows\\System32"}})
	want := []string{"path=C:\\tools;C:\\Windows\\System32", "A=project", "KEEP=1=2", "DOTNET_RUNNING_IN_CONTAINER=true", "b=flag"}
	if diff := cmp.Diff(want, configOf(t, img).Config.Env); diff != "" {
		t.Error(diff)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings %q", warnings)
	}
}

func TestPathIsNeverMadeUp(t *testing.T) {
	t.Parallel()
	for _, o := range []sample.Options{{}, {Env: []string{"X=1"}}} {
		img, _ := build(t, newWebApp(t, "10.0.12"), newBase(t, o), builder.Overrides{})
		for _, e := range configOf(t, img).Config.Env {
			if strings.HasPrefix(strings.ToUpper(e), "PATH=") {
				t.Errorf("Env has %s", e)
			}
		}
	}
	_, warnings := configure(t, newApp(t), builder.Overrides{Env: []string{`PATH=C:\tools;%PATH%`}})
	if !mentions(warnings, "PATH", "System32") {
		t.Errorf("warnings %q", warnings)
	}
}

func TestRefusedFlags(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		o     builder.Overrides
		words []string
	}{
		"env without =":        {builder.Overrides{Env: []string{"A"}}, []string{`"A"`, "--env NAME=VALUE"}},
		"env without a value":  {builder.Overrides{Env: []string{"A="}}, []string{"--env A=", "Windows drops"}},
		"env without a name":   {builder.Overrides{Env: []string{"=x"}}, []string{"--env"}},
		"env with a space":     {builder.Overrides{Env: []string{" A=x"}}, []string{"--env"}},
		"label without =":      {builder.Overrides{Labels: []string{"x"}}, []string{"--label NAME=VALUE"}},
		"annotation without =": {builder.Overrides{Annotations: []string{"x"}, Format: "oci"}, []string{"--annotation NAME=VALUE"}},
		"port":                 {builder.Overrides{Ports: []string{"0"}}, []string{"--port", "1 to 65535"}},
		"high port":            {builder.Overrides{Ports: []string{"65536/tcp"}}, []string{"--port"}},
		"port range":           {builder.Overrides{Ports: []string{"80-90"}}, []string{"--port"}},
		"signed port":          {builder.Overrides{Ports: []string{"+80"}}, []string{"--port"}},
		"user number":          {builder.Overrides{User: "1000"}, []string{"--user", "ContainerUser"}},
		"user root":            {builder.Overrides{User: "root"}, []string{"--user"}},
		"user app":             {builder.Overrides{User: "app"}, []string{"--user"}},
		"uid:gid":              {builder.Overrides{User: "65532:65532"}, []string{"--user"}},
		"annotation in docker": {builder.Overrides{Annotations: []string{"a=b"}, Format: "Docker"}, []string{"--format oci"}},
		"entrypoint of Linux":  {builder.Overrides{Entrypoint: []string{"/app/x"}}, []string{"--entrypoint"}},
		"empty entrypoint":     {builder.Overrides{Entrypoint: []string{""}}, []string{"--entrypoint"}},
		"format":               {builder.Overrides{Format: "zip"}, []string{"--format", "docker or oci"}},
		"app-dir relative":     {builder.Overrides{AppDir: "app"}, []string{"--app-dir", `C:\app`}},
		"app-dir is C:":        {builder.Overrides{AppDir: `C:\`}, []string{"--app-dir"}},
		"app-dir on D:":        {builder.Overrides{AppDir: `D:\app`}, []string{"--app-dir"}},
		"app-dir on a share":   {builder.Overrides{AppDir: `\\server\x`}, []string{"--app-dir"}},
		"app-dir of Windows":   {builder.Overrides{AppDir: `C:\windows\app`}, []string{"--app-dir", "base image"}},
		"app-dir of programs":  {builder.Overrides{AppDir: `C:\Program Files\app`}, []string{"--app-dir"}},
		"app-dir of users":     {builder.Overrides{AppDir: `C:\Users\x`}, []string{"--app-dir"}},
		"app-dir of IIS":       {builder.Overrides{AppDir: `C:\inetpub\wwwroot`}, []string{"--app-dir", "IIS"}},
		"app-dir device":       {builder.Overrides{AppDir: `C:\app\con`}, []string{"--app-dir"}},
		"app-dir climbs":       {builder.Overrides{AppDir: `C:\app\..\x`}, []string{"--app-dir"}},
		"workdir of Windows":   {builder.Overrides{Workdir: `C:\Windows`}, []string{"--workdir"}},
		"writable of Windows":  {builder.Overrides{Writable: []string{`C:\ProgramData\x`}}, []string{"--writable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := tryConfigure(t, newApp(t), tt.o)
			wantInput(t, err, tt.words...)
			wantInput(t, tt.o.Validate(), tt.words...)
		})
	}
}

func TestOverridesThatAreFine(t *testing.T) {
	t.Parallel()
	for _, o := range []builder.Overrides{
		{},
		{Env: []string{"A=b"}, Entrypoint: []string{"base"}, AppDir: "/app", Workdir: "logs", Ports: []string{"80"}, User: "svc"},
		{Annotations: []string{"a=b"}},
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, flag, project string
		base                sample.Options
		want                string
		warned              bool
	}{
		{"the base's", "", "", sample.Options{}, "ContainerUser", false},
		{"Server Core's", "", "", sample.Options{NoUser: true}, "", false},
		{"the project's", "", "ContainerAdministrator", sample.Options{}, "ContainerAdministrator", false},
		{"Linux's", "", "1654", sample.Options{}, "ContainerUser", true},
		{"a name in other case", "", "containeradministrator", sample.Options{}, "containeradministrator", false},
		{"root", "", "root", sample.Options{}, "ContainerUser", true},
		{"app", "", "app", sample.Options{}, "ContainerUser", true},
		{"uid:gid", "", "1000:1000", sample.Options{}, "ContainerUser", true},
		{"the system", "", `NT AUTHORITY\SYSTEM`, sample.Options{}, `NT AUTHORITY\SYSTEM`, true},
		{"the flag's over Linux's", "ContainerUser", "1654", sample.Options{}, "ContainerUser", false},
		{"the flag's", "ContainerAdministrator", "ContainerUser", sample.Options{}, "ContainerAdministrator", false},
		{"an own one", "svc", "", sample.Options{}, "svc", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			app.Properties["ContainerUser"] = tt.project
			img, warnings := build(t, app, newBase(t, tt.base), builder.Overrides{User: tt.flag})
			if got := configOf(t, img).Config.User; got != tt.want {
				t.Errorf("user %q, want %q", got, tt.want)
			}
			if tt.warned != (len(warnings) > 0) {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		o       builder.Overrides
		workdir string
		program string
		paths   []string // folders and files that the app layer has
	}{
		{"default", builder.Overrides{}, `C:\app`, program, []string{"app", "app/App.exe"}},
		{"workdir", builder.Overrides{Workdir: `C:\data\x`}, `C:\data\x`, program, []string{"app/App.exe", "data", "data/x"}},
		{"relative workdir", builder.Overrides{Workdir: `logs`}, `C:\app\logs`, program, []string{"app/App.exe", "app/logs"}},
		{"workdir is C:", builder.Overrides{Workdir: `C:\`}, `C:\`, program, []string{"app/App.exe"}},
		{"app-dir", builder.Overrides{AppDir: `c:/svc/web/`}, `C:\svc\web`, `C:\svc\web\App.exe`, []string{"svc", "svc/web/App.exe"}},
		{"both", builder.Overrides{AppDir: `C:\svc`, Workdir: `C:\data`}, `C:\data`, `C:\svc\App.exe`, []string{"svc/App.exe", "data"}},
		{"writable", builder.Overrides{Writable: []string{`C:\app\logs`, "tmp"}}, `C:\app`, program, []string{"app/logs", "app/tmp"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			img, _ := build(t, newApp(t), newBase(t, sample.Options{}), tt.o)
			c := configOf(t, img).Config
			if c.WorkingDir != tt.workdir || c.Entrypoint[0] != tt.program {
				t.Errorf("WorkingDir %q, Entrypoint %q", c.WorkingDir, c.Entrypoint)
			}
			found := map[string]bool{}
			for _, g := range img.Plan.Groups {
				if g.Origin == layers.App {
					for _, e := range g.Entries {
						found[e.Path] = true
					}
				}
			}
			for _, p := range tt.paths {
				if !found[p] {
					t.Errorf("the app layer lacks %s; it has %q", p, slices.Sorted(maps.Keys(found)))
				}
			}
		})
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	const oci = "org.opencontainers.image."
	app := newApp(t)
	for k, v := range map[string]string{
		"ContainerTitle": "Shop", "ContainerDescription": "d", "ContainerAuthors": "me", "ContainerVersion": "9.9", "ContainerVendor": "v",
		"ContainerLicenseExpression": "MIT", "ContainerInformationUrl": "https://i", "ContainerDocumentationUrl": "https://d",
	} {
		app.Properties[k] = v
	}
	app.Items = map[string][]dotnet.Item{"ContainerLabel": {item("own", "Value", "project"), item(oci+"title", "Value", "label")}}
	b := newBase(t, sample.Options{ExtraConfig: map[string]any{"config.Labels": map[string]string{"of": "base", "own": "base"}}})
	want := map[string]string{
		oci + "created": "2026-09-10T00:26:40Z", oci + "revision": source.Commit, oci + "source": "https://git.example/shop",
		oci + "version": "9.9", oci + "title": "label", oci + "description": "d", oci + "authors": "me", oci + "vendor": "v", oci + "licenses": "MIT",
		oci + "url": "https://i", oci + "documentation": "https://d",
		oci + "base.name": b.Name, oci + "base.digest": b.Digest.String(), "dev.nanobuild.base.index": b.Index.String(),
		"own": "flag", "of": "base",
	}
	img, _ := build(t, app, b, builder.Overrides{Labels: []string{"own=flag"}})
	if diff := cmp.Diff(want, configOf(t, img).Config.Labels); diff != "" {
		t.Error(diff)
	}
	t.Run("switches", func(t *testing.T) {
		t.Parallel()
		for property, labels := range map[string][]string{
			"Created": {oci + "created"}, "Description": {oci + "description"}, "Authors": {oci + "authors"}, "Url": {oci + "url"},
			"Documentation": {oci + "documentation"}, "Source": {oci + "source"}, "Version": {oci + "version"}, "Revision": {oci + "revision"},
			"Vendor": {oci + "vendor"}, "Licenses": {oci + "licenses"}, "BaseDigest": {oci + "base.digest", "dev.nanobuild.base.index"}, "BaseName": {oci + "base.name"},
		} {
			less := *app
			less.Properties = maps.Clone(app.Properties)
			less.Properties["ContainerGenerateLabelsImage"+property] = "false"
			expected := maps.Clone(want)
			for _, l := range labels {
				delete(expected, l)
			}
			img, _ := build(t, &less, b, builder.Overrides{Labels: []string{"own=flag"}})
			if diff := cmp.Diff(expected, configOf(t, img).Config.Labels); diff != "" {
				t.Errorf("%s: %s", property, diff)
			}
		}
	})
	t.Run("all off", func(t *testing.T) {
		t.Parallel()
		less := *app
		less.Properties = maps.Clone(app.Properties)
		less.Properties["ContainerGenerateLabels"] = "False"
		img, _ := build(t, &less, b, builder.Overrides{Format: "oci"})
		if diff := cmp.Diff(map[string]string{"of": "base", "own": "project", oci + "title": "label"}, configOf(t, img).Config.Labels); diff != "" {
			t.Error(diff)
		}
		if m, _ := img.Manifest(); len(m.Annotations) > 0 {
			t.Errorf("annotations %v", m.Annotations)
		}
	})
}

func TestLabelsOfASilentProject(t *testing.T) {
	t.Parallel()
	const oci = "org.opencontainers.image."
	app := newApp(t)
	app.Properties = map[string]string{"AssemblyName": "App", "Authors": "App", "Description": "Package Description", "PackageVersion": "1.0.0"}
	c, _, err := builder.ReadContainer(app)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]builder.Var{{Name: oci + "version", Value: "1.0.0"}, {Name: oci + "title", Value: "App"}}, c.About); diff != "" {
		t.Error(diff)
	}
	app.Properties["ContainerGenerateLabelsImageTitle"] = "false"
	if c, _, err = builder.ReadContainer(app); err != nil || len(c.About) != 1 {
		t.Errorf("%v, %v; want the version alone", c.About, err)
	}
}

func TestTheUserDecidesTheLabelsOfTheBaseToo(t *testing.T) {
	t.Parallel()
	const name = "org.opencontainers.image.base.name"
	img, _ := build(t, newApp(t), newBase(t, sample.Options{OCI: true}), builder.Overrides{Labels: []string{name + "=mine"}, Annotations: []string{name + "=other"}})
	if got := configOf(t, img).Config.Labels[name]; got != "mine" {
		t.Errorf("label %q", got)
	}
	if m, _ := img.Manifest(); m.Annotations[name] != "other" {
		t.Errorf("annotations %v", m.Annotations)
	}
}

func TestSourceLabels(t *testing.T) {
	t.Parallel()
	const oci = "org.opencontainers.image."
	app := newApp(t)
	c, _, err := builder.ReadContainer(app)
	if err != nil {
		t.Fatal(err)
	}
	for remote, want := range map[string]string{
		"":                                         "",
		"https://github.com/o/r.git":               "https://github.com/o/r",
		"https://u:p@github.com/o/r.git":           "https://github.com/o/r",
		"https://token@host:8443/o/r":              "https://host:8443/o/r",
		"git@github.com:o/r.git":                   "https://github.com/o/r",
		"ssh://git@host:22/o/r.git":                "https://host/o/r",
		"https://host/r?token=secret#x":            "https://host/r",
		"git@ssh.dev.azure.com:v3/o/p q/r":         "https://dev.azure.com/o/p%20q/_git/r",
		"ssh://o@vs-ssh.visualstudio.com/v3/o/p/r": "https://o.visualstudio.com/p/_git/r",
		"https://o@dev.azure.com/o/p/_git/r":       "https://dev.azure.com/o/p/_git/r",
		"/srv/git/r.git":                           "",
		"../r":                                     "",
		"file:///srv/git/r":                        "",
		`C:\git\r`:                                 "",
		"C:/git/r":                                 "",
		"https://%zz":                              "",
	} {
		spec, _, err := builder.Configure(app, c, builder.Overrides{}, builder.Source{Commit: "abc", Dirty: true, Remote: remote}, layers.Clock{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, l := range spec.Labels {
			got[l.Name] = l.Value
		}
		if got[oci+"source"] != want {
			t.Errorf("%q: source %q, want %q", remote, got[oci+"source"], want)
		}
		if got[oci+"revision"] != "abc-dirty" || got[oci+"created"] != "1970-01-01T00:00:00Z" {
			t.Errorf("labels %v", got)
		}
	}
}

func TestCreated(t *testing.T) {
	t.Parallel()
	img, _ := build(t, newApp(t), newBase(t, sample.Options{}), builder.Overrides{})
	if got := configOf(t, img).Created; !got.Equal(time.Unix(1789000000, 0)) {
		t.Errorf("created %s", got)
	}
}

func TestLocalBasesHaveNoName(t *testing.T) {
	t.Parallel()
	const name = "org.opencontainers.image.base.name"
	for _, local := range []string{"oci:base:ltsc2022", `oci:C:\bases\nano`, "tar:base.tar"} {
		b := newBase(t, sample.Options{OCI: true})
		b.Name = local
		img, _ := build(t, newApp(t), b, builder.Overrides{})
		labels := configOf(t, img).Config.Labels
		if _, named := labels[name]; named || labels["org.opencontainers.image.base.digest"] != b.Digest.String() {
			t.Errorf("%s: labels %v, want the digest alone", local, labels)
		}
		if m, err := img.Manifest(); err != nil || m.Annotations[name] != "" {
			t.Errorf("%s: annotations %v, %v", local, m.Annotations, err)
		}
	}
}
