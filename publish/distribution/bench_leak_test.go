package distribution_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the package when goroutines of its tests outlive them.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // the library's registry logs every damaged upload
	code := m.Run()
	if left := leaked(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines are left after the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines that are none of the program's own, after
// they had time to end.
func leaked() []string {
	var left []string
	for range 100 {
		left = left[:0]
		buf := make([]byte, 4<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if !ownGoroutine(stack) {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return left
}

// ownGoroutine is one of the runtime, the testing package or this function's.
func ownGoroutine(stack string) bool {
	for _, own := range []string{"distribution_test.leaked(", "testing.(*M).", "runtime.goexit0", "os/signal.signal_recv", "os/signal.loop", "runtime/trace.Start"} {
		if strings.Contains(stack, own) {
			return true
		}
	}
	return false
}
