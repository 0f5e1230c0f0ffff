//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// playMemory publishes folders, so that nanobuild starts no dotnet, whose memory
// would count as its own. The base streams from another registry.
func (c *comparison) playMemory(t *testing.T) {
	c.table.section("peak memory of nanobuild's own process, cold, base on another registry")
	big := t.TempDir()
	if err := writeBigApp(big); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		name, what, dir string
		rival           []trial
		limit           int64
	}{
		{"webapi", "  webapi (the SDK: with its dotnet)", c.plain.published(webapiApp), c.outcomes[webapiUnchanged].sdk, 64 << 20},
		{"big", "  an app of 1 GB in 10,000 files", big, nil, 80 << 20},
	} {
		t.Run(m.name, func(t *testing.T) {
			c.ours.forget(t)
			w := emptyTarget(t, c)
			floor := shrink()
			tl := tool{site: c.ours.site, run: func(t testing.TB, s site, o order) result {
				return run(t, s.dir, s.env(), "publish", m.dir, "--base", w.from, "--repo", w.target.host+"/"+o.repo)
			}}
			tr := c.publish(t, tl, order{w, nil, "memory"})
			t.Logf("%s: %s at a floor of %s, %s", m.what, mebibytes(tr.peak()), mebibytes(floor), seconds(tr.wall))
			r := row{what: m.what, ours: mebibytes(tr.peak()), limit: mebibytes(m.limit), verdict: verdict(tr.peak(), m.limit)}
			if len(m.rival) > 0 {
				r.rival = mebibytes(medianOf(m.rival, trial.peak))
			}
			c.table.add(r)
		})
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// shrink gives back what this process does not need, and forgets its peak: Linux
// counts the peak of a process as that of each program it starts. It returns
// the peak that is left.
func shrink() int64 {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) // a system without it counts a little more
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return peakOf(string(status))
}

// peakOf is the peak in bytes that a status file of Linux tells:
// https://docs.kernel.org/filesystems/proc.html
func peakOf(status string) int64 {
	var kib int64
	if _, peak, found := strings.Cut(status, "VmHWM:"); found {
		_, _ = fmt.Sscan(peak, &kib) // stays 0
	}
	return kib << 10
}

// writeBigApp writes 10,000 files of 100 KB each, half of which compresses.
func writeBigApp(dir string) error {
	const files, half = 10_000, 50_000
	if err := sampleapp.Write(dir, "hello"); err != nil {
		return err
	}
	noise := []byte(randomText(1, 2*half))
	file := make([]byte, 2*half)
	for i := range files {
		at := i * 4 % half
		copy(file, noise[at:at+half])
		copy(file, fmt.Sprintf("file %d", i))
		sub := filepath.Join(dir, "data", fmt.Sprintf("%03d", i/100))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("%05d.bin", i)), file, 0o644); err != nil {
			return err
		}
	}
	return nil
}
