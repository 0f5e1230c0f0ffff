package winver

import (
	"strconv"
	"strings"
)

// DotNet is a release of .NET, such as 8.0.
type DotNet struct {
	Name    string // such as "8.0"
	Support Support
}

// DotNets returns the releases of .NET, the oldest first. Their last days are
// those of
// https://github.com/dotnet/core/blob/main/release-notes/releases-index.json
// (eol-date) and https://dotnet.microsoft.com/platform/support/policy/dotnet-core.
func DotNets() []DotNet {
	return []DotNet{
		{"1.0", Support{End: day(2019, 6, 27)}},
		{"1.1", Support{End: day(2019, 6, 27)}},
		{"2.0", Support{End: day(2018, 10, 1)}},
		{"2.1", Support{End: day(2021, 8, 21)}},
		{"2.2", Support{End: day(2019, 12, 23)}},
		{"3.0", Support{End: day(2020, 3, 3)}},
		{"3.1", Support{End: day(2022, 12, 13)}},
		{"5.0", Support{End: day(2022, 5, 10)}},
		{"6.0", Support{End: day(2024, 11, 12)}},
		{"7.0", Support{End: day(2024, 5, 14)}},
		{"8.0", Support{End: day(2026, 11, 10)}},
		{"9.0", Support{End: day(2026, 11, 10)}},
		{"10.0", Support{End: day(2028, 11, 14)}},
		{"11.0", Support{End: day(2028, 11, 9)}},
	}
}

// OfDotNet returns the release of a version such as "8.0.31" or of a target
// framework such as "net8.0-windows" or "netcoreapp3.1"; false when it is in no
// release of the table.
func OfDotNet(version string) (DotNet, bool) {
	name := dotNetName(version)
	for _, r := range DotNets() {
		if r.Name == name {
			return r, true
		}
	}
	return DotNet{}, false
}

// dotNetName returns the major and minor number, or "" for what is neither
// version nor target framework of .NET: net48 has no dot.
func dotNetName(version string) string {
	v, _, _ := strings.Cut(strings.ToLower(version), "-")
	v = strings.TrimPrefix(strings.TrimPrefix(v, "netcoreapp"), "net")
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.ParseUint(major, 10, 16)
	b, errB := strconv.ParseUint(minor, 10, 16)
	if errA != nil || errB != nil {
		return ""
	}
	return strconv.FormatUint(a, 10) + "." + strconv.FormatUint(b, 10)
}
