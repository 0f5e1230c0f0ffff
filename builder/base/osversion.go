package base

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CheckOSVersion refuses an Options.OSVersion that is neither empty nor a version
// of three or four numbers.
func CheckOSVersion(v string) error {
	if v == "" {
		return nil
	}
	if n := numbers(v); len(n) != 3 && len(n) != 4 {
		return fmt.Errorf("--os-version %q is no Windows version: give a build such as 10.0.20348, or a full version such as 10.0.20348.4171", v)
	}
	return nil
}

// matches says whether an image of version have satisfies the request want, of
// three or four parts.
func matches(have, want string) bool {
	h, w := numbers(have), numbers(want)
	return h != nil && len(w) > 0 && len(h) >= len(w) && slices.Equal(h[:len(w)], w)
}

// build returns the part of an os.version that decides on which hosts an image
// runs: its first three numbers. What is no version is a build of its own.
func build(v string) string {
	if n := numbers(v); len(n) >= 3 {
		return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2])
	}
	return v
}

// compareVersions orders versions by their numbers; what is no version comes
// first.
func compareVersions(a, b string) int {
	if c := slices.Compare(numbers(a), numbers(b)); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}

// numbers returns the dot-separated numbers of v, or nil when v holds anything
// else.
func numbers(v string) []uint64 {
	var n []uint64
	for part := range strings.SplitSeq(v, ".") {
		i, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return nil
		}
		n = append(n, i)
	}
	return n
}
