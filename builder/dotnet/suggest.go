package dotnet

import (
	"encoding/xml"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

const (
	searchDepth     = 3    // folders below the one that was named
	searchEntries   = 5000 // a home folder given by mistake must not take seconds
	mostSuggestions = 12
)

// projectsBelow finds projects to suggest, programs first; only programs if
// there are any. Paths are relative to dir.
func projectsBelow(dir string) []string {
	var found []string
	seen := 0
	// What cannot be read is not suggested.
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a folder without permission is skipped
		}
		if seen++; seen > searchEntries {
			return fs.SkipAll
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if rel != "." && skipFolder(entry.Name()) || strings.Count(rel, string(filepath.Separator)) >= searchDepth {
				return fs.SkipDir
			}
			return nil
		}
		if slices.Contains(projectExtensions, strings.ToLower(filepath.Ext(name))) {
			found = append(found, rel)
		}
		return nil
	})
	return programsOf(dir, found)
}

func skipFolder(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "obj", "node_modules", "packages"}, name)
}

// programsOf keeps the projects that make a program, by their text alone; all of
// them if none seems to.
func programsOf(dir string, projects []string) []string {
	var programs []string
	for _, project := range projects {
		if looksLikeProgram(filepath.Join(dir, project)) {
			programs = append(programs, project)
		}
	}
	if len(programs) == 0 {
		programs = projects
	}
	if len(programs) > mostSuggestions {
		programs = programs[:mostSuggestions]
	}
	return programs
}

// projectText is what a project file says before any evaluation.
type projectText struct {
	SDK        string      `xml:"Sdk,attr"`
	Properties []projGroup `xml:"PropertyGroup"`
	Items      []projItems `xml:"ItemGroup"`
}

type projGroup struct {
	OutputType    []string `xml:"OutputType"`
	IsPublishable []string `xml:"IsPublishable"`
	IsTestProject []string `xml:"IsTestProject"`
}

type projItems struct {
	Packages []struct {
		Include string `xml:"Include,attr"`
	} `xml:"PackageReference"`
}

func looksLikeProgram(file string) bool {
	raw, err := readRegular(filepath.Dir(file), filepath.Base(file), largestProject)
	if err != nil {
		return false
	}
	var text projectText
	if err := xml.Unmarshal(trimBOM(raw), &text); err != nil {
		return false
	}
	sdk, _, _ := strings.Cut(text.SDK, "/")
	program := sdk == "Microsoft.NET.Sdk.Web" || sdk == "Microsoft.NET.Sdk.Worker"
	for _, group := range text.Properties {
		for _, kind := range group.OutputType {
			program = strings.EqualFold(kind, "Exe") || strings.EqualFold(kind, "WinExe")
		}
	}
	return program && !text.isNotForImages()
}

func (t projectText) isNotForImages() bool {
	for _, group := range t.Properties {
		if containsFold(group.IsPublishable, "false") || containsFold(group.IsTestProject, "true") {
			return true
		}
	}
	for _, group := range t.Items {
		for _, reference := range group.Packages {
			if strings.EqualFold(reference.Include, "Microsoft.NET.Test.Sdk") {
				return true
			}
		}
	}
	return false
}
