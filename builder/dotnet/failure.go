package dotnet

import (
	"fmt"
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
	f := &Failure{Action: p.action(), ExitCode: code, Reason: fmt.Sprintf("exit code %d", code)}
	f.Diagnostics, f.Remedy = explain(out.errors, out.tail)
	if len(f.Diagnostics) == 0 && len(out.tail) > 0 {
		f.Reason += "\n  " + strings.Join(out.tail, "\n  ")
	}
	return f
}
