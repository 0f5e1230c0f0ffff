package dotnet

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// readDeps reads the app's deps.json; it is empty where there is none, as beside a
// single-file app.
func readDeps(r *Result) (*dependencies, error) {
	raw, err := readRegular(r.Dir, r.Name+".deps.json", largestDeps)
	if errors.Is(err, fs.ErrNotExist) {
		return &dependencies{}, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeDeps(raw, r.Name)
}

// known says whether there was a deps.json.
func (d *dependencies) known() bool { return len(d.Libraries) > 0 }

// libraries are those of the app's target, by the key NAME/VERSION.
func (d *dependencies) libraries() map[string]targetLibrary { return d.Targets[d.RuntimeTarget.Name] }

// versionOf is the version of the project with that name, or "".
func (d *dependencies) versionOf(name string) string {
	for _, key := range slices.Sorted(maps.Keys(d.libraries())) {
		if n, version, _ := strings.Cut(key, "/"); strings.EqualFold(n, name) && d.Libraries[key].Type == "project" {
			return version
		}
	}
	return ""
}

// runtimePackPrefix stands before the names of runtime packs in deps.json.
const runtimePackPrefix = "runtimepack."

// packageOf says which package a library of deps.json is, by its type; false for
// types that nobody knows.
func (d *dependencies) packageOf(key, app string) (kind PackageKind, name, version string, ok bool) {
	name, version, _ = strings.Cut(key, "/")
	switch strings.ToLower(d.Libraries[key].Type) {
	case "package":
		return NuGetPackage, name, version, name != ""
	case "runtimepack":
		return RuntimePack, trimRuntimePack(name), version, name != ""
	case "project", "reference", "referenceassembly":
		if strings.EqualFold(name, app) {
			return AppPackage, app, version, true
		}
		return ProjectPackage, name, version, name != ""
	}
	return "", "", "", false
}

func trimRuntimePack(name string) string {
	if len(name) > len(runtimePackPrefix) && strings.EqualFold(name[:len(runtimePackPrefix)], runtimePackPrefix) {
		return name[len(runtimePackPrefix):]
	}
	return name
}

// addDeps adds what deps.json lists. NuGet's packages that are not in it are in no
// part of the app.
func (l *packageList) addDeps() {
	if !l.deps.known() {
		return
	}
	inApp := map[*Package]bool{}
	direct := map[string]bool{}
	libraries := l.deps.libraries()
	for _, key := range slices.Sorted(maps.Keys(libraries)) {
		kind, name, version, ok := l.deps.packageOf(key, l.result.Name)
		if !ok {
			continue
		}
		p := l.add(kind, name, version)
		inApp[p] = true
		if p.SHA512 == nil {
			p.SHA512 = decodeSHA512(strings.TrimPrefix(l.deps.Libraries[key].SHA512, "sha512-"))
		}
		for dependency := range libraries[key].Dependencies {
			p.Dependencies = append(p.Dependencies, trimRuntimePack(dependency))
			direct[strings.ToLower(dependency)] = direct[strings.ToLower(dependency)] || kind == AppPackage
		}
	}
	for _, p := range l.packages {
		switch {
		case p.Kind != NuGetPackage:
		case l.result.Properties == nil:
			p.Direct = direct[strings.ToLower(p.Name)]
		default:
			p.BuildOnly = !inApp[p]
		}
	}
}
