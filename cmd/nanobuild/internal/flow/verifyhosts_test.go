//go:build !nosign

package flow

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

func TestHostedBy(t *testing.T) {
	t.Parallel()
	image := func(version string) *looked {
		return &looked{manifest: manifest{osVersion: version}, platforms: []v1.Platform{{OS: "windows", Architecture: "amd64", OSVersion: version}}}
	}
	listed := func(version string, platforms ...v1.Platform) *looked {
		return &looked{manifest: manifest{osVersion: version}, platforms: platforms}
	}
	entry := func(version, architecture string) v1.Platform {
		return v1.Platform{OS: "windows", Architecture: architecture, OSVersion: version}
	}
	for _, c := range []struct {
		host   string
		images []*looked
		want   string
	}{
		{"ltsc2022", []*looked{image("10.0.20348.1")}, "10.0.20348.1: Windows Server 2022 runs it in a process"},
		{"ltsc2022", []*looked{image("10.0.26100.1"), image("10.0.20348.1")}, "10.0.20348.1: Windows Server 2022 runs it in a process"},
		{"ltsc2025", []*looked{image("10.0.26100.1")}, "10.0.26100.1: Windows Server 2025 runs it in a process; error 0xc0370106"},
		{"windows-11-24H2", []*looked{image("10.0.20348.1")}, "10.0.20348.1: Windows 11 24H2 runs it in a process"},
		{"ltsc2025/hyperv", []*looked{image("10.0.17763.1")}, "10.0.17763.1: Windows Server 2025 runs it in Hyper-V's virtual machine"},
		{"ltsc2025", []*looked{image("10.0.17763.1")}, "Windows Server 2025 runs Windows 10.0.17763.1 in Hyper-V's virtual machine alone; publish for --base ltsc2025, or ask for --runs-on ltsc2025/hyperv"},
		{"ltsc2019/hyperv", []*looked{image("10.0.20348.1")}, "Windows Server 2019 does not run Windows 10.0.20348.1, which is newer; publish for --base ltsc2019"},
		{"ltsc2019", []*looked{image("10.0.20348.1"), image("")}, "Windows Server 2019 does not run Windows 10.0.20348.1, which is newer; publish for --base ltsc2019; the image has no os.version"},
		{"ltsc2022", []*looked{listed("10.0.20348.1", entry("10.0.26100.1", "amd64"))}, "hosts find an image as Windows 10.0.26100.1 in the index that is Windows 10.0.20348.1"},
		{"ltsc2025", []*looked{listed("10.0.20348.1", entry("10.0.26100.1", "amd64"))}, "hosts find an image as Windows 10.0.26100.1 in the index that is Windows 10.0.20348.1"},
		{"ltsc2022", []*looked{listed("10.0.20348.1", entry("", "amd64"))}, "the image has no os.version"},
		{"ltsc2022", []*looked{listed("10.0.20348.1", entry("10.0.20348.1", "arm64"))}, `hosts find an image for amd64 under the architecture "arm64"`},
		{"ltsc2022", []*looked{listed("10.0.20348.1", entry("10.0.26100.1", "amd64"), entry("10.0.20348.1", "amd64"))}, "10.0.20348.1: Windows Server 2022 runs it in a process"},
	} {
		host, err := policy.ParseHost(c.host)
		if err != nil {
			t.Fatal(err)
		}
		one, got, err := hostedBy(host, c.images)
		if err != nil {
			got = err.Error()
		} else {
			got = one.osVersion + ": " + got
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.host, got, c.want)
		}
	}
}
