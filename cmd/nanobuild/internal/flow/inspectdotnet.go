package flow

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// DotNetOfImage is the .NET that the program of an image runs on.
type DotNetOfImage struct {
	Version string          `json:"version,omitempty"` // such as "10.0.12"; "net10.0" where no more is known
	Source  string          `json:"source"`            // where it was read: a file, or the variable DOTNET_VERSION
	Support *SupportOfImage `json:"support,omitempty"` // missing for releases that are not known
	Problem string          `json:"problem,omitempty"` // why the file tells no version
}

// runtimeConfigSuffix ends the name of the file that says what a program runs on.
const runtimeConfigSuffix = ".runtimeconfig.json"

// dotnetVariable is set by Microsoft's images to the version that they hold:
// https://github.com/dotnet/dotnet-docker/blob/main/src/runtime/8.0/nanoserver-ltsc2022/amd64/Dockerfile
const dotnetVariable = "DOTNET_VERSION"

// maxPrograms bounds the runtimeconfig.json files of an image that are read;
// real ones have one, or a few with tools.
const maxPrograms = 64

// program is what a runtimeconfig.json says.
type program struct {
	path    string // below C:, with slashes, in lower case and without the suffix
	file    string // as users see it, such as C:\app\Demo.runtimeconfig.json
	runtime dotnet.Runtime
	err     error
}

// readPrograms finds the runtimeconfig.json files in the tar of a layer.
func readPrograms(r io.Reader) ([]program, error) {
	var found []program
	for t := tar.NewReader(r); len(found) < maxPrograms; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("look for .NET in the layer: %w", err)
		}
		path, ok := strings.CutPrefix(h.Name, "Files/")
		lower, isConfig := strings.CutSuffix(strings.ToLower(path), runtimeConfigSuffix)
		if !ok || !isConfig || h.Typeflag != tar.TypeReg {
			continue
		}
		p := program{path: lower, file: `C:\` + strings.ReplaceAll(path, "/", `\`)}
		p.runtime, p.err = dotnet.ReadRuntime(t)
		found = append(found, p)
	}
	return found, nil
}

// dotnetOf tells what the image's program runs on: what it brings along, else
// what the base says that it has, else what the program asks for. It is nil for
// images that say nothing of .NET.
func dotnetOf(config v1.Config, programs []program, now time.Time) *DotNetOfImage {
	main := mainProgram(config, programs)
	held := variable(config.Env, dotnetVariable)
	switch {
	case main != nil && main.err != nil:
		return &DotNetOfImage{Source: main.file, Problem: main.err.Error()}
	case held != "" && (main == nil || !main.runtime.SelfContained):
		return dotnetAt(held, dotnetVariable, now)
	case main != nil && main.runtime.Version() != "":
		return dotnetAt(main.runtime.Version(), main.file, now)
	}
	return nil
}

func dotnetAt(version, source string, now time.Time) *DotNetOfImage {
	if !isVersionText(version) {
		return &DotNetOfImage{Source: source, Problem: "what stands there is no version of .NET"}
	}
	found := &DotNetOfImage{Version: version, Source: source}
	if release, ok := winver.OfDotNet(version); ok {
		found.Support = supportAt(release.Support, now)
	}
	return found
}

// isVersionText says whether a text from an image may be shown as a version.
func isVersionText(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-+_") == "" && s != ""
}

// mainProgram returns the program that the image starts, else the only one
// there is; else nil.
func mainProgram(config v1.Config, programs []program) *program {
	for _, argument := range append(append([]string{}, config.Entrypoint...), config.Cmd...) {
		path := programPath(argument)
		for i := range programs {
			if programs[i].path == path {
				return &programs[i]
			}
		}
	}
	if len(programs) == 1 {
		return &programs[0]
	}
	return nil
}

// programPath writes C:\app\Demo.exe, or the Demo.dll that dotnet.exe runs, like
// the path of a program.
func programPath(argument string) string {
	path := strings.ToLower(strings.ReplaceAll(argument, `\`, "/"))
	path = strings.TrimPrefix(strings.TrimPrefix(path, "c:"), "/")
	return strings.TrimSuffix(strings.TrimSuffix(path, ".exe"), ".dll")
}

// variable returns the value of an environment variable; on Windows case does
// not matter in its name.
func variable(env []string, name string) string {
	for _, e := range env {
		if k, v, ok := strings.Cut(e, "="); ok && strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}
