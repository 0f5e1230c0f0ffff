package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
)

// A line of the file is
//
//	1 CHECKSUM KIND KEY VALUE
//
// with single spaces between: the version of this format, 128 bits of the
// sha256 of everything behind the checksum's space in unpadded base64url, and
// the record. "KIND KEY" is the id of the record. Control characters and '%'
// are written as %XX, and so are spaces within a kind or a key: a line holds no
// newline, and every other byte stays as it is.
const (
	linePrefix = "1 "
	sumLength  = 22
	headLength = len(linePrefix) + sumLength + 1

	maxValue = 64 << 10
	maxName  = 4 << 10 // kind and key together
)

// appendLine appends the line of a record, with its newline.
func appendLine(dst []byte, id string, raw []byte) []byte {
	start := len(dst)
	dst = append(dst, linePrefix...)
	dst = append(dst, make([]byte, sumLength)...)
	dst = append(dst, ' ')
	dst = append(dst, id...)
	dst = append(dst, ' ')
	dst = append(dst, raw...)
	checksum(dst[start+len(linePrefix):], dst[start+headLength:])
	return append(dst, '\n')
}

// lineLength is the length of the line of a record, with its newline.
func lineLength(id string, raw []byte) int { return headLength + len(id) + 1 + len(raw) + 1 }

// parseLine returns the record of a line without its newline: its id, the
// length of the kind within the id, and its escaped value, which shares the
// line's memory. It returns false for everything that appendLine did not write.
func parseLine(line []byte) (id []byte, kind int, raw []byte, ok bool) {
	if len(line) < headLength || string(line[:len(linePrefix)]) != linePrefix || line[headLength-1] != ' ' {
		return nil, 0, nil, false
	}
	var sum [sumLength]byte
	rest := line[headLength:]
	checksum(sum[:], rest)
	if !bytes.Equal(sum[:], line[len(linePrefix):headLength-1]) {
		return nil, 0, nil, false
	}
	kind = bytes.IndexByte(rest, ' ')
	if kind < 0 {
		return nil, 0, nil, false
	}
	key := bytes.IndexByte(rest[kind+1:], ' ')
	if key < 0 {
		return nil, 0, nil, false
	}
	end := kind + 1 + key
	return rest[:end], kind, rest[end+1:], true
}

// checksum writes the checksum of the rest of a line to dst.
func checksum(dst, rest []byte) {
	sum := sha256.Sum256(rest)
	base64.RawURLEncoding.Encode(dst, sum[:16])
}

func recordID(kind, key string) string {
	id := escape(make([]byte, 0, len(kind)+1+len(key)), []byte(kind), true)
	return string(escape(append(id, ' '), []byte(key), true))
}

func escapeName(s string) string { return string(escape(nil, []byte(s), true)) }

// escape appends s to dst, so that it holds no newline and, where it is a name, no space.
func escape(dst, s []byte, name bool) []byte {
	const digits = "0123456789ABCDEF"
	for _, b := range s {
		if b < ' ' || b == '%' || b == 0x7f || name && b == ' ' {
			dst = append(dst, '%', digits[b>>4], digits[b&15])
		} else {
			dst = append(dst, b)
		}
	}
	return dst
}

// unescape returns a copy of what was given to escape. It returns false for
// bytes that escape does not make.
func unescape(s []byte) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return nil, false
		}
		high, low := digit(s[i+1]), digit(s[i+2])
		if high < 0 || low < 0 {
			return nil, false
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return out, true
}

// digit is the value of an upper-case hexadecimal digit, or -1.
func digit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}
