package dotnet

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// largestAssets is far more than the project.assets.json of any project, in bytes.
// What is not asked for, most of it, takes no memory.
const largestAssets = 64 << 20

// assetsFile is project.assets.json, in which NuGet writes down what it restored:
// https://github.com/NuGet/NuGet.Client/blob/dev/src/NuGet.Core/NuGet.ProjectModel/LockFile/LockFileFormat.cs
type assetsFile struct {
	Targets        map[string]map[string]assetsLibrary `json:"targets"` // by framework, or framework/runtime
	Libraries      map[string]assetsSource             `json:"libraries"`
	Groups         map[string][]string                 `json:"projectFileDependencyGroups"`
	PackageFolders map[string]unread                   `json:"packageFolders"`
}

// assetsLibrary is a library as one framework uses it.
type assetsLibrary struct {
	Type         string            `json:"type"` // "package" or "project"
	Dependencies map[string]unread `json:"dependencies"`
	Runtime      map[string]unread `json:"runtime"`
	Native       map[string]unread `json:"native"`
	Resource     map[string]unread `json:"resource"`
	Content      map[string]unread `json:"contentFiles"`
	Targets      map[string]unread `json:"runtimeTargets"`
}

// assetsSource is where a library comes from.
type assetsSource struct {
	SHA512  string `json:"sha512"`
	Path    string `json:"path"`           // of packages: in one of the package folders
	Project string `json:"msbuildProject"` // of projects: relative to the project's folder
}

// readAssets reads what the restore wrote down. A project that was built without a
// restore of NuGet's has none: then the result is empty.
func readAssets(file string) (*assetsFile, error) {
	if file == "" {
		return &assetsFile{}, nil
	}
	raw, err := readRegular(filepath.Dir(file), filepath.Base(file), largestAssets)
	if errors.Is(err, fs.ErrNotExist) {
		return &assetsFile{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	assets, err := parseAssets(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return assets, nil
}

func parseAssets(raw []byte) (*assetsFile, error) {
	var assets assetsFile
	if err := json.Unmarshal(trimBOM(raw), &assets); err != nil {
		return nil, err
	}
	return &assets, nil
}

// target returns the libraries of a framework on a runtime: those of the framework
// alone where the restore was not for that runtime.
func (a *assetsFile) target(framework, runtime string) map[string]assetsLibrary {
	return a.Targets[cmp.Or(
		pickFramework(maps.Keys(a.Targets), framework, "/"+runtime),
		pickFramework(maps.Keys(a.Targets), framework, ""))]
}

// direct returns the names of what the project itself refers to.
func (a *assetsFile) direct(framework string) []string {
	lines := a.Groups[pickFramework(maps.Keys(a.Groups), framework, "")]
	names := make([]string, 0, len(lines))
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ") // such as "Polly >= 8.9.1"
		names = append(names, name)
	}
	return names
}

// pickFramework returns the key that names the framework: as the project does, with
// the version of its platform (net10.0-windows7.0 for net10.0-windows), or, where
// there is one key only, however it is written. All with that suffix, which keys
// without a runtime lack.
func pickFramework(keys func(func(string) bool), framework, suffix string) string {
	var all, versioned []string
	for key := range keys {
		name, ok := strings.CutSuffix(key, suffix)
		if !ok || strings.Contains(name, "/") {
			continue
		}
		if strings.EqualFold(name, framework) {
			return key
		}
		all = append(all, key)
		if strings.Contains(framework, "-") && len(name) > len(framework) && strings.EqualFold(name[:len(framework)], framework) {
			versioned = append(versioned, key)
		}
	}
	if len(versioned) > 0 {
		return slices.Min(versioned)
	}
	if len(all) == 1 {
		return all[0]
	}
	return ""
}

// brings says whether the library has something for the application itself. A file
// called "_._" only says that there is nothing.
func (l assetsLibrary) brings() bool {
	for _, files := range []map[string]unread{l.Runtime, l.Native, l.Resource, l.Content, l.Targets} {
		for file := range files {
			if path.Base(file) != "_._" {
				return true
			}
		}
	}
	return false
}

// addAssets adds the packages and the projects that the restore found.
func (l *packageList) addAssets(a *assetsFile) {
	framework := l.result.Properties["TargetFramework"]
	libraries := a.target(framework, cmp.Or(l.result.Properties["RuntimeIdentifier"], runtimeIdentifier))
	empty := map[string]assetsLibrary{} // of packages that bring nothing themselves
	for _, key := range slices.Sorted(maps.Keys(libraries)) {
		name, version, _ := strings.Cut(key, "/")
		library, source := libraries[key], a.Libraries[key]
		kind := NuGetPackage
		if library.Type == "project" {
			kind = ProjectPackage
		} else if !library.brings() {
			empty[strings.ToLower(name)] = library
		}
		if name == "" {
			continue
		}
		p := l.add(kind, name, version)
		p.SHA512 = decodeSHA512(source.SHA512)
		p.Dependencies = slices.Collect(maps.Keys(library.Dependencies))
		l.folders[p] = packageFolder{path: source.Path}
	}
	app := l.app()
	for _, name := range a.direct(framework) {
		app.Dependencies = append(app.Dependencies, name)
		if p := l.find(name, NuGetPackage, ProjectPackage); p != nil {
			p.Direct = true
		}
	}
	l.markBuildOnly(empty)
}

// markBuildOnly marks the packages of which nothing is in the application, nor of
// their dependencies: others only hold their dependencies together. What deps.json
// says is better, where there is one.
func (l *packageList) markBuildOnly(empty map[string]assetsLibrary) {
	for changed := true; changed; {
		changed = false
		for name, library := range empty {
			for dependency := range library.Dependencies {
				_, nothing := empty[strings.ToLower(dependency)]
				if !nothing && l.find(dependency, NuGetPackage, ProjectPackage) != nil {
					delete(empty, name)
					changed = true
					break
				}
			}
		}
	}
	for name := range empty {
		if p := l.find(name, NuGetPackage); p != nil {
			p.BuildOnly = true
		}
	}
}

// addRuntimePacks adds the .NET that is copied beside the application, or that only
// its compiler needs.
func (l *packageList) addRuntimePacks(items []Item) {
	app := l.app()
	for _, item := range items {
		name := item.Metadata["NuGetPackageId"]
		if name == "" {
			continue
		}
		p := l.add(RuntimePack, name, item.Metadata["NuGetPackageVersion"])
		p.BuildOnly = !l.result.Runtime.SelfContained
		l.folders[p] = packageFolder{root: item.Metadata["PackageDirectory"]}
		app.Dependencies = append(app.Dependencies, name)
	}
}

// decodeSHA512 reads a checksum in base64; nil for what is none.
func decodeSHA512(text string) []byte {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(sum) != 64 {
		return nil
	}
	return sum
}
