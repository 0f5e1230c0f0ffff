package cache_test

import (
	"fmt"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers/cache"
)

// layersOf fills a file with the records of layers.
func layersOf(b *testing.B, dir string, bytes int64) int {
	b.Helper()
	c := open(b, dir)
	n := 0
	for n%50 > 0 || c.Info().Bytes < bytes {
		h := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", n)}
		c.PutLayer("pgzip 1.3.0 level 6", h, cache.Blob{Digest: h, Size: 40_000_000})
		n++
	}
	noProblem(b, c)
	return n
}

func BenchmarkOpen(b *testing.B) {
	for _, kib := range []int64{30, 1000} {
		b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
			dir := b.TempDir()
			n := layersOf(b, dir, kib<<10)
			b.ReportAllocs()
			for b.Loop() {
				open(b, dir)
			}
			if got := open(b, dir).Info().Records["layer"]; got != n {
				b.Fatalf("%d records, want %d", got, n)
			}
			b.ReportMetric(float64(n), "records")
		})
	}
}

func BenchmarkPut(b *testing.B) {
	c := open(b, b.TempDir())
	i := 0
	for b.Loop() {
		c.Put("k", fmt.Sprint(i), []byte("value"))
		i++
	}
	noProblem(b, c)
}
