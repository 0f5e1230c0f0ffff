package builder_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

const (
	portsVar = "ASPNETCORE_HTTP_PORTS=8080"
	urlsVar  = "ASPNETCORE_URLS=http://+:8080"
)

func TestWhereAWebApplicationListens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		version string // of .NET; 10 by default
		base    []string
		env     []string          // of the flags
		project []dotnet.Item     // ContainerEnvironmentVariable
		files   map[string]string // settings files
		cmd     []string
		added   string   // the variable that is set for it, if any
		ports   []string // exposed
		warning string
	}{
		{name: "default", added: portsVar, ports: []string{"8080/tcp"}},
		{name: ".NET 8", version: "8.0.31", added: portsVar, ports: []string{"8080/tcp"}},
		{name: ".NET 7", version: "7.0.20", added: urlsVar, ports: []string{"8080/tcp"}},
		{name: ".NET 6", version: "6.0.36", added: urlsVar, ports: []string{"8080/tcp"}},
		{name: ".NET 6 does not know HTTP_PORTS", version: "6.0.36", env: []string{"ASPNETCORE_HTTP_PORTS=9"}, added: urlsVar, ports: []string{"8080/tcp"}},
		{name: "the base's ports", base: []string{"ASPNETCORE_HTTP_PORTS=8081"}, ports: []string{"8081/tcp"}},
		{name: "the base's urls", version: "6.0.36", base: []string{"ASPNETCORE_URLS=http://+:80"}, ports: []string{"80/tcp"}},
		{name: "the flag's ports", env: []string{"ASPNETCORE_HTTP_PORTS=80;81"}, ports: []string{"80/tcp", "81/tcp"}},
		{name: "the project's", project: []dotnet.Item{item("ASPNETCORE_URLS", "Value", "http://*:5000")}, ports: []string{"5000/tcp"}},
		{name: "https ports", env: []string{"ASPNETCORE_HTTPS_PORTS=8443"}, ports: []string{"8443/tcp"}},
		{name: "both ports", env: []string{"ASPNETCORE_HTTPS_PORTS=8443", "HTTP_PORTS=8080"}, ports: []string{"8080/tcp", "8443/tcp"}},
		{name: "urls beat ports", env: []string{"ASPNETCORE_HTTP_PORTS=1", "ASPNETCORE_URLS=http://+:2"}, ports: []string{"2/tcp"}},
		{name: "DOTNET_ beats ASPNETCORE_", env: []string{"ASPNETCORE_HTTP_PORTS=1", "DOTNET_HTTP_PORTS=2"}, ports: []string{"2/tcp"}},
		{name: "DOTNET_URLS", env: []string{"ASPNETCORE_URLS=http://+:1", "DOTNET_URLS=http://+:2"}, ports: []string{"2/tcp"}},
		{name: "HTTP_PORTS beats DOTNET_", env: []string{"HTTP_PORTS=3", "DOTNET_HTTP_PORTS=2"}, ports: []string{"3/tcp"}},
		{name: "URLS", env: []string{"URLS=http://+:3", "DOTNET_URLS=http://+:2"}, ports: []string{"3/tcp"}},
		{name: "endpoints beat urls", env: []string{"Kestrel__Endpoints__Web__Url=http://+:4", "URLS=http://+:3"}, ports: []string{"4/tcp"}},
		{name: "endpoints of the host", env: []string{"ASPNETCORE_Kestrel__Endpoints__Web__Url=http://+:4", "URLS=http://+:3"}, ports: []string{"4/tcp"}},
		{name: "appsettings urls", files: map[string]string{"appsettings.json": `{"Urls":"http://+:7"}`}, ports: []string{"7/tcp"}},
		{name: "appsettings beat the host's", files: map[string]string{"appsettings.json": `{"Urls":"http://+:7"}`}, env: []string{"ASPNETCORE_URLS=http://+:1", "DOTNET_URLS=http://+:2"}, ports: []string{"7/tcp"}},
		{name: "a variable beats appsettings", files: map[string]string{"appsettings.json": `{"Urls":"http://+:7"}`}, env: []string{"URLS=http://+:3"}, ports: []string{"3/tcp"}},
		{
			name:  "production beats appsettings",
			files: map[string]string{"appsettings.json": `{"Urls":"http://+:7"}`, "appsettings.Production.json": `{"urls":"http://+:8"}`},
			ports: []string{"8/tcp"},
		},
		{
			name:  "development is not read",
			files: map[string]string{"appsettings.Development.json": `{"Urls":"http://+:7"}`},
			added: portsVar, ports: []string{"8080/tcp"},
		},
		{
			name: "another environment", env: []string{"ASPNETCORE_ENVIRONMENT=Staging"},
			files: map[string]string{"appsettings.staging.json": `{"Urls":"http://+:7"}`, "appsettings.Production.json": `{"Urls":"http://+:8"}`},
			ports: []string{"7/tcp"},
		},
		{
			name: "kestrel endpoints of both files",
			files: map[string]string{
				"appsettings.json":            `{"Kestrel":{"Endpoints":{"A":{"Url":"http://+:1"},"B":{"Url":"https://*:2","Protocols":"Http2"}}}}`,
				"appsettings.Production.json": "{\"Kestrel:Endpoints:A:Url\": \"http://[::]:3\"}",
			},
			ports: []string{"3/tcp", "2/tcp"},
		},
		{
			name:  "comments and trailing commas",
			files: map[string]string{"appsettings.json": "\xEF\xBB\xBF{ // http://+:1\n /* \"Urls\": \"x\", */ \"Urls\": \"http://+:7\", // \"\n \"A\": [1, 2, ], }"},
			ports: []string{"7/tcp"},
		},
		{name: "broken file", files: map[string]string{"appsettings.json": `{"Urls":`}, added: portsVar, ports: []string{"8080/tcp"}, warning: "not valid JSON"},
		{name: "command line", cmd: []string{"--urls", "http://+:6"}, env: []string{"URLS=http://+:3"}, ports: []string{"6/tcp"}},
		{name: "command line with =", cmd: []string{"--Urls=http://+:6"}, ports: []string{"6/tcp"}},
		{name: "localhost", env: []string{"ASPNETCORE_URLS=http://localhost:5000"}, warning: "nobody outside"},
		{name: "loopback", files: map[string]string{"appsettings.json": `{"Kestrel":{"Endpoints":{"H":{"Url":"http://127.0.0.1:5000"}}}}`}, warning: "nobody outside"},
		{name: "loopback of IPv6", env: []string{"URLS=http://[::1]:5000;http://+:5001"}, ports: []string{"5001/tcp"}, warning: "http://[::1]:5000"},
		{name: "no port", env: []string{"URLS=http://+;https://example.org/"}, ports: []string{"80/tcp", "443/tcp"}},
		{name: "pipe", env: []string{"URLS=http://pipe:/x"}, warning: "nobody outside"},
		{name: "any free port", env: []string{"URLS=http://+:0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.version == "" {
				tt.version = "10.0.12"
			}
			app := newWebApp(t, tt.version)
			app.Items["ContainerEnvironmentVariable"] = tt.project
			for name, text := range tt.files {
				addFile(t, app, name, text)
			}
			img, warnings := build(t, app, newBase(t, sample.Options{Env: tt.base}), builder.Overrides{Env: tt.env, Cmd: tt.cmd})
			c := configOf(t, img).Config
			for _, v := range []string{portsVar, urlsVar} {
				if (v == tt.added) != slices.Contains(c.Env, v) {
					t.Errorf("Env %q, want %q added", c.Env, tt.added)
				}
			}
			if !slices.Contains(c.Env, "DOTNET_RUNNING_IN_CONTAINER=true") {
				t.Errorf("Env %q", c.Env)
			}
			slices.Sort(tt.ports)
			if diff := cmp.Diff(tt.ports, slices.Sorted(maps.Keys(c.ExposedPorts))); diff != "" {
				t.Error(diff)
			}
			if tt.warning == "" && len(warnings) > 0 || tt.warning != "" && !mentions(warnings, tt.warning) {
				t.Errorf("warnings %q, want %q", warnings, tt.warning)
			}
		})
	}
}

