package publish

import "fmt"

// Bounds on an index.json, which is parsed and written again with indentation. An
// image takes some 15 values.
const (
	maxValues = 1 << 18
	maxDepth  = 100
)

// checkShape refuses JSON that would take unreasonably much memory to parse or to
// indent. It does not look whether the JSON is valid.
func checkShape(raw []byte) error {
	values, depth, inString := 1, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == ',':
			values++
		case c == '[' || c == '{':
			values++
			depth++
		case c == ']' || c == '}':
			depth--
		}
		if values > maxValues || depth > maxDepth {
			return fmt.Errorf("it holds more than %d values, or is nested more than %d deep", maxValues, maxDepth)
		}
	}
	return nil
}
