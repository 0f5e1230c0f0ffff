package dotnet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// request is a request for a project with the real SDK of this machine.
func request(t *testing.T, project string) Request {
	t.Helper()
	return Request{Project: project, Dotnet: need.Dotnet(t), Env: os.Environ(), TempDir: t.TempDir(), WorkDir: filepath.Dir(project), CI: true}
}

// publish runs a request that is to succeed.
func publish(t *testing.T, req Request) *Result {
	t.Helper()
	var said []string
	req.Diagnostics = func(d Diagnostic) { said = append(said, d.String()) }
	result, err := Publish(t.Context(), req)
	if err != nil {
		t.Fatalf("Publish(%s): %v", req.Project, err)
	}
	t.Logf("%s: %d files, said %q", result.Name, len(result.Origins), said)
	return result
}

// write makes files below a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sample copies a sample project out of the repository, so that nothing is
// built inside it.
func sample(t *testing.T, name string) string {
	t.Helper()
	source := filepath.Join("..", "..", "testdata", name)
	dir := filepath.Join(t.TempDir(), name)
	err := filepath.WalkDir(source, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "obj" || entry.Name() == "bin" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(dir, rel), 0o755)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// count returns how many files of each origin a result has.
func count(r *Result) map[layers.Origin]int {
	n := map[layers.Origin]int{}
	for _, origin := range r.Origins {
		n[origin]++
	}
	return n
}

// refused runs a request that is to be refused with all the words.
func refused(t *testing.T, req Request, words ...string) {
	t.Helper()
	result, err := Publish(t.Context(), req)
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("Publish = %v, %v; want a refusal", result, err)
	}
	mention(t, err, words...)
	empty(t, req.TempDir)
}

// failed runs a request that is to fail in dotnet, with all the words.
func failed(t *testing.T, req Request, words ...string) *Failure {
	t.Helper()
	result, err := Publish(t.Context(), req)
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("Publish = %v, %v; want a failure", result, err)
	}
	mention(t, err, words...)
	empty(t, req.TempDir)
	return failure
}

func mention(t *testing.T, err error, words ...string) {
	t.Helper()
	t.Logf("%v", err)
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
}

// empty checks that a folder holds nothing.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("%s holds %v; want nothing", dir, entries)
	}
}

const consoleProject = `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    %s
  </PropertyGroup>
  %s
</Project>
`

// console is a console project with more properties and items.
func console(properties, items string) string {
	return strings.Replace(strings.Replace(consoleProject, "%s", properties, 1), "%s", items, 1)
}

const consoleSource = `System.Console.WriteLine("hello");` + "\n"
