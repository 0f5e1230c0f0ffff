package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nanobuild/nanobuild/builder/winver"
)

var age = regexp.MustCompile(`^([0-9]{1,4})([hdw])$`)

// ParseAge reads a number of hours, days or weeks, such as 30d. It fails on anything
// else, and on more than four digits.
func ParseAge(s string) (time.Duration, error) {
	parts := age.FindStringSubmatch(s)
	if parts == nil {
		return 0, fmt.Errorf("%q is no time: give hours, days or weeks, such as 36h, 30d or 6w", clip(s))
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, fmt.Errorf("%q is no time: %w", clip(s), err)
	}
	unit := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	return time.Duration(n) * unit[parts[2]], nil
}

// hyperV is the suffix of hosts that may run an image in a virtual machine.
const hyperV = "/hyperv"

// Host is a host that must run an image.
type Host struct {
	winver.Host
	HyperV bool // in Hyper-V's virtual machine is enough
}

// ParseHost reads the short name of a host, such as ltsc2022; with /hyperv behind it,
// Hyper-V's virtual machine is enough.
func ParseHost(s string) (Host, error) {
	short, virtual := strings.CutSuffix(s, hyperV)
	if h, ok := winver.HostNamed(short); ok {
		return Host{h, virtual}, nil
	}
	var names []string
	for _, h := range winver.Hosts() {
		names = append(names, h.Short())
	}
	return Host{}, fmt.Errorf("%q is no host%s: use one of %s, with %s behind it where Hyper-V's virtual machine is enough",
		clip(s), suggestion(short, names), strings.Join(names, ", "), hyperV)
}

// suggestion is the name that is meant, as the end of a sentence; "" where none is near.
func suggestion(s string, names []string) string {
	if near := nearest(s, names); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}

// nearest returns the name that differs least from s, where a few letters do.
func nearest(s string, names []string) string {
	if len(s) > longest {
		return ""
	}
	best, least := "", min(3, len(s)/2)+1
	for _, n := range names {
		if d := distance(strings.ToLower(s), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance counts the bytes to insert, remove or replace to get from a to b
// (https://en.wikipedia.org/wiki/Levenshtein_distance).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
