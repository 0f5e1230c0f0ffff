package layers

import (
	"strings"
	"unicode"
)

// Compare orders slash-separated paths component by component, bytewise: a
// folder comes before what is in it, whatever characters names hold.
func Compare(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		switch {
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		case a[i] < b[i]:
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}

// Fold maps paths that NTFS takes for the same to one string: simple upper
// case of every UTF-16 unit, as an approximation of a volume's own table
// ($UpCase); characters outside of the basic plane have no case there.
func Fold(path string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xFFFF {
			return r
		}
		if up := unicode.ToUpper(r); up <= 0xFFFF {
			return up
		}
		return r
	}, path)
}

// Below says whether path is dir or lies in it, as Windows compares names.
func Below(path, dir string) bool {
	p, d := Fold(path), Fold(dir)
	return p == d || strings.HasPrefix(p, d+"/")
}
