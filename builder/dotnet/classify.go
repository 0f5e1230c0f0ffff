package dotnet

import (
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

var runtimePackID = regexp.MustCompile(`(?i)^Microsoft\.(NETCore|AspNetCore|WindowsDesktop)\.App\.Runtime\.`)

// classifier says where a published file comes from, by the items of the build.
// The files on disk decide what there is (a build publishes more than it lists);
// the items only say where it is from.
type classifier struct {
	items       map[string]Item // by slash path
	packs       map[string]bool // lower-case package ids of the runtime packs
	packageRoot string          // with a trailing separator; "" when unknown
	projectDir  string          // with a trailing separator
	references  []string        // folders of referenced projects, with a trailing separator
}

func newClassifier(e *evaluation) *classifier {
	c := &classifier{
		items:       make(map[string]Item, len(e.Items[publishItems])),
		packs:       map[string]bool{},
		packageRoot: folder(e.Properties["NuGetPackageRoot"]),
		projectDir:  folder(e.Properties["MSBuildProjectDirectory"]),
	}
	for _, pack := range e.Items[runtimePacks] {
		if id := pack.Metadata["NuGetPackageId"]; id != "" {
			c.packs[strings.ToLower(id)] = true
		}
	}
	seen := map[string]bool{}
	for _, item := range e.Items[publishItems] {
		c.items[relativePath(item)] = item
		if source := item.Metadata["MSBuildSourceProjectFile"]; filepath.IsAbs(source) {
			if dir := folder(filepath.Dir(source)); dir != c.projectDir && !seen[dir] {
				seen[dir] = true
				c.references = append(c.references, dir)
			}
		}
	}
	return c
}

// relativePath is where an item lies in the publish folder, as a slash path: a
// Link in a project file may be written with backslashes.
func relativePath(item Item) string {
	return path.Clean(strings.ReplaceAll(item.Metadata["RelativePath"], `\`, "/"))
}

// origin classifies the file with that slash path.
func (c *classifier) origin(name string) layers.Origin {
	item, listed := c.items[name]
	if !listed {
		return unlisted(name)
	}
	id, source := item.Metadata["NuGetPackageId"], item.Metadata["FullPath"]
	switch {
	case id != "" && (c.packs[strings.ToLower(id)] || runtimePackID.MatchString(id)):
		return packOrigin(id)
	case id != "" || under(source, c.packageRoot):
		return layers.Packages
	case item.Metadata["MSBuildSourceProjectFile"] != "" || item.Metadata["ReferenceSourceTarget"] == "ProjectReference":
		return layers.Project
	case c.fromReference(source):
		return layers.Project
	}
	return layers.App
}

// unlisted classifies a file that no list names.
func unlisted(name string) layers.Origin {
	if strings.HasPrefix(name, "wwwroot/") {
		return layers.Assets
	}
	return layers.App
}

// packOrigin tells the runtime packs apart by their names.
func packOrigin(id string) layers.Origin {
	switch id = strings.ToLower(id); {
	case strings.Contains(id, "microsoft.aspnetcore.app"):
		return layers.Aspnet
	case strings.Contains(id, "microsoft.windowsdesktop.app"):
		return layers.Desktop
	}
	return layers.Runtime
}

func (c *classifier) fromReference(source string) bool {
	if under(source, c.projectDir) {
		return false
	}
	for _, dir := range c.references {
		if under(source, dir) {
			return true
		}
	}
	return false
}

// folder cleans the name of a folder and ends it with one separator.
func folder(name string) string {
	if name == "" {
		return ""
	}
	name = filepath.Clean(name)
	if strings.HasSuffix(name, string(filepath.Separator)) {
		return name
	}
	return name + string(filepath.Separator)
}

// under tells whether a path lies in a folder made by folder.
func under(name, dir string) bool {
	name = filepath.Clean(name)
	if dir == "" || len(name) < len(dir) {
		return false
	}
	if runtime.GOOS == "windows" {
		return strings.EqualFold(name[:len(dir)], dir)
	}
	return name[:len(dir)] == dir
}
