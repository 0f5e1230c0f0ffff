package builder

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// plainJSON returns JSON as .NET's configuration reads it (comments and
// trailing commas allowed, in UTF-8 or with a byte order mark in UTF-16) as JSON
// without them, in UTF-8. What is not JSON stays so.
func plainJSON(raw []byte) []byte {
	return dropTrailingCommas(dropComments(toUTF8(raw)))
}

func toUTF8(raw []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xEF, 0xBB, 0xBF}):
		return raw[3:]
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return raw
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 2; i+1 < len(raw); i += 2 {
		units = append(units, order.Uint16(raw[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// dropComments puts a space in the place of each // and /* */ comment.
func dropComments(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch {
		case raw[i] == '"':
			end := stringEnd(raw, i)
			out = append(out, raw[i:end]...)
			i = end
		case bytes.HasPrefix(raw[i:], []byte("//")):
			i = after(raw, i+2, "\n")
			out = append(out, '\n')
		case bytes.HasPrefix(raw[i:], []byte("/*")):
			i = after(raw, i+2, "*/")
			out = append(out, ' ')
		default:
			out = append(out, raw[i])
			i++
		}
	}
	return out
}

// dropTrailingCommas removes each comma that only white space separates from
// a closing bracket.
func dropTrailingCommas(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	comma := -1 // where in out the last comma is, if only white space follows it
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '"':
			end := stringEnd(raw, i)
			out, comma, i = append(out, raw[i:end]...), -1, end
			continue
		case c == ',':
			comma = len(out)
		case (c == '}' || c == ']') && comma >= 0:
			out[comma], comma = ' ', -1
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			comma = -1
		}
		out = append(out, c)
		i++
	}
	return out
}

// stringEnd returns the index behind the string that begins at i.
func stringEnd(raw []byte, i int) int {
	for j := i + 1; j < len(raw); j++ {
		switch raw[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(raw)
}

// after returns the index behind the next mark, or the end.
func after(raw []byte, from int, mark string) int {
	if i := bytes.Index(raw[from:], []byte(mark)); i >= 0 {
		return from + i + len(mark)
	}
	return len(raw)
}
