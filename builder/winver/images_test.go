package winver_test

import (
	"testing"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// TestImagesOfDotNet is the whole table of Microsoft's images for Windows.
func TestImagesOfDotNet(t *testing.T) {
	t.Parallel()
	const none = ""
	for version, want := range map[string][3][2]string{ // ltsc2019, ltsc2022, ltsc2025; Nano Server, Server Core
		"7.0":  {},
		"8.0":  {{"8.0-nanoserver-1809", "8.0-windowsservercore-ltsc2019"}, {"8.0-nanoserver-ltsc2022", "8.0-windowsservercore-ltsc2022"}, {"8.0-nanoserver-ltsc2025", "8.0-windowsservercore-ltsc2025"}},
		"9.0":  {{"9.0-nanoserver-1809", "9.0-windowsservercore-ltsc2019"}, {"9.0-nanoserver-ltsc2022", "9.0-windowsservercore-ltsc2022"}, {"9.0-nanoserver-ltsc2025", "9.0-windowsservercore-ltsc2025"}},
		"10.0": {{none, none}, {"10.0-nanoserver-ltsc2022", "10.0-windowsservercore-ltsc2022"}, {"10.0-nanoserver-ltsc2025", "10.0-windowsservercore-ltsc2025"}},
		"11.0": {{none, none}, {none, none}, {"11.0-nanoserver-ltsc2025", "11.0-windowsservercore-ltsc2025"}},
	} {
		d, ok := winver.OfDotNet(version)
		if !ok {
			t.Fatalf("no .NET %s", version)
		}
		on := 0
		for i, name := range []string{"ltsc2019", "ltsc2022", "ltsc2025"} {
			r, ok := winver.Named(name)
			if !ok {
				t.Fatalf("no release %s", name)
			}
			for j, e := range []winver.Edition{winver.NanoServer, winver.ServerCore} {
				if tag, ok := d.Tag(e, r); tag != want[i][j] || ok != (tag != none) {
					t.Errorf(".NET %s on %s %s: %q, %v; want %q", version, e, name, tag, ok, want[i][j])
				}
			}
			if tag, ok := d.Tag("windows", r); ok {
				t.Errorf(".NET %s on another edition: %q", version, tag)
			}
			if want[i][0] != none {
				on++
			}
		}
		if got := d.Windows(); len(got) != on {
			t.Errorf(".NET %s is on %v", version, got)
		}
	}
	if got := (winver.DotNet{Name: "12.0"}).Windows(); len(got) > 0 {
		t.Errorf("an unknown .NET is on %v", got)
	}
}
