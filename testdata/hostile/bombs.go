package hostile

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Big is how many bytes come out of a small input: 1 GB, but less with the race
// detector, which takes its time for each.
func Big() int64 {
	if raceDetector {
		return 100e6
	}
	return 1e9
}

// Zeros is a reader of n zeros.
func Zeros(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Gzip returns what r holds in one gzip member, quickly.
func Gzip(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	copyInto(t, z, r)
	return b.Bytes()
}

// Zstd returns what r holds in one zstd frame, quickly.
func Zstd(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	copyInto(t, z, r)
	return b.Bytes()
}

func copyInto(t testing.TB, w io.WriteCloser, r io.Reader) {
	t.Helper()
	if _, err := io.Copy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Member is a file, folder or link of a tar. Only the fields of its header that
// are set are written; Body goes as it is, however long Header.Size says it is.
type Member struct {
	Header tar.Header
	Body   io.Reader
}

// Tar returns a reader of the tar of members, of which next returns one after
// the other, and false at the end.
func Tar(next func() (Member, bool)) io.Reader {
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(w, 1<<20) // a pipe is slow for each block of a tar
		tw := tar.NewWriter(b)
		for m, ok := next(); ok; m, ok = next() {
			err := tw.WriteHeader(&m.Header)
			if err == nil && m.Body != nil {
				_, err = io.Copy(tw, m.Body)
			}
			if err != nil {
				_ = w.CloseWithError(err)
				return
			}
		}
		_ = w.CloseWithError(errors.Join(tw.Close(), b.Flush()))
	}()
	return r
}

// TarOf is Tar of a few members.
func TarOf(members ...Member) io.Reader {
	return Tar(func() (Member, bool) {
		if len(members) == 0 {
			return Member{}, false
		}
		m := members[0]
		members = members[1:]
		return m, true
	})
}

// Header returns the one block of a tar header that a tar.Writer would not write.
func Header(name string, flag byte, size string) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x00")
	copy(b[108:], "0000000\x000000000\x00")
	copy(b[124:136], size)
	copy(b[136:], "00000000000\x00        ")
	b[156] = flag
	copy(b[257:], "ustar\x0000")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// Write writes what r holds to a new file and returns its path.
func Write(t testing.TB, file string, r io.Reader) string {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// Link makes a symbolic link in a fresh place, or skips the test where the system
// lets nobody.
func Link(t testing.TB, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		if runtime.GOOS == "windows" {
			t.Skipf("links are not allowed here: %v", err)
		}
		t.Fatal(err)
	}
}
