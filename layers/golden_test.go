package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
	"time"
)

// memoryFile is an entry whose content is in memory.
func memoryFile(p string, o Origin, c Clock, content string) Entry {
	sum := sha256.Sum256([]byte(content))
	return Entry{
		Path: p, Origin: o, Size: int64(len(content)), SHA256: sum, Time: c.FileTime(o, sum),
		Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader([]byte(content))), nil
		},
	}
}

// TestGoldenVectors holds the format fast: another tar of these four entries
// changes the digests of every image that was ever built.
func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		origin Origin
		clock  Clock
		time   int64
		diffID string
	}{
		{"runtime", Runtime, Clock{Seconds: 1789000000, Known: true}, 0, "ec19fc58b26c8cf86664c33d7ae9c43d6bae98eef215f53095f02d86deebf14d"},
		{"app with a clock", App, Clock{Seconds: 1789000000, Known: true}, 1788954992, "974ad5485bd7a3916aab66257bb2a1e097a8fe2e8c40aa697fa85f1e50416d91"},
		{"app without a clock", App, Clock{}, 1031832208, "060e3f1a64b17410ff4a7e63e288039ca71eeb0fc8b43469599f0f0cb949b694"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			exe := memoryFile("app/App.exe", tt.origin, tt.clock, "MZ")
			if !exe.Time.Equal(time.Unix(tt.time, 0)) {
				t.Errorf("time = %d, want %d", exe.Time.Unix(), tt.time)
			}
			var b bytes.Buffer
			g := Group{Origin: tt.origin, Entries: []Entry{folder("app", tt.origin), exe}}
			if err := writeTar(context.Background(), &b, g); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(b.Bytes())
			if got := hex.EncodeToString(sum[:]); b.Len() != 7680 || got != tt.diffID {
				t.Errorf("tar of %d bytes, sha256 %s; want 7680, %s", b.Len(), got, tt.diffID)
			}
			checkReadBack(t, &b)
		})
	}
}

func checkReadBack(t *testing.T, r io.Reader) {
	t.Helper()
	names := []string{"Hives", "Files", "Files/app", "Files/app/App.exe"}
	modes := []int64{0o40755, 0o40755, 0o40755, 0o100755}
	records := []int{4, 4, 5, 5}
	tr := tar.NewReader(r)
	for i := range names {
		h, err := tr.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != names[i] || h.Mode != modes[i] || len(h.PAXRecords) != records[i] || h.Format != tar.FormatPAX {
			t.Errorf("entry %d: %s mode %o, %d records, format %v", i, h.Name, h.Mode, len(h.PAXRecords), h.Format)
		}
	}
	if _, err := tr.Next(); err != io.EOF {
		t.Errorf("after the last entry: %v, want EOF", err)
	}
}
