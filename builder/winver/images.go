package winver

import "slices"

// Edition is a kind of Windows that containers are made of, by the name of
// Microsoft's image.
type Edition string

// The editions.
const (
	NanoServer Edition = "nanoserver"
	ServerCore Edition = "servercore"
)

// Windows returns the releases of Windows, the oldest first, on which Microsoft
// publishes images of a release of .NET (dotnet/runtime and dotnet/aspnet); none
// for a .NET that is out of the table. The tags are those of
// https://github.com/dotnet/dotnet-docker/blob/main/README.runtime.md and
// https://github.com/dotnet/dotnet-docker/blob/main/README.aspnet.md, and each
// release has the same Windows in both editions.
func (d DotNet) Windows() []Release {
	var builds []uint32
	switch d.Name {
	case "8.0", "9.0":
		builds = []uint32{ltsc2019, ltsc2022, ltsc2025}
	case "10.0":
		builds = []uint32{ltsc2022, ltsc2025}
	case "11.0":
		builds = []uint32{ltsc2025}
	}
	return slices.DeleteFunc(Releases(), func(r Release) bool { return !slices.Contains(builds, r.Build) })
}

// Tag returns the tag of Microsoft's images of a release of .NET on a Windows,
// such as "10.0-nanoserver-ltsc2022"; false when there is none.
func (d DotNet) Tag(e Edition, windows Release) (string, bool) {
	if !slices.ContainsFunc(d.Windows(), func(r Release) bool { return r.Build == windows.Build }) {
		return "", false
	}
	switch e {
	case NanoServer:
		// Nano Server keeps the name of the semi-annual release in these tags.
		if windows.Build == ltsc2019 {
			return d.Name + "-nanoserver-1809", true
		}
		return d.Name + "-nanoserver-" + windows.Name, true
	case ServerCore:
		return d.Name + "-windowsservercore-" + windows.Name, true
	}
	return "", false
}
