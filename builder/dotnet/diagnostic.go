package dotnet

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Diagnostic is one error or warning of a build.
type Diagnostic struct {
	File         string // relative to the working directory where it lies below; "" or a tool's name when no file is named
	Line, Column int    // from 1; 0 when unknown
	Severity     string // "error" or "warning"
	Code         string // such as "CS0029"; "" when there is none
	Message      string
	Project      string // the project it belongs to; "" when that is the published one
}

// String returns the diagnostic as MSBuild would write it.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.File != "" {
		b.WriteString(d.File)
		switch {
		case d.Line > 0 && d.Column > 0:
			fmt.Fprintf(&b, "(%d,%d)", d.Line, d.Column)
		case d.Line > 0:
			fmt.Fprintf(&b, "(%d)", d.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(d.Severity)
	if d.Code != "" {
		b.WriteString(" " + d.Code)
	}
	b.WriteString(": " + d.Message)
	if d.Project != "" {
		fmt.Fprintf(&b, " [%s]", d.Project)
	}
	return b.String()
}

// The escapes of GitHub's workflow commands, for their data and their properties:
// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// GitHub returns the diagnostic as a workflow command of GitHub Actions, which
// shows it beside the source line.
func (d Diagnostic) GitHub() string {
	var properties []string
	add := func(name, value string) {
		if value != "" {
			properties = append(properties, name+"="+commandProperty.Replace(value))
		}
	}
	if d.hasFile() {
		add("file", filepath.ToSlash(d.File))
		if d.Line > 0 {
			add("line", strconv.Itoa(d.Line))
		}
		if d.Column > 0 {
			add("col", strconv.Itoa(d.Column))
		}
	}
	add("title", d.Code)
	command := "::" + d.Severity
	if len(properties) > 0 {
		command += " " + strings.Join(properties, ",")
	}
	return command + "::" + commandData.Replace(d.Message)
}

// hasFile tells a file from the name of a tool, such as CSC or MSBUILD.
func (d Diagnostic) hasFile() bool {
	return d.File != "" && (d.Line > 0 || strings.ContainsAny(d.File, `./\`))
}

// The canonical format of MSBuild's messages:
// https://learn.microsoft.com/visualstudio/msbuild/msbuild-diagnostic-format-for-tasks
// origin(line,column): subcategory error CODE: text [project::TargetFramework=net10.0]
var diagnosticLine = regexp.MustCompile(`^(?:(.*?)(?:\((\d+)(?:,(\d+))?[^)]*\))?\s*:\s*)?` +
	`(?:([A-Za-z][A-Za-z ]*?)\s+)?(error|warning)(?:\s+([A-Z]+\d+))?\s*:\s?(.*?)(?:\s+\[([^\[\]]*proj)(?:::[^\[\]]*)?\])?$`)

// parseDiagnostic reads one line of a build's output. Names are as dotnet wrote
// them; see locate.
func parseDiagnostic(line string) (Diagnostic, bool) {
	m := diagnosticLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return Diagnostic{}, false
	}
	d := Diagnostic{
		File: m[1], Line: number(m[2]), Column: number(m[3]),
		Severity: m[5], Code: m[6], Message: strings.TrimSpace(m[7]), Project: m[8],
	}
	if m[4] != "" {
		d.Message = m[4] + ": " + d.Message
	}
	return d, true
}

// number reads a line or column; 0 for what is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// locate makes file names relative to workDir and drops the project where it is
// the published one.
func (d Diagnostic) locate(workDir, project string) Diagnostic {
	if strings.HasPrefix(d.Code, "NETSDK") && d.Project != "" && below(workDir, d.File) == d.File {
		// The place in the SDK where it is noticed says nothing about the cause.
		d.File, d.Line, d.Column = d.Project, 0, 0
	}
	if d.Project == project {
		d.Project = ""
	}
	d.File, d.Project = below(workDir, d.File), below(workDir, d.Project)
	return d
}

// below returns an absolute path relative to dir where it lies in it.
func below(dir, path string) string {
	if dir == "" || !filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}
