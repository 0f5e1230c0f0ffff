//go:build unix

package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// fakeDotnet makes a project and a dotnet that publishes the sample application,
// writes its answer, and then does what the shell command after says.
func fakeDotnet(t *testing.T, w *world, name, after string) (project, exe string) {
	t.Helper()
	src := filepath.Join(t.TempDir(), "src")
	if err := sampleapp.Write(src, "hi"); err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(map[string]any{
		"Properties": map[string]string{
			"AssemblyName": sampleapp.Name, "_NativeExecutableExtension": ".exe", "NETCoreSdkVersion": "10.0.100",
			"TargetFramework": "net10.0", "SelfContained": "true", "ContainerRepository": name,
		},
		"Items": map[string]any{"ResolvedFileToPublish": publishItems(t, src)},
	})
	if err != nil {
		t.Fatal(err)
	}
	project, dir := filepath.Join(w.WorkDir, name), t.TempDir()
	exe = filepath.Join(dir, "dotnet")
	script := fmt.Sprintf(`#!/bin/sh
for arg; do case "$arg" in
	-getResultOutputFile:*) result="${arg#*:}";;
	-p:PublishDir=*) publish="${arg#*=}";;
esac; done
cp -r %s/. "$publish"
cp %s/answer.json "$result"
%s
`, src, dir, after)
	for file, text := range map[string]string{
		filepath.Join(project, name+".csproj"): `<Project Sdk="Microsoft.NET.Sdk"/>`,
		filepath.Join(dir, "answer.json"):      string(answer),
		exe:                                    script,
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	w.Environ = []string{"PATH=/usr/bin:/bin"}
	return project, exe
}

func publishItems(t *testing.T, dir string) []map[string]string {
	t.Helper()
	var items []map[string]string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		items = append(items, map[string]string{"Identity": p, "RelativePath": filepath.ToSlash(rel), "FullPath": p})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// What dotnet published counts when dotnet ends well, however early it was read.
func TestDotnetEndsAfterItsAnswer(t *testing.T) {
	t.Parallel()
	for after, fails := range map[string]bool{
		"": false, "sleep 0.3": false, "exit 1": true, "sleep 0.02; exit 1": true, "sleep 0.3; exit 1": true,
	} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			project, exe := fakeDotnet(t, w, "demo", after)
			o := w.options(project)
			o.Dotnet.Program, o.Targets = exe, Targets{Repo: w.host + "/demo"}
			for range 5 {
				refs, err := Publish(t.Context(), o, w.Deps)
				switch {
				case !fails && (err != nil || len(refs) != 1):
					t.Errorf("references %v, %v", refs, err)
				case fails && (stageOf(err) != StageDotnet || refs != nil):
					t.Errorf("references %v, stage %d: %v", refs, stageOf(err), err)
				}
				noTempLeft(t, w.TempRoot)
			}
			if moved := len(w.puts.list) > 0; moved == fails {
				t.Errorf("tags moved: %v", w.puts.list)
			}
		})
	}
}

// A dotnet that does not end is not waited for when the run is stopped.
func TestStoppedAfterTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	project, exe := fakeDotnet(t, w, "demo", "exec sleep 60")
	o := w.options(project)
	o.Dotnet.Program, o.Targets = exe, Targets{Repo: w.host + "/demo"}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, stopped)
	defer cancel()
	if refs, err := Publish(ctx, o, w.Deps); !errors.Is(err, stopped) || refs != nil {
		t.Errorf("references %v, %v", refs, err)
	}
	noTempLeft(t, w.TempRoot)
}

func TestNothingMovesWhenTheSecondDotnetFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, good := fakeDotnet(t, w, "one", "")
	two, bad := fakeDotnet(t, w, "two", "exit 1")
	both := filepath.Join(t.TempDir(), "dotnet")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *one.csproj*) exec %s \"$@\";; *) exec %s \"$@\";; esac\n", good, bad)
	if err := os.WriteFile(both, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := w.options(one, two)
	o.Dotnet.Program = both
	o.Targets = Targets{Repo: w.host + "/shop/", Layouts: []string{"layout"}, Tarballs: []string{"tars/"}}
	refs, err := Publish(t.Context(), o, w.Deps)
	if stageOf(err) != StageDotnet || refs != nil || !strings.Contains(err.Error(), "two") {
		t.Errorf("references %v, stage %d: %v", refs, stageOf(err), err)
	}
	noTempLeft(t, w.TempRoot)
	if len(w.puts.list) > 0 {
		t.Errorf("tags moved: %v", w.puts.list)
	}
	for _, file := range []string{"layout/index.json", "tars/shop/one.tar.gz"} {
		if _, err := os.Stat(filepath.Join(w.WorkDir, filepath.FromSlash(file))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want it not to be there", file, err)
		}
	}
}
