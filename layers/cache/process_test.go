package cache_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/nanobuild/nanobuild/layers/cache"
)

// childVariable makes the test program do something else than run tests. Its
// value is what to do and with which folder.
const childVariable = "NANOBUILD_CACHE_TEST_CHILD"

func TestMain(m *testing.M) {
	if what, dir, ok := strings.Cut(os.Getenv(childVariable), " "); ok {
		if err := child(what, dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start starts the test program as a child.
func start(t *testing.T, what, dir string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childVariable+"="+what+" "+dir)
	return cmd
}

// recordsEach is how many records each of many processes puts. Files are slow on
// Windows, and nobody is to wait for the lock until time is up.
var recordsEach = map[bool]int{false: 100, true: 25}[runtime.GOOS == "windows"]

func child(what, dir string) error {
	c := cache.Open(dir)
	switch what {
	case "loop": // until it is killed
		for i := 0; ; i++ {
			if i == 10 {
				fmt.Println("under way")
			}
			n := i + os.Getpid()*1000
			c.Put("loop", fmt.Sprint(n%5000), []byte(loopValue(n%5000)))
			if c.Problem() != nil {
				return c.Problem()
			}
		}
	case "limited":
		return limited(c)
	}
	for i := range recordsEach { // what is the name of the writer
		c.Put(what, fmt.Sprint(i), []byte(what+" "+fmt.Sprint(i)))
		c.Put("shared", fmt.Sprint(i), []byte("by all"))
	}
	return c.Problem()
}

// loopValue is short for most and so long for some that a kill can come in the
// midst of the line. It is the same whenever it is put.
func loopValue(n int) string {
	if n%20 == 0 {
		return strings.Repeat(strconv.Itoa(n%10), 60<<10)
	}
	return strings.Repeat(strconv.Itoa(n), 1+n%7*20)
}

func TestKilledInMidWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	damaged := 0
	for round := range 50 {
		cmd := start(t, "loop", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if line != "under way\n" {
			t.Errorf("the child said %q, %v", line, err)
		}
		time.Sleep(time.Duration(round*137) * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed

		c := open(t, dir)
		found := 0
		c.Each("loop", func(key string, value []byte) {
			n, err := strconv.Atoi(key)
			if found++; err != nil || string(value) != loopValue(n) {
				t.Errorf("record %s = %.80q", key, value)
			}
		})
		info := c.Info()
		damaged += info.Damaged
		if found < 10 || info.Damaged > 1 || info.Bytes > 1<<20 {
			t.Fatalf("round %d: %v", round, info)
		}
		c.Put("round", fmt.Sprint(round), []byte("done"))
		noProblem(t, c)
		c = open(t, dir)
		want(t, c, "round", fmt.Sprint(round), "done")
		if info := c.Info(); info.Damaged != 0 {
			t.Fatalf("round %d: not repaired: %v", round, info)
		}
		if left := names(t, dir); len(left) != 2 {
			t.Fatalf("round %d left %v", round, left)
		}
	}
	t.Logf("%d torn lines", damaged)
}

func TestManyProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/cache"
	var group sync.WaitGroup
	for writer := range 8 {
		cmd := start(t, fmt.Sprintf("writer%d", writer), dir)
		group.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("writer %d: %v: %s", writer, err, out)
			}
		})
	}
	group.Wait()
	c := open(t, dir)
	for writer := range 8 {
		for i := range recordsEach {
			want(t, c, fmt.Sprintf("writer%d", writer), fmt.Sprint(i), fmt.Sprintf("writer%d %d", writer, i))
		}
	}
	if info := c.Info(); info.Damaged > 0 || info.Records["shared"] != recordsEach {
		t.Errorf("%v", info)
	}
	if lines := strings.Count(string(readFile(t, recordsFile(dir))), "\n"); lines != 9*recordsEach {
		t.Errorf("%d lines for %d records of each writer and as many that all put", lines, recordsEach)
	}
}

func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, other := open(t, dir), open(t, dir)
	var group sync.WaitGroup
	for writer := range 8 {
		group.Go(func() {
			c := c
			if writer%2 == 0 {
				c = other
			}
			for i := range 50 {
				c.Put("k", fmt.Sprint(writer, i), []byte("value"))
				if _, ok := c.Get("k", fmt.Sprint(writer, i)); !ok {
					t.Error("a record is gone")
				}
				c.Each("k", func(string, []byte) {})
				_, _, _ = c.Has("k"), c.Info(), c.Problem()
			}
		})
	}
	group.Wait()
	noProblem(t, c)
	noProblem(t, other)
	if n := open(t, dir).Info().Records["k"]; n != 400 {
		t.Errorf("%d records, want 400", n)
	}
}

func TestLockedForTooLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock := flock.New(dir + "/records.lock")
	if ok, err := lock.TryLock(); !ok {
		t.Fatal(err)
	}
	c := open(t, dir)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 { // only the first one waits
			c.Put("k", fmt.Sprint(i), []byte("value"))
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for ever")
	}
	want(t, c, "k", "99", "value")
	if err := c.Problem(); err == nil || !strings.Contains(err.Error(), "another process holds "+dir) {
		t.Errorf("Problem() = %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir)
	c.Put("k", "0", []byte("value"))
	noProblem(t, c)
	want(t, open(t, dir), "k", "0", "value")
}
