package dotnet

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/nanobuild/nanobuild/layers"
)

// readFolder describes a folder that was published before, from the files that
// dotnet left in it. Whether it is self-contained is a matter of the past: who
// asks for something else is told.
func readFolder(target Target, selfContained *bool) (*Result, error) {
	result := &Result{
		Dir: target.Dir, ProjectDir: target.Dir, EntryPoint: target.EntryPoint,
		Name: stem(filepath.Base(filepath.FromSlash(target.EntryPoint))), Origins: map[string]layers.Origin{},
	}
	if target.EntryPoint == "" {
		result.Name = filepath.Base(target.Dir)
	}
	files, err := listFiles(target.Dir)
	if err != nil {
		return nil, err
	}
	known, err := folderOrigins(target.Dir, result.Name)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		result.Origins[file] = depsOrigin(known, file)
	}
	if err := result.readRuntime(); err != nil {
		return nil, err
	}
	if selfContained != nil && len(result.Runtime.Frameworks) > 0 && *selfContained != result.Runtime.SelfContained {
		result.Notices = append(result.Notices, fmt.Sprintf(
			"--self-contained=%t changes nothing about %s, which is published already: name its project instead", *selfContained, target.Dir))
	}
	return result, result.checkRuntime()
}

// checkRuntime refuses a folder from which a part is gone without which no
// self-contained app starts.
func (r *Result) checkRuntime() error {
	if !r.Runtime.SelfContained || r.Runtime.SingleFile {
		return nil
	}
	for _, part := range []string{"hostfxr.dll", "hostpolicy.dll", "coreclr.dll"} {
		if _, ok := r.Origins[part]; !ok {
			return refuse("publish it again, into an empty folder", "%s brings its own .NET, but %s is missing beside it", r.EntryPoint, part)
		}
	}
	return nil
}

// folderOrigins reads the app's deps.json; without one nothing is known.
func folderOrigins(dir, app string) (map[string]layers.Origin, error) {
	raw, err := readRegular(dir, app+".deps.json", largestDeps)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read where the files of %s come from: %w", app, err)
	}
	return parseDeps(raw, app)
}

// readRuntime finds out what the program of a publish folder runs on.
func (r *Result) readRuntime() error {
	if r.EntryPoint == "" {
		return nil
	}
	runtime, err := readRuntimeConfig(r.Dir, r.Name)
	if errors.Is(err, fs.ErrNotExist) {
		runtime, err = readBundle(r.Dir, r.EntryPoint)
	}
	if err != nil {
		return err
	}
	r.Runtime = runtime
	return nil
}
