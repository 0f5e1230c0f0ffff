package flow

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// likelyBases are the bases that all projects will have, as far as can be told before
// dotnet ran: those that flags name, or the default when nothing that MSBuild reads
// from the project's folders speaks of bases. Else there are none. A wrong guess
// costs a transfer, never the image.
func (r *run) likelyBases() []string {
	if len(r.Bases) > 0 {
		return r.certainBases()
	}
	if r.speaksOfRuntimes() || slices.ContainsFunc(slices.Concat(r.Dotnet.Properties, r.Dotnet.Extra, r.Environ), speaksOfBases) {
		return nil
	}
	for _, p := range r.projects {
		if p.target.Kind != dotnet.Folder && slices.ContainsFunc(settingsFiles(p.target), fileSpeaksOfBases) {
			return nil
		}
	}
	return []string{base.Default}
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
