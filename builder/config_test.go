package builder

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func testEdit() configEdit {
	return configEdit{
		created: "2026-09-10T00:26:40Z",
		entry:   Entry{Entrypoint: []string{`C:\app\App.exe`}},
		workDir: `C:\app`, env: []Var{{"A", "1"}}, ports: []string{"8080/tcp"},
		labels:     map[string]string{"k": "<v>"},
		diffIDs:    []v1.Hash{{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}},
		history:    []historyEntry{{Created: "2026-09-10T00:26:40Z", CreatedBy: "nanobuild: app layer"}},
		baseLayers: 1,
	}
}

func TestWhatIsNotEditedKeepsItsBytes(t *testing.T) {
	t.Parallel()
	base := `{ "zeta" : {"n": 1.50, "big": 12345678901234567890, "e": 1E+2, "s": "<&\u003c"}, "created":"x", "os":"windows","variant":null,
	"os.version":"10.0.20348.1","os.features":["win32k"],"config":{"Healthcheck":{"Test":["CMD","x"],"Interval":30000000000},"Shell":["powershell"],
	"OnBuild":["RUN x"],"StopSignal":"3","Cmd":["cmd"],"Env":null,"ArgsEscaped":true,"Volumes":{"C:\\data":{}},"x-own":[1.0]},
	"rootfs":{"type":"layers","x":2.0,"diff_ids":["sha256:aa"]},"history":[{"created":"2026","created_by":"Apply","x":1.0}],"docker_version":"1"}`
	out, warnings, err := editConfig([]byte(base), testEdit())
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	for _, kept := range []string{
		`"zeta":{"n": 1.50, "big": 12345678901234567890, "e": 1E+2, "s": "<&\u003c"}`, `"variant":null`, `"os.features":["win32k"]`, `"os.version":"10.0.20348.1"`,
		`"Healthcheck":{"Test":["CMD","x"],"Interval":30000000000}`, `"Shell":["powershell"]`, `"OnBuild":["RUN x"]`, `"StopSignal":"3"`,
		`"Volumes":{"C:\\data":{}}`, `"x-own":[1.0]`, `"x":2.0`, `{"created":"2026","created_by":"Apply","x":1.0}`, `"docker_version":"1"`,
	} {
		if !bytes.Contains(out, []byte(kept)) {
			t.Errorf("lost %s in %s", kept, out)
		}
	}
	for _, gone := range []string{"ArgsEscaped", `"Cmd"`, `"created":"x"`} {
		if bytes.Contains(out, []byte(gone)) {
			t.Errorf("%s is still in %s", gone, out)
		}
	}
	if !bytes.HasPrefix(out, []byte(`{"zeta":`)) || !bytes.Contains(out, []byte(`"Labels":{"k":"<v>"}`)) {
		t.Errorf("%s", out)
	}
}

func TestConfigsWithGaps(t *testing.T) {
	t.Parallel()
	id := `"sha256:` + strings.Repeat("a", 64) + `"`
	layers := `"rootfs":{"type":"layers","diff_ids":[` + id + `]}`
	for name, base := range map[string]string{
		"no config":        `{"os":"windows",` + layers + `,"history":[{}]}`,
		"null config":      `{"config":null,` + layers + `,"history":[{}]}`,
		"null everything":  `{"config":{"Env":null,"Labels":null,"ExposedPorts":null,"Entrypoint":null,"Cmd":null},` + layers + `,"history":[{"empty_layer":false}]}`,
		"no type of layer": `{"rootfs":{"diff_ids":[` + id + `]},"history":[{}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, warnings, err := editConfig([]byte(base), testEdit())
			if err != nil || len(warnings) > 0 {
				t.Fatal(err, warnings)
			}
			c, err := v1.ParseConfigFile(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"A=1"}, c.Config.Env); diff != "" || c.Config.WorkingDir != `C:\app` || c.RootFS.Type != "layers" ||
				len(c.RootFS.DiffIDs) != 2 || len(c.History) != 2 || c.Config.Labels["k"] != "<v>" || len(c.Config.ExposedPorts) != 1 {
				t.Errorf("%s %s", diff, out)
			}
		})
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string][2]string{
		"not JSON":           {`{`, "base's config"},
		"not an object":      {`[]`, "not a JSON object"},
		"more behind it":     {`{} {}`, "more behind"},
		"config is a list":   {`{"config":[]}`, `"config"`},
		"labels are a list":  {`{"config":{"Labels":[]}}`, `"Labels"`},
		"ports are a text":   {`{"config":{"ExposedPorts":"x"}}`, `"ExposedPorts"`},
		"too few layers":     {`{"rootfs":{"diff_ids":[]}}`, "0 layers, the base's manifest has 1"},
		"no rootfs":          {`{}`, "0 layers, the base's manifest has 1"},
		"diff_ids is a text": {`{"rootfs":{"diff_ids":"x"}}`, `"rootfs"`},
		"history is a text":  {`{"rootfs":{"diff_ids":["x"]},"history":"x"}`, `"history"`},
		"history of numbers": {`{"rootfs":{"diff_ids":["x"]},"history":[1]}`, `"history"`},
		"history of nulls":   {`{"rootfs":{"diff_ids":["x"]},"history":[null]}`, `"history"`},
		"odd empty_layer":    {`{"rootfs":{"diff_ids":["x"]},"history":[{"empty_layer":"x"}]}`, `"history"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _, err := editConfig([]byte(tt[0]), testEdit())
			if err == nil || !strings.Contains(err.Error(), tt[1]) {
				t.Errorf("%s, %v; want an error with %q", out, err, tt[1])
			}
		})
	}
}

func TestHistoryIsRepaired(t *testing.T) {
	t.Parallel()
	const added = `{"created":"now","created_by":"layer of the base, without a history of its own"}`
	const ours = `{"created":"now","created_by":"nanobuild: app layer"}`
	for _, tt := range []struct {
		name, base string
		layers     int
		want       string
		warned     bool
	}{
		{"as it should be", `[{"created_by":"a"},{"created_by":"b","empty_layer":true}]`, 1, `[{"created_by":"a"},{"created_by":"b","empty_layer":true},` + ours + `]`, false},
		{"missing", ``, 2, `[` + added + `,` + added + `,` + ours + `]`, true},
		{"null", `null`, 0, `[` + ours + `]`, false},
		{"too short", `[{"created_by":"a"}]`, 2, `[{"created_by":"a"},` + added + `,` + ours + `]`, true},
		{
			"too long", `[{"created_by":"a"},{"created_by":"b"},{"created_by":"c","empty_layer":true},{"created_by":"d"}]`, 1,
			`[{"created_by":"a"},{"created_by":"b","empty_layer":true},{"created_by":"c","empty_layer":true},{"created_by":"d","empty_layer":true},` + ours + `]`, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, warnings, err := extendHistory(json.RawMessage(tt.base), tt.layers, "now", []historyEntry{{Created: "now", CreatedBy: "nanobuild: app layer"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if tt.warned != (len(warnings) > 0) {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestObjectKeepsTheLastOfEqualKeys(t *testing.T) {
	t.Parallel()
	o, err := parseObject([]byte(`{"a":1,"b":2,"a":3}`))
	if err != nil {
		t.Fatal(err)
	}
	o.drop("none")
	out, err := o.bytes()
	if err != nil || string(out) != `{"a":3,"b":2}` {
		t.Errorf("%s, %v", out, err)
	}
}
