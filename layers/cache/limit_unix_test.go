//go:build linux || darwin

package cache_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers/cache"
)

const limit = 10_000

// limited puts records until files may not grow any more, which is what a full
// disk looks like.
func limited(c *cache.Cache) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	for i := range 100 {
		c.Put("k", fmt.Sprint(i), []byte(strings.Repeat("v", 300)))
	}
	if value, ok := c.Get("k", "99"); !ok || len(value) != 300 {
		return errors.New("the process forgot its records")
	}
	if err := c.Problem(); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("Problem() = %w, want EFBIG", err)
	}
	return nil
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before  []byte // what the file holds
		records int    // what it holds afterwards
	}{
		"appending": {nil, limit / 330},
		"rewriting": {append([]byte("damaged\n"), strings.Repeat("x", limit)...), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.before != nil {
				writeFile(t, recordsFile(dir), tt.before)
				c := open(t, dir) // repairs it, to records that fill the limit
				for i := range 60 {
					c.Put("before", fmt.Sprint(i), []byte(strings.Repeat("v", 300)))
				}
				addLine(t, dir, "damaged")
			}
			if out, err := start(t, "limited", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			c := open(t, dir)
			info := c.Info()
			if info.Records["k"] < tt.records-5 || info.Records["k"] > tt.records {
				t.Errorf("%v, want about %d", info, tt.records)
			}
			if tt.before != nil && info.Records["before"] != 60 {
				t.Errorf("the old records are gone: %v", info)
			}
			if tt.before == nil && info.Damaged > 0 {
				t.Errorf("half a line was left: %v", info)
			}
			if diff := cmp.Diff([]string{"records", "records.lock"}, names(t, dir)); diff != "" {
				t.Error(diff)
			}
			c.Put("k", "99", []byte("there is room again"))
			noProblem(t, c)
			want(t, open(t, dir), "k", "99", "there is room again")
		})
	}
}

func TestFoldersWithoutPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	open(t, dir).Put("k", "a", []byte("b"))
	if err := os.Remove(filepath.Join(dir, "records.lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Error(err)
		}
	})
	c := open(t, dir)
	want(t, c, "k", "a", "b")
	c.Put("k", "a", []byte("b"))
	noProblem(t, c)
	c.Put("k", "a", []byte("c"))
	want(t, c, "k", "a", "c")
	if err := c.Problem(); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Problem() = %v", err)
	}
	if err := os.Chmod(recordsFile(dir), 0); err != nil {
		t.Fatal(err)
	}
	c = cache.Open(dir)
	missing(t, c, "k", "a")
	if err := c.Problem(); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Problem() = %v", err)
	}
}
