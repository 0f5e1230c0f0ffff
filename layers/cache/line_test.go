package cache

import (
	"bytes"
	"testing"
)

func FuzzLine(f *testing.F) {
	f.Add("layer", "gzip/sha256:00", []byte("sha256:11 22"), []byte("1 0123456789012345678901 a b c"))
	f.Add("", "", []byte(nil), []byte("1 "))
	f.Add("a b%", "\n", []byte{0, '\n', ' ', 0xff}, []byte{0xff})
	f.Fuzz(func(t *testing.T, kind, key string, value, foreign []byte) {
		id, raw := recordID(kind, key), escape(nil, value, false)
		line := appendLine(nil, id, raw)
		if len(line) != lineLength(id, raw) || bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Errorf("the line %q has the wrong length or newlines", line)
		}
		gotID, length, gotRaw, ok := parseLine(line[:len(line)-1])
		if !ok || string(gotID) != id || string(gotID[:length]) != escapeName(kind) || !bytes.Equal(gotRaw, raw) {
			t.Errorf("%q was read as %q, %d, %q, %v", line, gotID, length, gotRaw, ok)
		}
		if got, ok := unescape(gotRaw); !ok || !bytes.Equal(got, value) {
			t.Errorf("%q was read as %q, %v", value, got, ok)
		}
		if _, _, _, ok := parseLine(foreign); ok && !bytes.HasPrefix(foreign, []byte(linePrefix)) {
			t.Errorf("%q was read", foreign)
		}
		unescape(foreign)
	})
}
