package layers

import "fmt"

// maxValues is how many values a manifest, a config or a settings file may hold.
// Real ones have some hundreds or thousands; a value of three bytes can take more
// than 100 in memory.
const maxValues = 1 << 16

// CheckJSON refuses JSON that would take unreasonably much memory to parse. It
// does not look whether the JSON is valid.
func CheckJSON(raw []byte) error {
	if n := countValues(raw); n > maxValues {
		return fmt.Errorf("it holds %d values; at most %d are read", n, maxValues)
	}
	return nil
}

// countValues returns how many values valid JSON holds: each begins at the start
// of the document, behind a comma, or behind the bracket that opens a list or
// object. Empty ones of these are counted as if they held one.
func countValues(raw []byte) int {
	n, inString := 1, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}
