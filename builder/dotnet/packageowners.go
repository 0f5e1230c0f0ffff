package dotnet

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// owners says which package a published file belongs to. Like a file's origin, it
// follows from the items of the build, else from deps.json.
type owners struct {
	list     *packageList
	items    map[string]Item     // by slash path
	files    map[string]*Package // of deps.json, by slash path
	projects []projectFolder     // the deepest first
	packages []string            // folders with packages, with a trailing separator
}

// projectFolder is where a referenced project lies.
type projectFolder struct {
	file, dir string // dir with a trailing separator
	owner     *Package
}

func newOwners(l *packageList, assets *assetsFile) *owners {
	o := &owners{list: l, items: map[string]Item{}, files: map[string]*Package{}}
	for _, item := range l.result.Items[publishItems] {
		o.items[relativePath(item)] = item
	}
	libraries := l.deps.libraries()
	for _, key := range slices.Sorted(maps.Keys(libraries)) {
		kind, name, _, ok := l.deps.packageOf(key, l.result.Name)
		if owner := l.find(name, kind); ok && owner != nil {
			for file := range libraries[key].files {
				o.files[file] = owner
			}
		}
	}
	if assets == nil {
		return o
	}
	for _, root := range newPackageFolders(assets, l.result.Properties["NuGetPackageRoot"]) {
		o.packages = append(o.packages, folder(root))
	}
	for _, key := range slices.Sorted(maps.Keys(assets.Libraries)) {
		name, _, _ := strings.Cut(key, "/")
		project := assets.Libraries[key].Project
		if owner := l.find(name, ProjectPackage); owner != nil && project != "" {
			file := filepath.Join(l.result.ProjectDir, filepath.FromSlash(project))
			o.projects = append(o.projects, projectFolder{file: file, dir: folder(filepath.Dir(file)), owner: owner})
		}
	}
	slices.SortStableFunc(o.projects, func(a, b projectFolder) int { return len(b.dir) - len(a.dir) })
	return o
}

// of returns the owner of a file; what nobody else claims is the application's.
func (o *owners) of(file string) *Package {
	item, listed := o.items[file]
	if listed {
		if p := o.byItem(item); p != nil {
			return p
		}
	}
	if p := o.files[file]; p != nil {
		return p
	}
	if p := o.beside(file); p != nil && !listed {
		return p
	}
	if p := o.asset(file); p != nil {
		return p
	}
	return o.list.app()
}

// byItem reads who supplied an item of the build; nil when it does not tell.
func (o *owners) byItem(item Item) *Package {
	metadata := item.Metadata
	if id := metadata["NuGetPackageId"]; id != "" {
		if p := o.list.find(id, NuGetPackage, RuntimePack); p != nil {
			return p
		}
		return o.list.add(NuGetPackage, id, metadata["NuGetPackageVersion"])
	}
	source := metadata["FullPath"]
	for _, root := range o.packages {
		if under(source, root) {
			id, _, _ := strings.Cut(filepath.ToSlash(source[len(root):]), "/")
			if p := o.list.find(id, NuGetPackage, RuntimePack); p != nil {
				return p
			}
		}
	}
	if project := metadata["MSBuildSourceProjectFile"]; project != "" {
		return o.project(project)
	}
	return o.inProject(source)
}

// project returns the referenced project with that file.
func (o *owners) project(file string) *Package {
	for _, p := range o.projects {
		if p.file == filepath.Clean(file) {
			return p.owner
		}
	}
	if filepath.Clean(file) == o.list.result.ProjectFile {
		return o.list.app()
	}
	return o.list.add(ProjectPackage, stem(filepath.Base(file)), "")
}

// inProject returns the project in whose folder the file lies; nil for none but the
// application's own.
func (o *owners) inProject(source string) *Package {
	own := folder(o.list.result.ProjectDir)
	for _, p := range o.projects {
		if under(source, p.dir) && (len(p.dir) > len(own) || !under(source, own)) {
			return p.owner
		}
	}
	return nil
}

// beside returns the owner of the assembly that symbols or documentation belong to.
func (o *owners) beside(file string) *Package {
	ext := path.Ext(file)
	if ext != ".pdb" && ext != ".xml" {
		return nil
	}
	dll := strings.TrimSuffix(file, ext) + ".dll"
	if item, listed := o.items[dll]; listed {
		if p := o.byItem(item); p != nil {
			return p
		}
	}
	return o.files[dll]
}

// asset returns the library of a static web asset:
// https://learn.microsoft.com/aspnet/core/razor-pages/ui-class#consume-content-from-a-referenced-rcl
func (o *owners) asset(file string) *Package {
	rest, ok := strings.CutPrefix(file, "wwwroot/_content/")
	if !ok {
		return nil
	}
	id, _, _ := strings.Cut(rest, "/")
	return o.list.find(id, ProjectPackage, NuGetPackage)
}
