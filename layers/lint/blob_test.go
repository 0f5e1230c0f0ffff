package lint

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

func sha(b []byte) v1.Hash {
	sum := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

func TestBlobOfOurs(t *testing.T) {
	t.Parallel()
	l := built(t, layers.App, layers.Clock{}, map[string]string{"App.exe": strings.Repeat("MZ", 1<<20)})
	digest, err1 := l.Digest()
	diffID, err2 := l.DiffID()
	size, err3 := l.Size()
	r, err4 := l.Compressed()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	report, err := Blob(r, layers.Gzip, digest, diffID, size)
	if err := errors.Join(err, report.Err(), r.Close()); err != nil {
		t.Error(err)
	}
}

func TestBlobRefuses(t *testing.T) {
	t.Parallel()
	const content = "the tar"
	zip := func(header gzip.Header) []byte {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		zw.Header = header
		_, err := io.WriteString(zw, content)
		if err := errors.Join(err, zw.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := zip(gzip.Header{OS: 255})
	id := sha([]byte(content))
	tests := []struct {
		name   string
		data   []byte
		digest v1.Hash
		diffID v1.Hash
		size   int
		want   string // "" where it is good
	}{
		{"good", good, sha(good), id, len(good), ""},
		{"time", zip(gzip.Header{OS: 255, ModTime: time.Unix(1, 0)}), v1.Hash{}, id, 0, "byte 4"},
		{"name", zip(gzip.Header{OS: 255, Name: "n"}), v1.Hash{}, id, 0, "byte 3"},
		{"system", zip(gzip.Header{OS: 3}), v1.Hash{}, id, 0, "byte 9"},
		{"two members", slices.Concat(good, good), v1.Hash{}, id, 0, "behind the first"},
		{"bytes behind", append(slices.Clone(good), 0), v1.Hash{}, id, 0, "1 bytes behind"},
		{"cut off", good[:len(good)-1], v1.Hash{}, id, 0, "cannot be unpacked"},
		{"no gzip", []byte("plain"), v1.Hash{}, id, 0, "cannot be unpacked"},
		{"empty", nil, v1.Hash{}, id, 0, "cannot be unpacked"},
		{"another content", good, sha(good), sha(nil), len(good), "its content is"},
		{"another digest", good, sha(nil), id, len(good), "the manifest says"},
		{"another size", good, sha(good), id, len(good) + 1, "the manifest says"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.digest == (v1.Hash{}) {
				tt.digest, tt.size = sha(tt.data), len(tt.data)
			}
			r, err := Blob(bytes.NewReader(tt.data), layers.Gzip, tt.digest, tt.diffID, int64(tt.size))
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" && !r.OK() || tt.want != "" && (r.OK() || !strings.Contains(r.Err().Error(), tt.want)) {
				t.Errorf("%v, want %q", r.Err(), tt.want)
			}
		})
	}
}
