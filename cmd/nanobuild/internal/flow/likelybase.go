package flow

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// likelyBase is the base that all projects will have, as far as can be told before
// dotnet ran: the one that flags name, or the default when nothing that MSBuild
// reads from the project's folders speaks of bases. Else it is "". A wrong guess
// costs a transfer, never the image.
func (r *run) likelyBase() string {
	if r.Base != "" {
		return r.Base
	}
	if slices.ContainsFunc(slices.Concat(r.Dotnet.Properties, r.Dotnet.Extra, r.Environ), speaksOfBases) {
		return ""
	}
	for _, p := range r.projects {
		if p.target.Kind != dotnet.Folder && slices.ContainsFunc(settingsFiles(p.target), fileSpeaksOfBases) {
			return ""
		}
	}
	return base.Default
}

// settingsFiles are the files in which a project usually has its properties: its
// own, those beside it and those that MSBuild finds in the folders above
// (https://learn.microsoft.com/visualstudio/msbuild/customize-by-directory).
func settingsFiles(t dotnet.Target) []string {
	files := []string{t.File, t.File + ".user", filepath.Join(t.Dir, "MSBuild.rsp")}
	if more, err := filepath.Glob(filepath.Join(t.Dir, "Properties", "PublishProfiles", "*.pubxml")); err == nil {
		files = append(files, more...)
	}
	for dir := t.Dir; ; dir = filepath.Dir(dir) {
		files = append(files, filepath.Join(dir, "Directory.Build.props"), filepath.Join(dir, "Directory.Build.targets"), filepath.Join(dir, "Directory.Build.rsp"))
		if dir == filepath.Dir(dir) {
			return files
		}
	}
}

func fileSpeaksOfBases(file string) bool {
	text, err := os.ReadFile(file)
	return err == nil && speaksOfBases(string(text))
}

func speaksOfBases(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "containerbaseimage") || strings.Contains(text, "containerfamily")
}
