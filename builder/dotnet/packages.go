package dotnet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PackageKind is what a part of an application is.
type PackageKind string

// The kinds, in the order in which an Inventory lists them.
const (
	AppPackage     PackageKind = "app"          // the application itself
	ProjectPackage PackageKind = "project"      // a referenced project, or an assembly without a package
	NuGetPackage   PackageKind = "nuget"        // a package of the project, or of one of its packages
	RuntimePack    PackageKind = "runtime pack" // the .NET that a self-contained application brings along
)

// Package is one of the parts that a published application is made of.
type Package struct {
	Kind          PackageKind
	Name, Version string
	Direct        bool // the project itself names it
	// BuildOnly is for what the build needs, such as an analyzer: nothing of it is
	// in the application.
	BuildOnly bool
	// SHA512 is NuGet's content hash, which packages.lock.json has too: that of the
	// package's file without its signature. Nil where nothing tells it.
	SHA512 []byte
	Manifest

	// Dependencies are the names of the packages that it asks for, sorted; all of
	// them are in the same Inventory.
	Dependencies []string
}

// Manifest is what a package says of itself. It is zero where its folder was not
// at hand, as for an application that was published before.
type Manifest struct {
	License    License
	Authors    string
	Copyright  string
	ProjectURL string
	Repository Repository
}

// License is what a package says of its licence: one of these at most.
type License struct {
	Expression string // in SPDX's language, unchecked
	Text       string // of the file in the package that holds it
	URL        string // where to read it
}

// Repository is where a package's source code is.
type Repository struct {
	Type, URL, Commit string
}

// Inventory says which packages an application is made of, and whose each of its
// files is.
type Inventory struct {
	// Packages are the application, which comes first, and all others by kind, name
	// and version. No two have the same kind and name.
	Packages []Package
	// Owners has an index of Packages for each file of the result, by its slash path.
	Owners map[string]int
	// Notices are what could not be read, one sentence each.
	Notices []string
}

// ReadPackages finds out which packages a published application is made of. For a
// project it reads what NuGet wrote down when it restored the project, and the
// packages' own manifests; for a folder that was published before, what deps.json
// says. It fails where one of those files cannot be read; a single package that has no
// readable manifest is a notice.
func ReadPackages(ctx context.Context, r *Result) (*Inventory, error) {
	deps, err := readDeps(r)
	if err != nil {
		return nil, fmt.Errorf("read the packages of %s: %w", r.Name, err)
	}
	list := newPackageList(r, deps)
	if r.Properties == nil {
		list.addDeps()
		return list.inventory(nil), nil
	}
	assets, err := readAssets(r.Properties["ProjectAssetsFile"])
	if err != nil {
		return nil, fmt.Errorf("read the packages of %s: %w", r.Name, err)
	}
	list.addAssets(assets)
	list.addRuntimePacks(r.Items[runtimePacks])
	list.addDeps()
	folders := newPackageFolders(assets, r.Properties["NuGetPackageRoot"])
	for i := range list.packages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list.describe(list.packages[i], folders)
	}
	return list.inventory(assets), nil
}

// packageList collects packages; each is known by its kind and its name, in which
// NuGet ignores case.
type packageList struct {
	result   *Result
	deps     *dependencies
	packages []*Package
	byName   map[string]*Package // by listKey
	folders  map[*Package]packageFolder
	notices  []string
}

// packageFolder is where a package lies unpacked.
type packageFolder struct {
	root, path string // path is relative to root; root "" stands for all package folders
}

// newPackageList has the application in it.
func newPackageList(r *Result, deps *dependencies) *packageList {
	l := &packageList{result: r, deps: deps, byName: map[string]*Package{}, folders: map[*Package]packageFolder{}}
	app := l.add(AppPackage, r.Name, cmp.Or(r.Properties["Version"], deps.versionOf(r.Name)))
	authors := line(r.Properties["Authors"])
	if authors == r.Name || authors == r.Properties["AssemblyName"] {
		authors = "" // the SDK's default: the assembly as its own author
	}
	app.Manifest = Manifest{
		License: License{Expression: line(r.Properties["PackageLicenseExpression"])}, Authors: authors,
		Copyright: line(r.Properties["Copyright"]), ProjectURL: line(r.Properties["PackageProjectUrl"]),
	}
	return l
}

func listKey(kind PackageKind, name string) string {
	return string(kind) + "\x00" + strings.ToLower(name)
}

// add returns the package of that kind and name; it is new if there was none.
func (l *packageList) add(kind PackageKind, name, version string) *Package {
	key := listKey(kind, name)
	if known := l.byName[key]; known != nil {
		known.Version = cmp.Or(known.Version, version)
		return known
	}
	p := &Package{Kind: kind, Name: name, Version: version}
	l.byName[key] = p
	l.packages = append(l.packages, p)
	return p
}

// find returns a package of one of the kinds, or nil.
func (l *packageList) find(name string, kinds ...PackageKind) *Package {
	for _, kind := range kinds {
		if p := l.byName[listKey(kind, name)]; p != nil {
			return p
		}
	}
	return nil
}

// app is the application itself.
func (l *packageList) app() *Package { return l.find(l.result.Name, AppPackage) }

// inventory gives each file its owner, sorts the packages, and keeps the edges that
// lead to one of them.
func (l *packageList) inventory(assets *assetsFile) *Inventory {
	owners := newOwners(l, assets)
	owner := make(map[string]*Package, len(l.result.Origins))
	for _, file := range slices.Sorted(maps.Keys(l.result.Origins)) {
		owner[file] = owners.of(file)
	}
	slices.SortFunc(l.packages, func(a, b *Package) int {
		return cmp.Or(cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)),
			cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	out := &Inventory{Owners: make(map[string]int, len(owner)), Notices: l.notices}
	index := make(map[*Package]int, len(l.packages))
	for i, p := range l.packages {
		index[p] = i
		p.Dependencies = l.known(p)
		out.Packages = append(out.Packages, *p)
	}
	for file, p := range owner {
		out.Owners[file] = index[p]
	}
	return out
}

func kindOrder(kind PackageKind) int {
	return slices.Index([]PackageKind{AppPackage, ProjectPackage, NuGetPackage, RuntimePack}, kind)
}

// known returns the dependencies that are in the list, as they are spelled there.
func (l *packageList) known(of *Package) []string {
	var names []string
	for _, name := range of.Dependencies {
		if p := l.find(name, ProjectPackage, NuGetPackage, RuntimePack); p != nil && p != of {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
