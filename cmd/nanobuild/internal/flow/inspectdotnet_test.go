package flow

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	brings8 = `{"runtimeOptions":{"tfm":"net8.0","includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.31"}]}}`
	asks9   = `{"runtimeOptions":{"tfm":"net9.0","framework":{"name":"Microsoft.NETCore.App","version":"9.0.0"}}}`
)

func TestDotnetOf(t *testing.T) {
	t.Parallel()
	const ended, demo = `"support":{"phase":"ended","end":"2026-11-10"}}`, `C:\\app\\Demo.runtimeconfig.json`
	one := func(content string) []string { return []string{"Files/app/Demo.runtimeconfig.json", content} }
	two := []string{"Files/app/tool/Tool.runtimeconfig.json", asks9, "Files/app/Demo.runtimeconfig.json", brings8}
	for name, c := range map[string]struct {
		files []string // names and contents
		entry []string
		env   []string
		want  string // as JSON
	}{
		"brought along":          {one(brings8), []string{`C:\app\Demo.exe`}, nil, `{"version":"8.0.31","source":"` + demo + `",` + ended},
		"more than the base has": {one(brings8), []string{`C:\app\Demo.exe`}, []string{"DOTNET_VERSION=9.0.19"}, `{"version":"8.0.31","source":"` + demo + `",` + ended},
		"that of the base":       {one(asks9), []string{`C:\app\Demo.exe`}, []string{"Dotnet_Version=9.0.19"}, `{"version":"9.0.19","source":"DOTNET_VERSION",` + ended},
		"asked for":              {one(asks9), []string{`C:\app\Demo.exe`}, nil, `{"version":"9.0.0","source":"` + demo + `",` + ended},
		"only the base":          {nil, nil, []string{"A=b", "DOTNET_VERSION=8.0.30"}, `{"version":"8.0.30","source":"DOTNET_VERSION",` + ended},
		"a future release":       {nil, nil, []string{"DOTNET_VERSION=12.0.0-preview.1"}, `{"version":"12.0.0-preview.1","source":"DOTNET_VERSION"}`},
		"one of two":             {two, []string{`c:\APP\demo.EXE`}, nil, `{"version":"8.0.31","source":"` + demo + `",` + ended},
		"by dotnet":              {two, []string{`C:\Program Files\dotnet\dotnet.exe`, "C:/app/Demo.dll"}, nil, `{"version":"8.0.31","source":"` + demo + `",` + ended},
		"the tool":               {two, []string{`\app\tool\Tool`}, nil, `{"version":"9.0.0","source":"C:\\app\\tool\\Tool.runtimeconfig.json",` + ended},
		"neither of two":         {two, []string{`C:\other.exe`}, nil, `null`},
		"another entry":          {one(brings8), []string{"cmd.exe"}, nil, `{"version":"8.0.31","source":"` + demo + `",` + ended},
		"no version":             {one(`{"runtimeOptions":{}}`), nil, nil, `null`},
		"damaged":                {one(`{`), nil, []string{"DOTNET_VERSION=8.0.30"}, `{"source":"` + demo + `","problem":"unexpected end of JSON input"}`},
		"a forged row":           {nil, nil, []string{"DOTNET_VERSION=8.0\n.NET\t9.0"}, `{"source":"DOTNET_VERSION","problem":"what stands there is no version of .NET"}`},
		"nothing":                {nil, nil, nil, `null`},
	} {
		programs, err := readPrograms(bytes.NewReader(tarOf(t, c.files...)))
		if err != nil {
			t.Fatal(err)
		}
		config := v1.Config{Entrypoint: c.entry, Env: c.env}
		if len(c.entry) > 1 {
			config.Entrypoint, config.Cmd = c.entry[:1], c.entry[1:]
		}
		got, err := json.Marshal(dotnetOf(config, programs, lateNovember))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v\nwant %s", name, got, err, c.want)
		}
	}
}

func TestReadPrograms(t *testing.T) {
	t.Parallel()
	found, err := readPrograms(bytes.NewReader(tarOf(t,
		"Files/app/Demo.runtimeconfig.json", brings8, "Files/app/Demo.deps.json", "{}", "Hives/x.runtimeconfig.json", brings8, "app/y.runtimeconfig.json", brings8)))
	if err != nil || len(found) != 1 || found[0].path != "app/demo" {
		t.Errorf("found %+v, %v", found, err)
	}
	var many []string
	for i := range 2 * maxPrograms {
		many = append(many, fmt.Sprintf("Files/%d.runtimeconfig.json", i), "{}")
	}
	if found, err := readPrograms(bytes.NewReader(tarOf(t, many...))); err != nil || len(found) != maxPrograms {
		t.Errorf("%d programs were read, %v", len(found), err)
	}
	if _, err := readPrograms(strings.NewReader(strings.Repeat("no tar", 200))); err == nil || !strings.Contains(err.Error(), "look for .NET") {
		t.Errorf("error = %v", err)
	}
}

// tarOf is a tar of files, given by name and content; folders end in a slash.
func tarOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		kind := byte(tar.TypeReg)
		if strings.HasSuffix(files[i], "/") {
			kind = tar.TypeDir
		}
		if err := w.WriteHeader(&tar.Header{Name: files[i], Typeflag: kind, Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
