package flow

import (
	"errors"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// WindowsOfImage is the Windows that an image is made of.
type WindowsOfImage struct {
	// Release is the name of the release, such as "ltsc2022", and Title
	// Microsoft's, such as "Windows Server 2022". Both and Support are missing for
	// builds that are no release of Windows Server.
	Release string          `json:"release,omitempty"`
	Title   string          `json:"title,omitempty"`
	Support *SupportOfImage `json:"support,omitempty"`
	Problem string          `json:"problem,omitempty"` // why the version tells nothing
}

// SupportOfImage is the support of something that an image holds. Days are the
// last ones with support, such as "2026-11-10".
type SupportOfImage struct {
	Phase         winver.Phase `json:"phase"`                   // today: supported, extended (security fixes only) or ended
	MainstreamEnd string       `json:"mainstreamEnd,omitempty"` // where support has two phases
	End           string       `json:"end"`
}

// HostOfImage is a version of Windows and how it runs an image.
type HostOfImage struct {
	Host      string           `json:"host"` // such as "Windows Server 2022"
	Build     uint32           `json:"build"`
	Isolation winver.Isolation `json:"isolation"`        // process (Hyper-V too then), hyperv or none
	Remark    string           `json:"remark,omitempty"` // what to see to there
}

// windowsOf tells of the Windows in an image and of the hosts that run it. Both
// are nil for images of other systems; hosts are known for amd64 only.
func windowsOf(p v1.Platform, now time.Time) (*WindowsOfImage, []HostOfImage) {
	if p.OS != "windows" {
		return nil, nil
	}
	version, err := versionOf(p)
	if err != nil {
		return &WindowsOfImage{Problem: err.Error()}, nil
	}
	found := &WindowsOfImage{}
	if release, ok := winver.OfVersion(version); ok {
		found.Release, found.Title, found.Support = release.Name, release.Title, supportAt(release.Support, now)
	}
	if p.Architecture != "amd64" {
		return found, nil
	}
	var hosts []HostOfImage
	for _, h := range winver.Hosts() {
		isolation, remark := h.Run(version)
		hosts = append(hosts, HostOfImage{Host: h.Name, Build: h.Build, Isolation: isolation, Remark: remark})
	}
	return found, hosts
}

func versionOf(p v1.Platform) (winver.Version, error) {
	if p.OSVersion == "" {
		return winver.Version{}, errors.New("the image has no os.version, so no engine checks it: only HostProcess pods can do with that")
	}
	prefix, err := winver.ParsePrefix(p.OSVersion)
	return prefix.Version, err
}

func supportAt(s winver.Support, now time.Time) *SupportOfImage {
	found := &SupportOfImage{Phase: s.Phase(now), End: s.End.Format(time.DateOnly)}
	if !s.Mainstream.IsZero() {
		found.MainstreamEnd = s.Mainstream.Format(time.DateOnly)
	}
	return found
}
