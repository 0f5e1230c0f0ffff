package base

import (
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func candidates(platforms ...string) []candidate {
	var all []candidate
	for i, p := range platforms {
		target, version, _ := strings.Cut(p, " ")
		os, arch, _ := strings.Cut(target, "/")
		all = append(all, candidate{
			desc:     v1.Descriptor{Size: int64(i)},
			platform: v1.Platform{OS: os, Architecture: arch, OSVersion: version},
		})
	}
	return all
}

func TestPick(t *testing.T) {
	t.Parallel()
	const w = "windows/amd64 "
	three := []string{w + "10.0.17763.8", w + "10.0.20348.1", w + "10.0.26100.5"}
	for name, c := range map[string]struct {
		list      []string
		osVersion string
		want      int // index in list, or -1
		errors    []string
	}{
		"the only one":               {list: []string{"linux/amd64", w + "10.0.20348.1"}, want: 1},
		"newest of a build":          {list: []string{w + "10.0.20348.999", w + "10.0.20348.4171", w + "10.0.20348.5"}, want: 1},
		"numbers, not text":          {list: []string{w + "10.0.26100.4349", w + "10.0.26100.32995"}, want: 1},
		"first of equals":            {list: []string{w + "10.0.20348.1", w + "10.0.20348.1"}, want: 0},
		"by build":                   {list: three, osVersion: "10.0.20348", want: 1},
		"newest by build":            {list: append(three, w+"10.0.17763.10"), osVersion: "10.0.17763", want: 3},
		"by full version":            {list: append(three, w+"10.0.17763.10"), osVersion: "10.0.17763.8", want: 0},
		"no prefix of digits":        {list: []string{w + "10.0.203481.1"}, osVersion: "10.0.20348", want: -1, errors: []string{"10.0.203481.1"}},
		"leading zeros":              {list: three, osVersion: "10.0.020348", want: 1},
		"several builds":             {list: three, want: -1, errors: []string{"10.0.17763.8, 10.0.20348.1, 10.0.26100.5", "--os-version 10.0.26100", "--index"}},
		"no such build":              {list: three, osVersion: "10.0.14393", want: -1, errors: []string{"10.0.14393", "10.0.17763.8", "such as --os-version 10.0.26100"}},
		"no Windows":                 {list: []string{"linux/arm64", "linux/amd64"}, want: -1, errors: []string{"linux/amd64, linux/arm64"}},
		"only arm64":                 {list: []string{"windows/arm64 10.0.26100.1"}, want: -1, errors: []string{"windows/arm64 10.0.26100.1"}},
		"arm64 is not in the way":    {list: []string{"windows/arm64 10.0.26100.9", w + "10.0.20348.1"}, want: 1},
		"empty":                      {want: -1, errors: []string{"no images"}},
		"without version":            {list: []string{"windows/amd64"}, want: 0},
		"version and none":           {list: []string{"windows/amd64", w + "10.0.20348.1"}, want: -1, errors: []string{"without os.version", "10.0.20348.1", "such as --os-version 10.0.20348"}},
		"version asked, none there":  {list: []string{"windows/amd64"}, osVersion: "10.0.20348", want: -1, errors: []string{"without os.version", "leave --os-version out"}},
		"versions that are not such": {list: []string{w + "abc", w + "10.0.20348.1"}, want: -1, errors: []string{"abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pick(candidates(c.list...), wanted{osVersion: c.osVersion})
			if (err != nil) != (c.want < 0) {
				t.Fatalf("got %v, %v", got, err)
			}
			if err == nil && (len(got) != 1 || got[0].desc.Size != int64(c.want)) {
				t.Errorf("picked %v", got)
			}
			for _, part := range c.errors {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q lacks %q", err, part)
				}
			}
		})
	}
}

// TestPickAll: the newest of each build, the newest build first.
func TestPickAll(t *testing.T) {
	t.Parallel()
	const w = "windows/amd64 "
	for name, c := range map[string]struct {
		list      []string
		osVersion string
		want      string
	}{
		"three builds": {list: []string{w + "10.0.17763.8", w + "10.0.26100.5", w + "10.0.20348.1"}, want: "[1 2 0]"},
		"revisions":    {list: []string{w + "10.0.20348.9", w + "10.0.20348.2700", w + "10.0.17763.10"}, want: "[1 2]"},
		"with others":  {list: []string{"linux/amd64", w + "10.0.20348.1", "windows/arm64 10.0.26100.1"}, want: "[1]"},
		"one asked":    {list: []string{w + "10.0.17763.8", w + "10.0.20348.1"}, osVersion: "10.0.17763", want: "[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := pick(candidates(c.list...), wanted{osVersion: c.osVersion, all: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, one := range all {
				got = append(got, one.desc.Size)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("picked %v, want %s", got, c.want)
			}
		})
	}
}

func TestCheckOSVersion(t *testing.T) {
	t.Parallel()
	for v, ok := range map[string]bool{
		"": true, "10.0.20348": true, "10.0.20348.4171": true,
		"20348": false, "10.0": false, "ltsc2022": false, "10.0.20348.": false, "10.0.-1": false, "10.0.20348.1.2": false, "10.0.x": false,
	} {
		if err := CheckOSVersion(v); (err == nil) != ok {
			t.Errorf("CheckOSVersion(%q) = %v", v, err)
		}
	}
}
