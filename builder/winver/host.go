package winver

import (
	"slices"
	"strings"
)

// Host is a version of Windows that runs containers.
type Host struct {
	Name   string // such as "Windows Server 2022"
	Build  uint32
	Client bool // Windows 10 or 11
}

// Builds of Windows 10 and 11:
// https://learn.microsoft.com/windows/release-health/release-information
// https://learn.microsoft.com/windows/release-health/windows11-release-information
const (
	windows10Last = 19045
	windows11v22H = 22621
	windows11v23H = 22631
	windows11v24H = 26100
	windows11v25H = 26200
)

// Hosts returns the hosts that are worth a look: the servers first, then the
// clients, each with the newest first. All are of the architecture amd64.
func Hosts() []Host {
	return []Host{
		{"Windows Server 2025", ltsc2025, false},
		{"Windows Server, version 23H2", annual23H2, false},
		{"Windows Server 2022", ltsc2022, false},
		{"Windows Server 2019", ltsc2019, false},
		{"Windows Server 2016", ltsc2016, false},
		{"Windows 11 25H2", windows11v25H, true},
		{"Windows 11 24H2", windows11v24H, true},
		{"Windows 11 23H2", windows11v23H, true},
		{"Windows 11 22H2", windows11v22H, true},
		{"Windows 10 22H2", windows10Last, true},
	}
}

// Short returns the name of a host without spaces: that of its release for a server,
// such as "ltsc2022", and for a client one such as "windows-11-24H2".
func (h Host) Short() string {
	if r, ok := OfBuild(h.Build); ok && !h.Client {
		return r.Name
	}
	return strings.ReplaceAll(strings.Replace(h.Name, "Windows", "windows", 1), " ", "-")
}

// HostNamed returns the host with a short name; false where there is none.
func HostNamed(short string) (Host, bool) {
	all := Hosts()
	if i := slices.IndexFunc(all, func(h Host) bool { return h.Short() == short }); i >= 0 {
		return all[i], true
	}
	return Host{}, false
}

// Isolation is how a host can run an image.
type Isolation string

// The ways. What runs in a process runs in a virtual machine too.
const (
	None    Isolation = "none"    // not at all
	HyperV  Isolation = "hyperv"  // in a small virtual machine, on hosts with the Hyper-V role
	Process Isolation = "process" // on the host's own kernel
)

// Run returns how the host runs an image of a version, and a remark, which may
// be empty, on what the user has to see to. The revision of the image does not
// matter.
func (h Host) Run(image Version) (Isolation, string) {
	switch {
	case !isTen(image) || image.Build > h.Build:
		return None, ""
	case sharesKernel(h.Build, image.Build, floor(h.Build)):
		return Process, h.remark(image.Build)
	case h.Build == annual23H2:
		// Said on the page on portability.
		return HyperV, "Microsoft supports images of ltsc2022 alone on this host"
	}
	return HyperV, ""
}

// stable returns the long-term releases whose images newer hosts run too, the
// oldest first: since 2022 the border between kernel and user mode is stable.
// https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/portability
func stable() []uint32 { return []uint32{ltsc2022, ltsc2025} }

// sharesKernel says whether a host runs an image with process isolation. Hosts
// before 2022 run their own build alone, the others all from a lowest one up to
// their own.
//
//   - https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility
//   - https://github.com/containerd/platforms/blob/v1.0.0-rc.5/platform_windows_compat.go
func sharesKernel(host, image, lowest uint32) bool {
	if host < ltsc2022 {
		return host == image
	}
	return lowest <= image && image <= host
}

// floor returns the lowest build that a host since 2022 runs: that of the
// long-term release before its own generation's.
// https://github.com/containerd/platforms/pull/34
func floor(host uint32) uint32 {
	all := stable()
	lowest := all[0]
	for i := 1; i < len(all) && all[i] <= host; i++ {
		lowest = all[i-1]
	}
	return lowest
}

// oldFloor is floor as engines had it before that change: of the newest
// long-term release that is older than the host.
// https://github.com/moby/moby/issues/53397
func oldFloor(host uint32) uint32 {
	all := stable()
	lowest := all[0]
	for _, build := range all {
		if build < host {
			lowest = build
		}
	}
	return lowest
}

// remark tells what else process isolation asks for.
func (h Host) remark(image uint32) string {
	switch {
	case !sharesKernel(h.Build, image, oldFloor(h.Build)):
		return "some engines refuse it, such as Docker 29.6.2: https://github.com/moby/moby/issues/53397"
	case h.Build == windows11v25H && image == ltsc2025:
		return "error 0xc0370112 was reported: https://github.com/microsoft/hcsshim/issues/2566"
	case h.Build == ltsc2016:
		// Said on the page on version compatibility.
		return "the revisions of host and image must be the same"
	case h.Build == ltsc2025 && image == ltsc2025:
		// https://github.com/actions/runner-images/issues/11582
		return "error 0xc0370106 was seen where the host had older patches than the image"
	}
	return ""
}
