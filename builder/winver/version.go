package winver

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of Windows as an image's os.version has it, such as
// 10.0.20348.4171.
type Version struct {
	Major, Minor uint32
	Build        uint32 // of a release: it decides which hosts run an image
	Revision     uint32 // grows with each month's patches
}

// Parse reads a version of four decimal numbers. It fails on anything else, and
// on numbers beyond 32 bits.
func Parse(s string) (Version, error) {
	p, err := ParsePrefix(s)
	if err != nil || !p.Full {
		return Version{}, fmt.Errorf("%q is no full Windows version: it has four numbers, such as 10.0.20348.4171", clip(s))
	}
	return p.Version, nil
}

// String writes v as its four numbers.
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", v.Major, v.Minor, v.Build, v.Revision)
}

// Compare returns -1, 0 or 1 as v is older than w, the same or newer: by the
// numbers, so that 10.0.20348.9 comes before 10.0.20348.2700.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor),
		cmp.Compare(v.Build, w.Build), cmp.Compare(v.Revision, w.Revision))
}

// SameBuild says whether v and w differ in nothing but their patches.
func (v Version) SameBuild(w Version) bool {
	v.Revision, w.Revision = 0, 0
	return v == w
}

// Prefix is a version or the beginning of one: a build with any patches.
type Prefix struct {
	Version
	Full bool // the revision counts
}

// ParsePrefix reads a build such as 10.0.20348 or a full version such as
// 10.0.20348.4171. It fails on anything else, and on numbers beyond 32 bits.
func ParsePrefix(s string) (Prefix, error) {
	var numbers [4]uint32
	n := 0
	for part := range strings.SplitSeq(s, ".") {
		i, err := strconv.ParseUint(part, 10, 32)
		if err != nil || n == len(numbers) {
			n = 0
			break
		}
		numbers[n] = uint32(i)
		n++
	}
	if n < 3 {
		return Prefix{}, fmt.Errorf("%q is no Windows version: give a build such as 10.0.20348, or a full version such as 10.0.20348.4171", clip(s))
	}
	return Prefix{Version: Version{numbers[0], numbers[1], numbers[2], numbers[3]}, Full: n == 4}, nil
}

// String writes p as its three or four numbers.
func (p Prefix) String() string {
	if p.Full {
		return p.Version.String()
	}
	return fmt.Sprintf("%d.%d.%d", p.Major, p.Minor, p.Build)
}

// Matches says whether v is the version, or one of the build.
func (p Prefix) Matches(v Version) bool {
	if p.Full {
		return p.Version == v
	}
	return p.SameBuild(v)
}

// BuildOf returns the part of an os.version that decides on which hosts an image
// runs: its first three numbers. What is no version is a build of its own.
func BuildOf(osVersion string) string {
	p, err := ParsePrefix(osVersion)
	if err != nil {
		return osVersion
	}
	p.Full = false
	return p.String()
}

// Compare orders the os.versions of images, whatever their text is: what is no
// version comes first, in the order of its text, and a build comes before its
// patches. It returns 0 only for equal strings.
func Compare(a, b string) int {
	p, errA := ParsePrefix(a)
	q, errB := ParsePrefix(b)
	switch {
	case errA != nil && errB != nil:
		return cmp.Compare(a, b)
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	return cmp.Or(p.Compare(q.Version), compareFull(p, q), cmp.Compare(a, b))
}

func compareFull(p, q Prefix) int {
	switch {
	case p.Full == q.Full:
		return 0
	case q.Full:
		return -1
	}
	return 1
}

// longest is how many bytes of a text that is no version an error repeats.
const longest = 64

func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "…"
}
