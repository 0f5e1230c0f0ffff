package dotnet

import (
	"bytes"
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

func FuzzParseDeps(f *testing.F) {
	f.Add([]byte(`{"runtimeTarget":{"name":"n"},"targets":{"n":{"A/1":{"runtime":{"A.dll":{}}},"P/1":{"resources":{"x/P.dll":{"locale":"de"}}}}},"libraries":{"P/1":{"type":"package"}}}`))
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
