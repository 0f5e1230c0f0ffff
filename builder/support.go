package builder

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// releaseOf returns the major and minor number of a target framework or version.
func releaseOf(version string) (major, minor int, ok bool) {
	v := strings.ToLower(version)
	v, _, _ = strings.Cut(v, "-")
	v = strings.TrimPrefix(strings.TrimPrefix(v, "netcoreapp"), "net")
	first, rest, dot := strings.Cut(v, ".")
	if !dot {
		return 0, 0, false // such as net48 and net6: never a version of .NET
	}
	second, _, _ := strings.Cut(rest, ".")
	major, errMajor := strconv.Atoi(first)
	minor, errMinor := strconv.Atoi(second)
	return major, minor, errMajor == nil && errMinor == nil && major > 0 && minor >= 0
}

// SupportWarning returns a warning when the application's .NET release has no
// support any more at now, else "".
func SupportWarning(app *dotnet.Result, now time.Time) string {
	r, known := winver.OfDotNet(app.Runtime.Version())
	if !known || r.Support.Phase(now) != winver.Ended {
		return ""
	}
	return fmt.Sprintf("%s runs on .NET %s, which has had no support and no security fixes since %s. Move it to a supported release (https://dotnet.microsoft.com/platform/support/policy).",
		app.Name, r.Name, r.Support.End.Format(time.DateOnly))
}
