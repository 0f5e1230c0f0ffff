package dotnet

import (
	_ "embed" // for the targets file
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"
)

//go:embed refuse.targets
var refuseTargets string

// The codes of refuse.targets. MSBuild calls it after a project's own
// properties are known and before any target has run, so a refusal takes half a
// second and leaves no obj or bin folder:
// https://learn.microsoft.com/visualstudio/msbuild/customize-your-build
const (
	codeFrameworks   = "NANOBUILD1"
	codeNetFramework = "NANOBUILD2"
	codeOutputType   = "NANOBUILD3"
	codePublishable  = "NANOBUILD4"
	codeAOT          = "NANOBUILD5"

	ownCodes = "NANOBUILD"
)

// isOwnCode tells the codes of refuse.targets, which never reach the user.
func isOwnCode(code string) bool { return strings.HasPrefix(code, ownCodes) }

// writeTargets writes refuse.targets for one project. A file-based app has none:
// what MSBuild calls its project differs between SDKs (app.csproj, app.cs.csproj),
// so it is known by its folder.
func (p *plan) writeTargets() error {
	project, source, paths := p.target.File, "", ""
	if p.target.Kind == SourceFile {
		project, source = "", p.target.Dir
		if !p.req.InGit {
			paths = pathMap(p.target.Dir) + ","
		}
	}
	text := strings.NewReplacer(
		"@PROJECT@", literal(project), "@SOURCE@", literal(source),
		"@PATHMAP@", literal(paths), "@FRAMEWORK@", literal(p.framework),
	).Replace(refuseTargets)
	if err := os.WriteFile(p.targets, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the targets file for MSBuild: %w", err)
	}
	// MSBuild compiles anew when a file that a project imports is newer than what it
	// compiled (MSBuildAllProjects), and this one is new each time.
	longAgo := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(p.targets, longAgo, longAgo); err != nil {
		return fmt.Errorf("set the time of the targets file for MSBuild: %w", err)
	}
	return nil
}

// The characters with a meaning for MSBuild, and their escapes:
// https://learn.microsoft.com/visualstudio/msbuild/msbuild-special-characters
var msbuildSpecial = strings.NewReplacer("%", "%25", "$", "%24", "@", "%40", "'", "%27", ";", "%3B", "?", "%3F", "*", "%2A", "(", "%28", ")", "%29")

// literal makes a text that MSBuild takes literally in one of its files.
func literal(s string) string {
	var b strings.Builder
	// EscapeText fails only where its writer does, and a Builder never does.
	_ = xml.EscapeText(&b, []byte(msbuildSpecial.Replace(s)))
	return b.String()
}

// refusal turns an error of refuse.targets into its explanation. It returns nil
// when there is none among the errors.
func refusal(project string, errors []Diagnostic) *Refusal {
	for _, d := range errors {
		switch d.Code {
		case codeFrameworks:
			frameworks := splitList(d.Message)
			if len(frameworks) == 0 {
				continue
			}
			return refuse("choose one with -f, such as -f "+frameworks[len(frameworks)-1],
				"%s has several target frameworks (%s), an image has one", project, strings.Join(frameworks, ", "))
		case codeNetFramework:
			return refuse("move the project to .NET 8 or later (https://learn.microsoft.com/dotnet/core/porting/), or build its image on Windows with Docker",
				"%s is a .NET Framework project (%s): it can be built and run on Windows only", project, strings.TrimSpace(d.Message))
		case codeOutputType:
			return refuse("name the project of the program that uses it; if it is the program, set <OutputType>Exe</OutputType> in it",
				"%s is a library (its OutputType is %s): there is no program to start", project, orDefault(d.Message, "Library"))
		case codePublishable:
			return refuse("publish another project, or try -p IsPublishable=true",
				"%s says that it is not to be published (IsPublishable is false)", project)
		case codeAOT:
			return refuse("publish it with -p PublishAot=false",
				"%s asks for native compilation (PublishAot), which works for Windows on Windows only", project)
		}
	}
	return nil
}

// splitList splits a list of MSBuild at semicolons, without empty elements.
func splitList(s string) []string {
	var list []string
	for _, element := range strings.Split(s, ";") {
		if element = strings.TrimSpace(element); element != "" {
			list = append(list, element)
		}
	}
	return list
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
