package winver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// TestHostRule is the whole table of which host runs which image: p with process
// isolation, h with Hyper-V alone, - not at all; upper case with a remark. The
// builds of a row are those of ltsc2016, ltsc2019, 20H2, ltsc2022, 23H2, ltsc2025
// and a later one.
func TestHostRule(t *testing.T) {
	t.Parallel()
	images := []uint32{14393, 17763, 19042, 20348, 25398, 26100, 30000}
	for _, c := range []struct {
		build uint32
		want  string
	}{
		{14393, "P------"},
		{17763, "hp-----"},
		{19041, "hh-----"},
		{19042, "hhp----"},
		{19043, "hhh----"},
		{19044, "hhh----"},
		{19045, "hhh----"},
		{20348, "hhhp---"},
		{22000, "hhhp---"},
		{22621, "hhhp---"},
		{22631, "hhhp---"},
		{25398, "HHHpp--"},
		{26100, "hhhppP-"},
		{26200, "hhhPPP-"},
	} {
		host := winver.Host{Build: c.build}
		for i, image := range images {
			isolation, remark := host.Run(winver.Version{Major: 10, Build: image, Revision: 4171})
			if got := letter(isolation, remark); got != c.want[i:i+1] {
				t.Errorf("host %d, image %d: %s, want %s (%s)", c.build, image, got, c.want[i:i+1], remark)
			}
		}
	}
}

func letter(i winver.Isolation, remark string) string {
	s := map[winver.Isolation]string{winver.None: "-", winver.HyperV: "h", winver.Process: "p"}[i]
	if remark != "" {
		return strings.ToUpper(s)
	}
	return s
}

// TestRemarks: each names what it is about.
func TestRemarks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, image uint32
		want        string
	}{
		{26200, 20348, "moby/moby/issues/53397"},
		{26200, 26100, "hcsshim/issues/2566"},
		{26100, 26100, "0xc0370106"},
		{14393, 14393, "revisions"},
		{25398, 17763, "ltsc2022"},
	} {
		_, remark := winver.Host{Build: c.host}.Run(winver.Version{Major: 10, Build: c.image})
		if !strings.Contains(remark, c.want) {
			t.Errorf("host %d, image %d: %q, want %q in it", c.host, c.image, remark, c.want)
		}
	}
}

// TestHosts shows the rows that users see for each long-term release, by name.
func TestHosts(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"ltsc2016": "hHhhPhhhhh",
		"ltsc2019": "hHhp-hhhhh",
		"ltsc2022": "ppp--Pppp-",
		"ltsc2025": "P----PP---",
	} {
		r, ok := winver.Named(release)
		if !ok {
			t.Fatalf("no release %s", release)
		}
		var got strings.Builder
		var seen []string
		for _, h := range winver.Hosts() {
			isolation, remark := h.Run(winver.Version{Major: 10, Build: r.Build, Revision: 1})
			got.WriteString(letter(isolation, remark))
			seen = append(seen, fmt.Sprintf("%s %d", h.Name, h.Build))
			if h.Client != strings.HasPrefix(h.Name, "Windows 1") {
				t.Errorf("%s: client = %v", h.Name, h.Client)
			}
		}
		// Windows 11 24H2 has the build of Windows Server 2025, and its remark.
		if got.String() != want {
			t.Errorf("%s: %s, want %s on %q", release, got.String(), want, seen)
		}
	}
}

func TestOtherWindows(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"6.3.9600.1", "11.0.20348.1", "10.1.20348.1", "0.0.0.0"} {
		if isolation, remark := (winver.Host{Build: 26100}).Run(parse(t, v)); isolation != winver.None || remark != "" {
			t.Errorf("%s: %s %s", v, isolation, remark)
		}
		if r, ok := winver.OfVersion(parse(t, v)); ok {
			t.Errorf("%s is %s", v, r.Name)
		}
	}
}

// TestShortNames: each host has a name of its own that leads back to it.
func TestShortNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, h := range winver.Hosts() {
		found, ok := winver.HostNamed(h.Short())
		if !ok || found != h {
			t.Errorf("%s leads to %+v, want %+v", h.Short(), found, h)
		}
		names = append(names, h.Short())
	}
	const want = "ltsc2025 23H2 ltsc2022 ltsc2019 ltsc2016 windows-11-25H2 windows-11-24H2 windows-11-23H2 windows-11-22H2 windows-10-22H2"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names %s, want %s", got, want)
	}
	for _, none := range []string{"", "Windows Server 2022", "LTSC2022", "1709", "10.0.20348"} {
		if h, ok := winver.HostNamed(none); ok {
			t.Errorf("%q leads to %+v", none, h)
		}
	}
}
