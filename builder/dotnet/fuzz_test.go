package dotnet

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzParseDiagnostic(f *testing.F) {
	f.Add("/src/P.cs(5,9): error CS0029: text [/src/app.csproj]")
	f.Add(": warning MSB5021: Terminating")
	f.Fuzz(func(t *testing.T, line string) {
		d, ok := parseDiagnostic(line)
		if !ok {
			return
		}
		if d.Severity != "error" && d.Severity != "warning" {
			t.Errorf("severity %q of %q", d.Severity, line)
		}
		if d.Line < 0 || d.Column < 0 {
			t.Errorf("place %d, %d of %q", d.Line, d.Column, line)
		}
		if command := d.GitHub(); strings.ContainsAny(command, "\r\n") {
			t.Errorf("%q is more than one command", command)
		}
	})
}

// written returns an excerpt of a file that SDK 10.0.401 wrote for the sample webapi.
func written(f *testing.F, name string) []byte {
	f.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	return raw
}

func FuzzParseRuntimeConfig(f *testing.F) {
	f.Add(written(f, "webapi.runtimeconfig.json"))
	f.Add([]byte("\xef\xbb\xbf" + `{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"8.0.0"},"frameworks":[{"name":"x"}]}}`))
	f.Add([]byte(`{"runtimeOptions":{"includedFrameworks":[null,{}],"framework":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := parseRuntimeConfig(raw)
		if err != nil {
			if r.TFM != "" || r.Frameworks != nil {
				t.Errorf("%+v beside an error", r)
			}
			return
		}
		if r.SingleFile || r.SelfContained && len(r.Frameworks) == 0 || len(r.Frameworks) > len(raw) {
			t.Errorf("%+v of %q", r, raw)
		}
	})
}

// FuzzParseProperties holds the properties of the command line to what MSBuild
// splits them at.
func FuzzParseProperties(f *testing.F) {
	for _, s := range []string{"Version=1.2.3", "A=b;c,d", "A=%3B%", " B = \"x\"", "=", "a b=c", "A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseProperties([]string{text})
		if err != nil {
			return
		}
		name, value, _ := strings.Cut(text, "=")
		if len(list) != 1 || list[0].name != strings.TrimSpace(name) || strings.ContainsAny(list[0].value, `;,"`) {
			t.Errorf("%q became %+v", text, list)
		}
		if again := escapeValue(list[0].value); again != list[0].value {
			t.Errorf("%q is escaped to %q, and that to %q", value, list[0].value, again)
		}
		if got, ok := lookup(list, strings.ToUpper(list[0].name)); !ok || got != list[0].value {
			t.Errorf("%q is not found", list[0].name)
		}
	})
}

func FuzzParseDeps(f *testing.F) {
	f.Add([]byte(`{"runtimeTarget":{"name":"n"},"targets":{"n":{"A/1":{"runtime":{"A.dll":{}}},"P/1":{"resources":{"x/P.dll":{"locale":"de"}}}}},"libraries":{"P/1":{"type":"package"}}}`))
	f.Add(written(f, "webapi.deps.json"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		origins, err := parseDeps(raw, "A")
		if err != nil && origins != nil {
			t.Error("origins beside an error")
		}
		for name, origin := range origins {
			if origin == "" {
				t.Errorf("%q has no origin", name)
			}
		}
	})
}

func FuzzParseResult(f *testing.F) {
	f.Add([]byte(`{"Properties":{"A":"b"},"Items":{"ResolvedFileToPublish":[{"Identity":"x","RelativePath":"a\\b","FullPath":"/x"}]}}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Add(written(f, "webapi.result.json"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := parseResult(raw)
		if err != nil {
			return
		}
		c := newClassifier(e)
		for _, item := range e.Items[publishItems] {
			if c.origin(relativePath(item)) == "" {
				t.Errorf("%v has no origin", item)
			}
		}
		buildNotices(e)
	})
}

func FuzzParseSolution(f *testing.F) {
	f.Add("a.sln", []byte(`Project("{1}") = "a", "src\a.csproj", "{2}"`))
	f.Add("a.slnx", []byte(`<Solution><Project Path="a/a.csproj"/></Solution>`))
	f.Add("a.slnf", []byte(`{"solution":{"path":"..\\a.sln","projects":["a\\a.csproj"]}}`))
	f.Fuzz(func(t *testing.T, file string, raw []byte) {
		_, projects := parseSolution(file, raw)
		for _, project := range projects {
			if filepath.IsAbs(project) || !strings.HasSuffix(strings.ToLower(project), "proj") {
				t.Errorf("project %q", project)
			}
		}
	})
}

func FuzzBundle(f *testing.F) {
	f.Add(append(append([]byte{40, 0, 0, 0, 0, 0, 0, 0}, bundleMarker...), 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x'))
	f.Fuzz(func(t *testing.T, raw []byte) {
		offset, err := bundleOffset(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if offset == 0 {
			return
		}
		if config, err := bundledConfig(bytes.NewReader(raw), offset); err == nil && len(config) > len(raw) {
			t.Errorf("%d bytes of config in %d bytes", len(config), len(raw))
		}
	})
}