func TestConsoleApplicationsListenNowhere(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	addFile(t, app, "appsettings.json", `{"Urls":"http://+:7"}`)
	img, _ := build(t, app, newBase(t, sample.Options{}), builder.Overrides{})
	c := configOf(t, img).Config
	if diff := cmp.Diff([]string{"DOTNET_RUNNING_IN_CONTAINER=true"}, c.Env); diff != "" || len(c.ExposedPorts) > 0 {
		t.Errorf("%s; ports %v", diff, c.ExposedPorts)
	}
}

func TestTheServerOfTheBaseHasItsOwnAddress(t *testing.T) {
	t.Parallel()
	b := newBase(t, sample.Options{Entrypoint: []string{`C:\ServiceMonitor.exe`, "w3svc"}})
	img, warnings := build(t, newWebApp(t, "10.0.12"), b, builder.Overrides{Entrypoint: []string{"base"}, Ports: []string{"80"}})
	c := configOf(t, img).Config
	if diff := cmp.Diff([]string{"80/tcp"}, slices.Sorted(maps.Keys(c.ExposedPorts))); diff != "" || slices.Contains(c.Env, portsVar) || len(warnings) > 0 {
		t.Errorf("%s; Env %q; warnings %q", diff, c.Env, warnings)
	}
}

