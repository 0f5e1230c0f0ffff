package dotnet

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

// dependencies is X.deps.json: the libraries of an app and their files.
// https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md
type dependencies struct {
	RuntimeTarget struct {
		Name string `json:"name"`
	} `json:"runtimeTarget"`
	Targets   map[string]map[string]targetLibrary `json:"targets"`
	Libraries map[string]struct {
		Type string `json:"type"`
	} `json:"libraries"`
}

type targetLibrary struct {
	Runtime   map[string]unread `json:"runtime"`
	Native    map[string]unread `json:"native"`
	Resources map[string]struct {
		Locale string `json:"locale"`
	} `json:"resources"`
}

// unread is a value that does not matter, and takes no memory.
type unread struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// parseDeps returns the origin of the files that deps.json names, by slash path.
// The app's own files are not among them.
func parseDeps(raw []byte, app string) (map[string]layers.Origin, error) {
	var deps dependencies
	if err := layers.CheckJSON(raw); err != nil {
		return nil, fmt.Errorf("read %s.deps.json: %w", app, err)
	}
	if err := json.Unmarshal(trimBOM(raw), &deps); err != nil {
		return nil, fmt.Errorf("read %s.deps.json: %w", app, err)
	}
	origins := map[string]layers.Origin{}
	for key, library := range deps.Targets[deps.RuntimeTarget.Name] {
		name, _, _ := strings.Cut(key, "/")
		origin, ok := libraryOrigin(deps.Libraries[key].Type, name, app)
		if !ok {
			continue
		}
		for asset := range library.Runtime {
			origins[path.Base(asset)] = origin
		}
		for asset := range library.Native {
			origins[path.Base(asset)] = origin
		}
		for asset, resource := range library.Resources {
			origins[path.Join(resource.Locale, path.Base(asset))] = origin
		}
	}
	return origins, nil
}

// libraryOrigin is the origin of a library's files; false for the app's own.
func libraryOrigin(kind, name, app string) (layers.Origin, bool) {
	switch strings.ToLower(kind) {
	case "runtimepack":
		return packOrigin(name), true
	case "package":
		return layers.Packages, true
	case "project", "reference", "referenceassembly":
		return layers.Project, !strings.EqualFold(name, app)
	}
	return "", false
}

// depsOrigin classifies a file of a publish folder; symbols and documentation
// follow their DLL.
func depsOrigin(known map[string]layers.Origin, name string) layers.Origin {
	if origin, ok := known[name]; ok {
		return origin
	}
	if ext := path.Ext(name); ext == ".pdb" || ext == ".xml" {
		if origin, ok := known[strings.TrimSuffix(name, ext)+".dll"]; ok {
			return origin
		}
	}
	return unlisted(name)
}
