package builder

import (
	"cmp"
	"strconv"
	"strings"
)

// policy is how much newer a framework may be than the version that an application
// asks for, named by the numbers of it that may grow.
// https://github.com/dotnet/runtime/blob/main/docs/design/features/framework-version-resolution.md
type policy int

const (
	minorsGrow policy = iota // the default
	nothingGrows
	patchesGrow
	majorsGrow
)

func policyOf(name string) policy {
	switch strings.ToLower(name) {
	case "disable":
		return nothingGrows
	case "latestpatch":
		return patchesGrow
	case "major", "latestmajor":
		return majorsGrow
	}
	return minorsGrow
}

// answer says whether a version will do.
type answer int

const (
	accepted answer = iota
	tooOld          // in its patch alone
	refused
)

// accepts says whether an application that asks for a version of a framework
// starts where there is another. What is no version is accepted: nobody knows.
func (p policy) accepts(asked, has string) answer {
	aMajor, aMinor, okAsked := releaseOf(asked)
	hMajor, hMinor, okHas := releaseOf(has)
	if !okAsked || !okHas {
		return accepted
	}
	switch c := cmp.Or(cmp.Compare(hMajor, aMajor), cmp.Compare(hMinor, aMinor)); {
	case c < 0:
		return refused
	case c == 0 && p == nothingGrows && comparePatches(has, asked) > 0:
		return refused
	case c == 0 && comparePatches(has, asked) < 0:
		return tooOld
	case c == 0:
		return accepted
	case p == majorsGrow || p == minorsGrow && hMajor == aMajor:
		return accepted
	}
	return refused
}

// comparePatches orders two versions of one release; a preview comes before all
// that is final. Previews are not told apart by more than their text.
func comparePatches(a, b string) int {
	patchA, previewA := patchOf(a)
	patchB, previewB := patchOf(b)
	switch c := cmp.Compare(patchA, patchB); {
	case c != 0:
		return c
	case previewA == previewB:
		return 0
	case previewA == "":
		return 1
	case previewB == "":
		return -1
	}
	return 0
}

func patchOf(version string) (patch int, preview string) {
	numbers, preview, _ := strings.Cut(version, "-")
	const third = 2
	if parts := strings.Split(numbers, "."); len(parts) > third {
		patch, _ = strconv.Atoi(parts[third])
	}
	return patch, preview
}