func TestWebByItsSDK(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	app.Properties["UsingMicrosoftNETSdkWeb"] = "true"
	img, _ := build(t, app, newBase(t, sample.Options{}), builder.Overrides{})
	if env := configOf(t, img).Config.Env; !slices.Contains(env, portsVar) {
		t.Errorf("Env %q", env)
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		web     bool
		flags   []string
		project []dotnet.Item
		want    []string
		warned  []string // ports
	}{
		{"console", false, []string{"8080", "53/udp"}, nil, []string{"53/udp", "8080/tcp", "9999/tcp"}, nil},
		{"console's project", false, nil, []dotnet.Item{item("7", "Type", "tcp")}, []string{"7/tcp", "9999/tcp"}, nil},
		{"flags replace the project's", false, []string{"8"}, []dotnet.Item{item("7")}, []string{"8/tcp", "9999/tcp"}, nil},
		{"web", true, []string{"8080"}, nil, []string{"8080/tcp", "9999/tcp"}, nil},
		{"web elsewhere", true, []string{"80", "53/udp"}, nil, []string{"53/udp", "80/tcp", "8080/tcp", "9999/tcp"}, []string{"80/tcp"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t)
			if tt.web {
				app = newWebApp(t, "10.0.12")
			}
			app.Items["ContainerPort"] = tt.project
			b := newBase(t, sample.Options{ExtraConfig: map[string]any{"config.ExposedPorts": map[string]any{"9999/tcp": struct{}{}}}})
			img, warnings := build(t, app, b, builder.Overrides{Ports: tt.flags})
			if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(configOf(t, img).Config.ExposedPorts))); diff != "" {
				t.Error(diff)
			}
			if len(warnings) != len(tt.warned) {
				t.Errorf("warnings %q", warnings)
			}
			for _, p := range tt.warned {
				if !mentions(warnings, "Port "+p+" is exposed", "--env ASPNETCORE_HTTP_PORTS="+strings.TrimSuffix(p, "/tcp")) {
					t.Errorf("warnings %q, want one of %s", warnings, p)
				}
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	const settings = `{"Kestrel":{"Certificates":{"Default":{"Path":"cert.pfx"}}}}`
	for _, tt := range []struct {
		name, user, settings string
		env                  []string
		base                 sample.Options
		want                 string
	}{
		{"default certificate", "", settings, nil, sample.Options{}, "cert.pfx"},
		{"of an endpoint", "", `{"Kestrel":{"Endpoints":{"S":{"Url":"https://+:443","Certificate":{"Path":"c.pfx"}}}}}`, nil, sample.Options{}, "c.pfx"},
		{"of a variable", "", `{}`, []string{"ASPNETCORE_Kestrel__Certificates__Default__Path=C:\\https\\x.pfx"}, sample.Options{}, "ASPNETCORE_KESTREL__CERTIFICATES__DEFAULT__PATH"},
		{"as administrator", "ContainerAdministrator", settings, nil, sample.Options{}, ""},
		{"on Server Core", "", settings, nil, sample.Options{NoUser: true}, ""},
		{"none", "", `{"Kestrel":{"Certificates":{"Default":{"Subject":"x"}}}}`, nil, sample.Options{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := newWebApp(t, "10.0.12")
			addFile(t, app, "appsettings.json", tt.settings)
			_, warnings := build(t, app, newBase(t, tt.base), builder.Overrides{User: tt.user, Env: tt.env})
			if tt.want == "" && len(warnings) > 0 || tt.want != "" && !mentions(warnings, "ContainerUser", tt.want) {
				t.Errorf("warnings %q, want one of %q", warnings, tt.want)
			}
		})
	}
}

func TestSettingsThatLeaveTheFolder(t *testing.T) {
	t.Parallel()
	app := newWebApp(t, "10.0.12")
	addFile(t, app, "appsettings.json", strings.Repeat(" ", 5<<20))
	_, warnings := configure(t, app, builder.Overrides{})
	if !mentions(warnings, "appsettings.json", "not read") {
		t.Errorf("warnings %q", warnings)
	}
}
