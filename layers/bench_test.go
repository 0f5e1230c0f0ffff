package layers

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// benchFolder is the folder that NANOBUILD_BENCH_DIR names, or a generated one
// of 64 MB that compresses about as well as programs do.
func benchFolder(b *testing.B) string {
	b.Helper()
	if dir := os.Getenv("NANOBUILD_BENCH_DIR"); dir != "" {
		return dir
	}
	dir := b.TempDir()
	if err := fillFolder(dir, 64, 1<<20); err != nil {
		b.Fatal(err)
	}
	return dir
}

// fillFolder writes n files of the same size, half noise, half repetition.
func fillFolder(dir string, n, size int) error {
	block := []byte(noise(3, 32<<10) + strings.Repeat("0123456789abcdef", 2<<10))
	for i := range n {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("f%04d.bin", i)))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "%16d", i)
		for left := size - 16; left > 0 && err == nil; left -= len(block) {
			_, err = f.Write(block[:min(left, len(block))])
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPack compares planning and packing with the limit: one pass of tar,
// two hashes and gzip over the same files, without anything else.
func BenchmarkPack(b *testing.B) {
	dir := benchFolder(b)
	plan, err := NewPlan(context.Background(), PlanOptions{FS: os.DirFS(dir), Target: "app", Single: true})
	if err != nil {
		b.Fatal(err)
	}
	l, err := Build(context.Background(), plan.Groups[0], Options{})
	if err != nil {
		b.Fatal(err)
	}
	total := l.UncompressedSize()
	b.Run("limit", func(b *testing.B) {
		b.SetBytes(total)
		for b.Loop() {
			if err := limitPass(dir); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plan", func(b *testing.B) {
		b.SetBytes(total)
		for b.Loop() {
			if _, err := NewPlan(context.Background(), PlanOptions{FS: os.DirFS(dir), Target: "app", Single: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("diffid", func(b *testing.B) {
		b.SetBytes(total)
		for b.Loop() {
			l, err := Build(context.Background(), plan.Groups[0], Options{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := l.DiffID(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pack", func(b *testing.B) {
		b.SetBytes(total)
		temp := b.TempDir()
		for b.Loop() {
			n, err := packOnce(plan.Groups[0], temp)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(n), "blob-B")
		}
	})
}

func packOnce(g Group, temp string) (int64, error) {
	l, err := Build(context.Background(), g, Options{TempDir: temp})
	if err != nil {
		return 0, err
	}
	n, err := l.Size()
	return n, errors.Join(err, l.Close())
}

// limitPass is the least work that gives a blob and its two digests.
func limitPass(dir string) error {
	packed, plain := sha256.New(), sha256.New()
	zw, err := defaultWorkers().gzip(packed, defaultWorkers().most)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(io.MultiWriter(plain, zw))
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		err = tw.WriteHeader(&tar.Header{Name: d.Name(), Size: int64(len(data)), Mode: modeFile, Format: tar.FormatPAX})
		if err == nil {
			_, err = tw.Write(data)
		}
		return err
	})
	return errors.Join(err, tw.Close(), zw.Close())
}

// rssFolder names the folder for TestPeakRSSHelper.
const rssFolder = "NANOBUILD_TEST_RSS_FOLDER"

// BenchmarkPeakRSS plans and packs 10 MB and 1 GB, each in a process of its
// own, four layers at a time, and reports what the second needs more.
func BenchmarkPeakRSS(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("needs /proc: ", err)
	}
	small, large := b.TempDir(), b.TempDir()
	if err := errors.Join(fillFolder(small, 40, 256<<10), fillFolder(large, 128, 8<<20)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err1 := peakRSS(b.TempDir(), small)
		l, err2 := peakRSS(b.TempDir(), large)
		if err := errors.Join(err1, err2); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(s, "MiB-of-10MB")
		b.ReportMetric(l, "MiB-of-1GB")
		b.ReportMetric(l-s, "MiB-more")
	}
}

// peakRSS runs TestPeakRSSHelper in another process, and returns what it says,
// in MiB.
func peakRSS(temp, folder string) (float64, error) {
	out := filepath.Join(temp, "rss")
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	p, err := os.StartProcess(exe, []string{exe, "-test.run=^TestPeakRSSHelper$"}, &os.ProcAttr{
		Env: append(os.Environ(), rssFolder+"="+folder, "NANOBUILD_TEST_RSS_OUT="+out),
	})
	if err != nil {
		return 0, err
	}
	if _, err := p.Wait(); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	return kib / 1024, err
}

// TestPeakRSSHelper is the other process of BenchmarkPeakRSS.
func TestPeakRSSHelper(t *testing.T) {
	folder := os.Getenv(rssFolder)
	if folder == "" {
		t.Skip("only run by BenchmarkPeakRSS")
	}
	origins := map[string]Origin{}
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range list {
		origins[d.Name()] = Origins()[i%len(Origins())]
	}
	plan := mustPlan(t, PlanOptions{FS: os.DirFS(folder), Origins: origins})
	g, ctx := errgroup.WithContext(context.Background())
	g.SetLimit(4)
	for _, group := range plan.Groups {
		l, err := Build(ctx, group, Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() error { return l.Pack(ctx) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if err := os.WriteFile(os.Getenv("NANOBUILD_TEST_RSS_OUT"), []byte(kib), 0o600); err != nil {
		t.Fatal(err)
	}
}
