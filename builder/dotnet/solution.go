package dotnet

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// refuseSolution explains that an image holds one program, and lists those of
// the solution as a command line.
func refuseSolution(file, workDir string) error {
	shown := below(workDir, file)
	raw, err := readRegular(filepath.Dir(file), filepath.Base(file), largestSolution)
	if err != nil {
		return refuse("name one of its projects", "%s is a solution, and an image is made of a project", shown)
	}
	dir, projects := parseSolution(file, raw)
	if projects = programsOf(dir, projects); len(projects) == 0 {
		return refuse("name a project of a program", "%s is a solution without C#, VB or F# projects", shown)
	}
	return refuse("name its projects, for one image each:\n  "+pasteable(workDir, dir, projects),
		"%s is a solution, and an image is made of a project", shown)
}

// parseSolution lists the projects of a solution in its three formats, relative
// to dir. What it does not understand it leaves out: the list is advice.
func parseSolution(file string, raw []byte) (dir string, projects []string) {
	dir, raw = filepath.Dir(file), trimBOM(raw)
	switch strings.ToLower(filepath.Ext(file)) {
	case ".slnx":
		projects = parseSlnx(raw)
	case ".slnf":
		var solution string
		if solution, projects = parseSlnf(raw); solution != "" {
			dir = filepath.Dir(filepath.Join(dir, hostPath(solution)))
		}
	default:
		projects = parseSln(raw)
	}
	var kept []string
	for _, project := range projects {
		project = filepath.Clean(hostPath(project))
		known := slices.Contains(projectExtensions, strings.ToLower(filepath.Ext(project)))
		if known && !filepath.IsAbs(project) && !slices.Contains(kept, project) {
			kept = append(kept, project)
		}
	}
	return dir, kept
}

// hostPath reads a path written with either separator.
func hostPath(path string) string { return filepath.FromSlash(strings.ReplaceAll(path, `\`, "/")) }

// slnProject is a line such as Project("{type}") = "Web", "Web\Web.csproj", "{id}":
// https://learn.microsoft.com/visualstudio/extensibility/internals/solution-dot-sln-file
var slnProject = regexp.MustCompile(`(?m)^\s*Project\("[^"]*"\)\s*=\s*"[^"]*"\s*,\s*"([^"]+)"`)

func parseSln(raw []byte) []string {
	found := slnProject.FindAllSubmatch(raw, -1)
	projects := make([]string, 0, len(found))
	for _, m := range found {
		projects = append(projects, string(m[1]))
	}
	return projects
}

// parseSlnx reads the XML format: Project elements with a Path, at any depth.
// https://learn.microsoft.com/visualstudio/ide/solutions-and-projects-in-visual-studio
func parseSlnx(raw []byte) []string {
	var projects []string
	decoder := xml.NewDecoder(strings.NewReader(string(raw)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return projects
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "Project" {
			continue
		}
		for _, attribute := range element.Attr {
			if attribute.Name.Local == "Path" {
				projects = append(projects, attribute.Value)
			}
		}
	}
}

// parseSlnf reads a filter: a JSON list of projects, relative to the solution.
// https://learn.microsoft.com/visualstudio/ide/filtered-solutions
func parseSlnf(raw []byte) (solution string, projects []string) {
	var filter struct {
		Solution struct {
			Path     string
			Projects []string
		}
	}
	if err := json.Unmarshal(raw, &filter); err != nil {
		return "", nil
	}
	return filter.Solution.Path, filter.Solution.Projects
}
