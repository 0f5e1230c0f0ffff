package builder

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// ends returns the last day of support of each .NET release, as published in
// https://github.com/dotnet/core/blob/main/release-notes/releases-index.json
// (eol-date) and https://dotnet.microsoft.com/platform/support/policy/dotnet-core.
func ends() map[string]string {
	return map[string]string{
		"1.0":  "2019-06-27",
		"1.1":  "2019-06-27",
		"2.0":  "2018-10-01",
		"2.1":  "2021-08-21",
		"2.2":  "2019-12-23",
		"3.0":  "2020-03-03",
		"3.1":  "2022-12-13",
		"5.0":  "2022-05-10",
		"6.0":  "2024-11-12",
		"7.0":  "2024-05-14",
		"8.0":  "2026-11-10",
		"9.0":  "2026-11-10",
		"10.0": "2028-11-14",
		"11.0": "2028-11-09",
	}
}

// Supported returns the last day on which Microsoft supports a release of
// .NET, and whether that day is over at now. version is a target framework
// ("net8.0", "net8.0-windows", "netcoreapp3.1") or a version ("8.0.31"). known is
// false when the release is not in the table.
func Supported(version string, now time.Time) (end time.Time, ended, known bool) {
	major, minor, ok := releaseOf(version)
	if !ok {
		return time.Time{}, false, false
	}
	day, known := ends()[fmt.Sprintf("%d.%d", major, minor)]
	if !known {
		return time.Time{}, false, false
	}
	end, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, false, false
	}
	return end, !now.Before(end.AddDate(0, 0, 1)), true
}

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

// runtimeVersion returns the version of .NET that the application runs on, as
// far as it is known: of the framework, else of the target framework.
func runtimeVersion(r dotnet.Runtime) string {
	for _, f := range r.Frameworks {
		if f.Name == "Microsoft.NETCore.App" && f.Version != "" {
			return f.Version
		}
	}
	for _, f := range r.Frameworks {
		if strings.HasPrefix(f.Name, "Microsoft.") && f.Version != "" {
			return f.Version
		}
	}
	return r.TFM
}

// SupportWarning returns a warning when the application's .NET release has no
// support any more at now, else "".
func SupportWarning(app *dotnet.Result, now time.Time) string {
	v := runtimeVersion(app.Runtime)
	end, ended, known := Supported(v, now)
	if !known || !ended {
		return ""
	}
	major, minor, _ := releaseOf(v)
	return fmt.Sprintf("%s runs on .NET %d.%d, which has had no support and no security fixes since %s. Move it to a supported release (https://dotnet.microsoft.com/platform/support/policy).",
		app.Name, major, minor, end.Format(time.DateOnly))
}
