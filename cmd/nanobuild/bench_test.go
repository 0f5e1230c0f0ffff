//go:build unix

package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// BenchmarkMemory prints the most memory that publishing a folder of 1 GB takes
// above that of one of 10 MB.
func BenchmarkMemory(b *testing.B) {
	small, big := appOfSize(b, 10<<20), appOfSize(b, 1<<30)
	for b.Loop() {
		few, many := peakMemory(b, small), peakMemory(b, big)
		b.ReportMetric(few, "MiB-10MB")
		b.ReportMetric(many, "MiB-1GB")
		b.ReportMetric(many-few, "MiB-more")
		if many-few > 64 {
			b.Errorf("1 GB takes %.0f MiB more than 10 MB", many-few)
		}
	}
}

// peakMemory is the largest resident set of a publish run, in MiB.
func peakMemory(b *testing.B, app string) float64 {
	b.Helper()
	r := ok(b, app, nil, "publish", app, "--base", ociBase(b), "--oci-layout", filepath.Join(b.TempDir(), "image"))
	usage, is := r.state.SysUsage().(*syscall.Rusage)
	if !is {
		b.Fatal("no resource usage")
	}
	unit := 1 << 10 // Linux counts KiB
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(usage.Maxrss) * float64(unit) / (1 << 20)
}

// appOfSize is a publish folder with files of 32 MB that compress by a half. It
// is written in small pieces: the system counts the memory that this process has
// when it starts another one as that one's, too.
func appOfSize(b *testing.B, bytes int) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "app")
	if err := sampleapp.Write(dir, "hello"); err != nil {
		b.Fatal(err)
	}
	const file, piece = 32 << 20, 256 << 10
	zeros := make([]byte, piece/2)
	for i := 0; bytes > 0; i++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.bin", i)))
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < file && bytes > 0; n, bytes = n+piece, bytes-piece {
			_, err1 := f.WriteString(randomText(uint64(i*file+n), piece/2))
			_, err2 := f.Write(zeros)
			if err := errors.Join(err1, err2); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// BenchmarkStart is the time in which the program starts.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	var best time.Duration
	for b.Loop() {
		if r := ok(b, dir, nil, "version"); best == 0 || r.took < best {
			best = r.took
		}
	}
	b.ReportMetric(float64(best.Microseconds())/1000, "ms-best")
}
