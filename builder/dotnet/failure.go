package dotnet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// singleFramework says that a project lists its one target framework as if it
// had several; the publish is repeated with it.
type singleFramework struct{ name string }

func (s *singleFramework) Error() string { return "the only target framework is " + s.name }

// failed explains a build that ended with an exit code.
func (p *plan) failed(code int, out *output) error {
	for _, d := range out.errors {
		if frameworks := splitList(d.Message); d.Code == codeFrameworks && len(frameworks) == 1 && p.framework == "" {
			return &singleFramework{name: frameworks[0]}
		}
	}
	if r := refusal(p.name(), out.errors); r != nil {
		return r
	}
	return p.failure(code, out)
}

func (p *plan) failure(code int, out *output) *Failure {
	if f := p.missingSDK(code, out.tail); f != nil {
		return f
	}
	f := &Failure{Action: p.action(), ExitCode: code, Reason: fmt.Sprintf("exit code %d", code), Reported: p.req.Diagnostics != nil}
	f.Diagnostics, f.Remedy = explain(out.errors, out.tail)
	if argument := valueOf(out.tail, "Switch:"); argument != "" {
		f.Reason += ", it does not take " + argument
	}
	if len(f.Diagnostics) == 0 && len(out.tail) > 0 {
		f.Reason += "\n  " + strings.Join(out.tail, "\n  ")
	}
	return f
}

// missingSDK recognises what the program dotnet says when it finds no SDK, or
// none that global.json allows.
func (p *plan) missingSDK(code int, tail []string) *Failure {
	f := &Failure{Action: p.action(), ExitCode: code}
	asked, file := valueOf(tail, "Requested SDK version:"), valueOf(tail, "global.json file:")
	switch {
	case asked != "" && file != "":
		f.Reason = fmt.Sprintf("the SDK %s that %s asks for is not installed", asked, below(p.req.WorkDir, file))
		f.Remedy = "install it, or relax rollForward in global.json (https://learn.microsoft.com/dotnet/core/tools/global-json)"
	case contains(tail, "No .NET SDKs were found"), contains(tail, "A compatible .NET SDK was not found"):
		f.Reason = "there is no .NET SDK beside the program dotnet, only a runtime"
		f.Remedy = "install the .NET SDK (https://dotnet.microsoft.com/download), or name another dotnet with --dotnet PATH"
	default:
		return nil
	}
	if installed := installedSDKs(tail); len(installed) > 0 {
		f.Reason += " (there is " + strings.Join(installed, ", ") + ")"
	}
	return f
}

// installedSDK is a line such as "10.0.401 [/usr/share/dotnet/sdk]".
var installedSDK = regexp.MustCompile(`^\s*(\d+\.\d+\.\d+\S*)\s+\[[^\]]+\]\s*$`)

func installedSDKs(tail []string) []string {
	var versions []string
	for _, line := range tail {
		if m := installedSDK.FindStringSubmatch(line); m != nil {
			versions = append(versions, m[1])
		}
	}
	return versions
}

// valueOf returns the rest of the first line that starts with a label.
func valueOf(lines []string, label string) string {
	for _, line := range lines {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), label); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func contains(lines []string, text string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) })
}
