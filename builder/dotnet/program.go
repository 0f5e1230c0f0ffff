package dotnet

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	runtimeConfigSuffix = ".runtimeconfig.json"
	crashDumper         = "createdump.exe" // part of the runtime, never the app
)

// chooseOne is the remedy for a folder with several programs. Forward slashes
// need no quotes in any shell.
const chooseOne = "choose one with --entrypoint, such as --entrypoint C:/app/"

// findProgram returns the program of a publish folder whose root holds these
// files: X.exe beside X.runtimeconfig.json, else the only .exe. It stays the
// program that the folder is read for when the entry point is none of its own,
// such as cmd.exe.
func findProgram(dir string, names []string, entrypoint, workDir string) (string, error) {
	var programs, configured []string
	for _, name := range names {
		if !strings.EqualFold(filepath.Ext(name), ".exe") || strings.EqualFold(name, crashDumper) {
			continue
		}
		programs = append(programs, name)
		if slices.Contains(names, stem(name)+runtimeConfigSuffix) {
			configured = append(configured, name)
		}
	}
	if entrypoint != "" {
		return orDefault(chosenProgram(dir, programs, entrypoint), onlyProgram(configured, programs)), nil
	}
	shown := below(workDir, dir)
	switch only := onlyProgram(configured, programs); {
	case only != "":
		return only, nil
	case len(configured) > 1:
		return "", refuse(chooseOne+configured[0],
			"%s holds %d programs (%s)", shown, len(configured), strings.Join(configured, ", "))
	case len(programs) > 1:
		return "", refuse(chooseOne+programs[0],
			"%s holds %d programs (%s) and no X.runtimeconfig.json beside any", shown, len(programs), strings.Join(programs, ", "))
	}
	return "", refuseNoProgram(dir, names, workDir)
}

func onlyProgram(configured, programs []string) string {
	switch {
	case len(configured) == 1:
		return configured[0]
	case len(configured) == 0 && len(programs) == 1:
		return programs[0]
	}
	return ""
}

// chosenProgram is the one of the programs that the user's entry point means:
// App.exe, app, C:\app\App.exe. It returns "" when it means none, and a path
// below the folder when that is a file.
func chosenProgram(dir string, programs []string, entrypoint string) string {
	slashed := strings.ReplaceAll(entrypoint, `\`, "/")
	if filepath.IsLocal(filepath.FromSlash(slashed)) {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(slashed))); err == nil && info.Mode().IsRegular() {
			return slashed
		}
	}
	base := slashed[strings.LastIndex(slashed, "/")+1:]
	for _, program := range programs {
		if strings.EqualFold(base, program) || strings.EqualFold(base, stem(program)) {
			return program
		}
	}
	return ""
}

// refuseNoProgram explains a folder that is neither a project nor published.
func refuseNoProgram(dir string, names []string, workDir string) error {
	shown := below(workDir, dir)
	if solutions := withExtension(names, solutionExtensions); len(solutions) > 0 {
		return refuseSolution(filepath.Join(dir, solutions[0]), workDir)
	}
	for _, name := range names {
		if strings.HasSuffix(name, runtimeConfigSuffix) {
			return refuse("publish it with -r win-x64 --self-contained, or name the project here",
				"%s holds a published app (%s) but no Windows program (.exe) for it", shown, name)
		}
	}
	if sources := withExtension(names, []string{".cs"}); len(sources) > 0 {
		return refuse("for a file-based app, name the file: "+pasteable(workDir, dir, sources[:1]), "%s holds no project", shown)
	}
	if projects := projectsBelow(dir); len(projects) > 0 {
		return refuse("name one of those below it:\n  "+pasteable(workDir, dir, projects), "%s holds no project", shown)
	}
	return refuse("name a project file, a folder with one, a file-based app.cs, or a publish folder (its program by --entrypoint)",
		"%s holds neither a project nor a Windows program (.exe)", shown)
}

// stem is a name without its extension.
func stem(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }
