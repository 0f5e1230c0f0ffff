// Package hostile puts inputs that want to do harm through the doors of other
// packages, each in a process of its own, and looks at what that cost: panics,
// memory, time, and files outside of where the door may write.
package hostile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// maxMemory is how much a process may hold at its worst, the test program
	// itself included, in KiB.
	maxMemory = 100 << 10
	// tooLong ends a process that does not come back.
	tooLong = 3 * time.Minute
	// maxTime is how long a process may compute, which does not depend on what
	// else the machine does. What an input really takes is logged: seconds.
	maxTime = 30 * time.Second
)

// Door puts an input through a package's public functions. It writes below out
// only, and returns what they return.
type Door func(ctx context.Context, input, out string) error

// Input is one that wants to do harm.
type Input struct {
	Name string
	// Make makes the input in the empty folder dir and returns what the door is
	// given: a path as a rule. It is not called in the process whose memory counts,
	// so what is large is made in it, and not before.
	Make func(t testing.TB, dir string) string
	// Want is a part of the error that the door must give; "" means that it must
	// give none, and Any that it may do either.
	Want string
	// Slow leaves the input out with the race detector, which would take minutes.
	Slow bool
}

// Any is the Want of an input that may be refused or not.
const Any = "*"

// The environment of a process that puts one input through the door.
const (
	inputVariable = "NANOBUILD_HOSTILE_INPUT"
	outVariable   = "NANOBUILD_HOSTILE_OUT"
)

// What such a process says at its end.
const (
	refusedMark = "hostile refused: "
	passedMark  = "hostile passed"
	memoryMark  = "hostile memory: "
)

// Run puts every input through the door, in a subtest and a process each.
func Run(t *testing.T, door Door, inputs []Input) {
	t.Helper()
	for _, in := range inputs {
		t.Run(strings.ReplaceAll(in.Name, " ", "_"), func(t *testing.T) {
			if given, ok := os.LookupEnv(inputVariable); ok {
				pass(t, door, given)
				return
			}
			if in.Slow && raceDetector {
				t.Skip("the race detector would take minutes")
			}
			t.Parallel()
			in.attempt(t)
		})
	}
}

// pass is what the process of one input does.
func pass(t *testing.T, door Door, input string) {
	ctx, cancel := context.WithTimeout(t.Context(), tooLong)
	defer cancel()
	err := door(ctx, input, os.Getenv(outVariable))
	if ctx.Err() != nil {
		t.Fatalf("it took more than %s", tooLong)
	}
	fmt.Println(memoryMark + strconv.Itoa(peakMemory()))
	if err != nil {
		fmt.Println(refusedMark + strconv.Quote(err.Error()))
		return
	}
	fmt.Println(passedMark)
}

// attempt starts the process and judges what it did.
func (in Input) attempt(t *testing.T) {
	around := t.TempDir()
	// Deep below, so that ../../.. still ends in a folder that is looked at.
	place := filepath.Join(around, "1", "2", "3", "4", "5")
	dir, out, temp := filepath.Join(place, "input"), filepath.Join(place, "out"), filepath.Join(place, "temp")
	for _, d := range []string{dir, out, temp} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	input := in.Make(t, dir)
	before := list(t, around, out)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*tooLong)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.run", pattern(t.Name()), "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), inputVariable+"="+input, outVariable+"="+out, "TMPDIR="+temp, "TMP="+temp)
	cmd.Dir = temp
	start := time.Now()
	output, err := cmd.CombinedOutput()
	computed := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	took := fmt.Sprintf("%s, %s of them computing", time.Since(start).Round(time.Millisecond), computed.Round(time.Millisecond))
	if computed > maxTime && !raceDetector {
		t.Errorf("it computed for %s, at most %s are allowed", computed, maxTime)
	}
	if err != nil {
		t.Fatalf("the process ended with %v after %s:\n%s", err, took, last(output, 4000))
	}
	for _, change := range changes(before, list(t, around, out)) {
		t.Error("outside of where it may write: " + change)
	}
	in.judge(t, string(output), took)
}

// judge reads what the process said.
func (in Input) judge(t *testing.T, output string, took string) {
	memory, refused, passed := 0, "", false
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, memoryMark); ok {
			memory, _ = strconv.Atoi(rest)
		} else if rest, ok := strings.CutPrefix(line, refusedMark); ok {
			refused, _ = strconv.Unquote(rest)
		} else if line == passedMark {
			passed = true
		}
	}
	switch {
	case !passed && refused == "":
		t.Fatalf("the process did not reach the door:\n%s", last([]byte(output), 4000))
	case in.Want == Any:
	case passed && in.Want != "":
		t.Errorf("it passed, want an error with %q", in.Want)
	case !passed && (in.Want == "" || !strings.Contains(refused, in.Want)):
		t.Errorf("error %q, want one with %q", last([]byte(refused), 4000), in.Want)
	}
	const longest = 32 << 10
	if len(refused) > longest {
		t.Errorf("an error of %d bytes: %.300s", len(refused), refused)
	}
	if memory > maxMemory && !raceDetector {
		t.Errorf("%d MiB of memory, at most %d are allowed", memory>>10, maxMemory>>10)
	}
	t.Logf("%s, %d MiB: %.200s", took, memory>>10, refused)
}

// pattern matches one subtest.
func pattern(name string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^") + "$"
}

func last(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
