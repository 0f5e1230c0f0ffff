package dotnet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what a PROJECT argument names.
type Kind int

// The kinds.
const (
	ProjectFile Kind = iota + 1 // a project file, or a folder with exactly one
	SourceFile                  // a file-based app, such as app.cs
	Folder                      // a folder that was published before
)

// Target is the project, app or folder that a PROJECT argument means.
type Target struct {
	Kind       Kind
	File       string // absolute path of the project or source file; "" for a publish folder
	Dir        string // absolute path of the folder that holds File, or the publish folder
	EntryPoint string // publish folders: slash path of the program; "" when only the caller's entry point counts
}

// Identify tells what the file or folder at path is, without running dotnet. It
// fails with *Refusal for what cannot be published.
func Identify(path string) (Kind, error) {
	target, err := Locate(path, "", "")
	if err != nil {
		return 0, err
	}
	return target.Kind, nil
}

// Locate finds what a PROJECT argument means, without running dotnet. The
// entrypoint chooses between several programs of a publish folder, and messages
// name files relative to workDir; both may be "". It fails with *Refusal for
// what cannot be published.
func Locate(path, entrypoint, workDir string) (Target, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Target{}, fmt.Errorf("find the project: %w", err)
	}
	shown := below(workDir, path)
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return Target{}, refuse("name a project file, a folder with one, a file-based app.cs, or a publish folder", "there is no %s", shown)
	}
	if err != nil {
		return Target{}, fmt.Errorf("find the project: %w", err)
	}
	if info.IsDir() {
		return locateFolder(path, entrypoint, workDir)
	}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case slices.Contains(projectExtensions, ext):
		return Target{Kind: ProjectFile, File: path, Dir: filepath.Dir(path)}, nil
	case ext == ".cs":
		return Target{Kind: SourceFile, File: path, Dir: filepath.Dir(path)}, nil
	case slices.Contains(solutionExtensions, ext):
		return Target{}, refuseSolution(path, workDir)
	case strings.HasSuffix(ext, "proj"):
		return Target{}, refuse("name a project of a program", "%s is no C#, VB or F# project", shown)
	}
	return Target{}, refuse("name a project file, a folder with one, a file-based app.cs, or a publish folder", "%s is no project", shown)
}

var (
	projectExtensions  = []string{".csproj", ".vbproj", ".fsproj"}
	solutionExtensions = []string{".slnx", ".sln", ".slnf"}
)

// locateFolder reads a folder: one with a project file is a project, else it may
// have been published before.
func locateFolder(dir, entrypoint, workDir string) (Target, error) {
	names, err := fileNames(dir)
	if err != nil {
		return Target{}, err
	}
	switch projects := withExtension(names, projectExtensions); {
	case len(projects) == 1:
		return Target{Kind: ProjectFile, File: filepath.Join(dir, projects[0]), Dir: dir}, nil
	case len(projects) > 1:
		return Target{}, refuse("name one of them: "+pasteable(workDir, dir, projects),
			"%s holds %d projects (%s)", below(workDir, dir), len(projects), strings.Join(projects, ", "))
	}
	target := Target{Kind: Folder, Dir: dir}
	if target.EntryPoint, err = findProgram(dir, names, entrypoint, workDir); err != nil {
		return Target{}, err
	}
	return target, nil
}

func fileNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of the project: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func withExtension(names, extensions []string) []string {
	var found []string
	for _, name := range names {
		if slices.Contains(extensions, strings.ToLower(filepath.Ext(name))) {
			found = append(found, name)
		}
	}
	return found
}

// pasteable makes a command line that publishes the named files of dir.
func pasteable(workDir, dir string, names []string) string {
	var b strings.Builder
	b.WriteString("nanobuild publish")
	for _, name := range names {
		path := below(workDir, filepath.Join(dir, name))
		if strings.ContainsAny(path, " \t'&;()$") {
			path = `"` + path + `"`
		}
		b.WriteString(" " + path)
	}
	return b.String()
}
