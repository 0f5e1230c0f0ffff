package winver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// TestReleases: names lead to builds and builds to names, and the table is in
// order.
func TestReleases(t *testing.T) {
	t.Parallel()
	all := winver.Releases()
	if !slices.IsSortedFunc(all, func(a, b winver.Release) int { return int(a.Build) - int(b.Build) }) {
		t.Error("the releases are not in the order of their builds")
	}
	for _, r := range all {
		named, ok := winver.Named(r.Name)
		if built, found := winver.OfBuild(named.Build); !ok || !found || built.Name != r.Name || built.Build != r.Build {
			t.Errorf("%s: named %+v, built %+v", r.Name, named, built)
		}
		if s := r.Support; s.End.IsZero() || s.Mainstream.After(s.End) || (r.Channel == winver.SemiAnnual) != s.Mainstream.IsZero() {
			t.Errorf("%s: support %+v", r.Name, s)
		}
		if (r.Channel == winver.LongTerm) != strings.HasPrefix(r.Name, "ltsc") {
			t.Errorf("%s: channel %s", r.Name, r.Channel)
		}
	}
	for name, want := range map[string]uint32{
		"ltsc2016": 14393, "sac2016": 14393, "1607": 14393, "1709": 16299, "1803": 17134,
		"ltsc2019": 17763, "1809": 17763, "1903": 18362, "1909": 18363, "2004": 19041, "20H2": 19042, "20h2": 19042,
		"ltsc2022": 20348, "LTSC2022": 20348, "23H2": 25398, "ltsc2025": 26100,
		"": 0, "2022": 0, "ltsc": 0, "ltsc2022-amd64": 0, "10.0.20348": 0,
	} {
		r, ok := winver.Named(name)
		if ok != (want != 0) || r.Build != want {
			t.Errorf("Named(%q) = %d, %v; want %d", name, r.Build, ok, want)
		}
	}
	for _, build := range []uint32{0, 20347, 22621, 26200} {
		if r, ok := winver.OfBuild(build); ok {
			t.Errorf("build %d is %s", build, r.Name)
		}
	}
	if r, ok := winver.OfVersion(winver.Version{Major: 10, Build: 17763, Revision: 5}); !ok || r.Title != "Windows Server 2019" {
		t.Errorf("10.0.17763.5 is %+v", r)
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	windows := func(name string) winver.Support {
		r, ok := winver.Named(name)
		if !ok {
			t.Fatalf("no release %s", name)
		}
		return r.Support
	}
	dotnet := func(version string) winver.Support {
		r, ok := winver.OfDotNet(version)
		if !ok {
			t.Fatalf("no .NET %s", version)
		}
		return r.Support
	}
	for _, c := range []struct {
		support winver.Support
		now     string
		want    winver.Phase
	}{
		{windows("ltsc2016"), "2027-01-12T23:59:59Z", winver.Extended},
		{windows("ltsc2016"), "2027-01-13T00:00:00Z", winver.Ended},
		{windows("ltsc2019"), "2024-01-09T12:00:00Z", winver.Supported},
		{windows("ltsc2019"), "2024-01-10T00:00:00Z", winver.Extended},
		{windows("ltsc2019"), "2029-01-10T00:00:00Z", winver.Ended},
		{windows("20H2"), "2022-08-09T12:00:00Z", winver.Supported},
		{windows("20H2"), "2022-08-10T12:00:00Z", winver.Ended},
		{windows("ltsc2022"), "2026-10-13T23:59:59Z", winver.Supported},
		{windows("ltsc2022"), "2026-11-26T12:00:00Z", winver.Extended},
		{windows("ltsc2022"), "2031-10-14T12:00:00Z", winver.Extended},
		{windows("ltsc2022"), "2031-10-15T00:00:00Z", winver.Ended},
		{windows("23H2"), "2025-10-25T00:00:00Z", winver.Ended},
		{windows("ltsc2025"), "2029-10-09T12:00:00Z", winver.Supported},
		{windows("ltsc2025"), "2034-10-10T12:00:00Z", winver.Extended},
		{dotnet("8.0.31"), "2026-11-10T23:59:59Z", winver.Supported},
		{dotnet("8.0.31"), "2026-11-11T00:00:00Z", winver.Ended},
		{dotnet("8.0.31"), "2026-11-10T23:00:00-02:00", winver.Ended},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.support.Phase(now); got != c.want {
			t.Errorf("support until %s is %s on %s, want %s", c.support.End.Format(time.DateOnly), got, c.now, c.want)
		}
	}
}

func TestDotNet(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"6.0.36": "6.0 2024-11-12", "net7.0": "7.0 2024-05-14", "8.0.30": "8.0 2026-11-10", "NET8.0-windows": "8.0 2026-11-10",
		"net9.0-windows10.0.19041": "9.0 2026-11-10", "10.0.12": "10.0 2028-11-14", "11.0.0-rc.1.25451.107": "11.0 2028-11-09",
		"netcoreapp3.1": "3.1 2022-12-13", "2.1.30": "2.1 2021-08-21", "08.00.1": "8.0 2026-11-10",
		"net12.0": "", "net48": "", "net6": "", "netstandard2.0": "", "8": "", "8.x": "", "-8.0": "", "": "", "x.y": "",
	} {
		got := ""
		if r, ok := winver.OfDotNet(version); ok {
			got = r.Name + " " + r.Support.End.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("OfDotNet(%q) = %q, want %q", version, got, want)
		}
	}
}
