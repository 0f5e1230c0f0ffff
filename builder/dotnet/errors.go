package dotnet

import (
	"fmt"
	"strings"
)

// Refusal says why the input cannot become an image, before anything was built.
type Refusal struct {
	Reason string // one sentence, without a full stop
	Remedy string // what to do instead; may have several lines
}

func (r *Refusal) Error() string { return withRemedy(r.Reason, r.Remedy) }

func refuse(remedy, format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Failure says that dotnet is missing, could not be started, or failed.
type Failure struct {
	Action      string       // what was being done, such as "dotnet publish Web.csproj"
	Reason      string       // what went wrong, such as "exit code 1"
	ExitCode    int          // of dotnet; -1 when it did not run or was killed
	Diagnostics []Diagnostic // its errors, the most telling first
	Reported    bool         // they were handed to Request.Diagnostics while it ran
	Remedy      string       // what to do; "" when there is no better advice than the errors
	Err         error        // the cause, if there is one
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

const shownErrors = 5 // a failed build may have thousands

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Action, f.Reason)
	if f.Reported && len(f.Diagnostics) <= shownErrors {
		if len(f.Diagnostics) > 0 {
			b.WriteString(", see the errors above")
		}
		return withRemedy(b.String(), f.Remedy) // they are the last thing on the screen
	}
	for i, d := range f.Diagnostics {
		if i == shownErrors {
			fmt.Fprintf(&b, "\n  … and %d more", len(f.Diagnostics)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s", d)
	}
	return withRemedy(b.String(), f.Remedy)
}

func withRemedy(message, remedy string) string {
	if remedy == "" {
		return message
	}
	if strings.Contains(message, "\n") || strings.Contains(remedy, "\n") {
		return message + "\n" + remedy
	}
	return message + "; " + remedy
}
