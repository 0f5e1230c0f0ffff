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
		Type   string `json:"type"`
		SHA512 string `json:"sha512"` // of packages: "sha512-" and base64
	} `json:"libraries"`
}

type targetLibrary struct {
	Dependencies map[string]unread `json:"dependencies"`

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

func decodeDeps(raw []byte, app string) (*dependencies, error) {
	var deps dependencies
	if err := layers.CheckJSON(raw); err != nil {
		return nil, fmt.Errorf("read %s.deps.json: %w", app, err)
	}
	if err := json.Unmarshal(trimBOM(raw), &deps); err != nil {
		return nil, fmt.Errorf("read %s.deps.json: %w", app, err)
	}
	return &deps, nil
}

// parseDeps returns the origin of the files that deps.json names, by slash path.
// The app's own files are not among them.
func parseDeps(raw []byte, app string) (map[string]layers.Origin, error) {
	deps, err := decodeDeps(raw, app)
	if err != nil {
		return nil, err
	}
	origins := map[string]layers.Origin{}
	for key, library := range deps.Targets[deps.RuntimeTarget.Name] {
		name, _, _ := strings.Cut(key, "/")
		origin, ok := libraryOrigin(deps.Libraries[key].Type, name, app)
		if !ok {
			continue
		}
		for file := range library.files {
			origins[file] = origin
		}
	}
	return origins, nil
}

// files yields the slash paths that the library's files have in a publish folder.
func (l targetLibrary) files(yield func(string) bool) {
	for _, assets := range []map[string]unread{l.Runtime, l.Native} {
		for asset := range assets {
			if !yield(path.Base(asset)) {
				return
			}
		}
	}
	for asset, resource := range l.Resources {
		if !yield(path.Join(resource.Locale, path.Base(asset))) {
			return
		}
	}
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
