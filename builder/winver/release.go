package winver

import (
	"slices"
	"strings"
	"time"
)

// Channel is how long a release of Windows Server lives.
type Channel string

// The channels:
// https://learn.microsoft.com/windows-server/get-started/servicing-channels-comparison
const (
	LongTerm   Channel = "ltsc"
	SemiAnnual Channel = "sac"
	Annual     Channel = "annual" // hosts only: it has no container images
)

// Builds that the rules speak of.
const (
	ltsc2016   = 14393
	ltsc2019   = 17763
	ltsc2022   = 20348
	annual23H2 = 25398
	ltsc2025   = 26100
)

// Release is a release of Windows Server since containers exist.
type Release struct {
	Name    string // the tag of Microsoft's base images, such as "ltsc2022"
	Title   string // such as "Windows Server 2022"
	Build   uint32 // the third number of its versions
	Channel Channel
	// Support is that of Server Core's images, and of Nano Server's but for one:
	// Nano Server of 2016 ended on 2018-10-09.
	Support Support
	aliases []string
}

// Releases returns all releases, the oldest first. Sources of builds and dates:
//
//   - https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/base-image-lifecycle
//   - https://learn.microsoft.com/windows/release-health/windows-server-release-info
//   - https://learn.microsoft.com/lifecycle/products/windows-server-2016 (its last day is a
//     day later than on the first page, which yields to this one)
//   - https://learn.microsoft.com/lifecycle/products/windows-server-annual-channel
func Releases() []Release {
	both := func(mainstream, end time.Time) Support { return Support{Mainstream: mainstream, End: end} }
	until := func(end time.Time) Support { return Support{End: end} }
	return []Release{
		{"ltsc2016", "Windows Server 2016", ltsc2016, LongTerm, both(day(2022, 1, 11), day(2027, 1, 12)), []string{"1607", "sac2016"}},
		{"1709", "Windows Server, version 1709", 16299, SemiAnnual, until(day(2019, 4, 9)), nil},
		{"1803", "Windows Server, version 1803", 17134, SemiAnnual, until(day(2019, 11, 12)), nil},
		{"ltsc2019", "Windows Server 2019", ltsc2019, LongTerm, both(day(2024, 1, 9), day(2029, 1, 9)), []string{"1809"}},
		{"1903", "Windows Server, version 1903", 18362, SemiAnnual, until(day(2020, 12, 8)), nil},
		{"1909", "Windows Server, version 1909", 18363, SemiAnnual, until(day(2021, 5, 11)), nil},
		{"2004", "Windows Server, version 2004", 19041, SemiAnnual, until(day(2021, 12, 14)), nil},
		{"20H2", "Windows Server, version 20H2", 19042, SemiAnnual, until(day(2022, 8, 9)), nil},
		{"ltsc2022", "Windows Server 2022", ltsc2022, LongTerm, both(day(2026, 10, 13), day(2031, 10, 14)), nil},
		{"23H2", "Windows Server, version 23H2", annual23H2, Annual, both(day(2025, 4, 24), day(2025, 10, 24)), nil},
		{"ltsc2025", "Windows Server 2025", ltsc2025, LongTerm, both(day(2029, 10, 9), day(2034, 10, 10)), nil},
	}
}

// OfBuild returns the release with a build number. The result is false for
// builds that no release of Windows Server has, such as those of Windows 11.
func OfBuild(build uint32) (Release, bool) {
	return find(func(r Release) bool { return r.Build == build })
}

// OfVersion returns the release that v belongs to; false as for OfBuild, and
// for versions that do not begin with 10.0.
func OfVersion(v Version) (Release, bool) {
	return find(func(r Release) bool { return isTen(v) && r.Build == v.Build })
}

// Named returns the release with a name such as "ltsc2022", or with another tag
// that Microsoft's images of it have or had, such as "1809" for ltsc2019. Case
// does not matter.
func Named(name string) (Release, bool) {
	return find(func(r Release) bool {
		return slices.ContainsFunc(append(r.aliases, r.Name), func(n string) bool { return strings.EqualFold(n, name) })
	})
}

func find(wanted func(Release) bool) (Release, bool) {
	all := Releases()
	if i := slices.IndexFunc(all, wanted); i >= 0 {
		return all[i], true
	}
	return Release{}, false
}

// isTen says whether v is one of Windows 10 and later, which all are 10.0.
func isTen(v Version) bool { return v.Major == 10 && v.Minor == 0 }
