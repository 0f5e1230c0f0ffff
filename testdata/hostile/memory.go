package hostile

import (
	"os"
	"strconv"
	"strings"
)

// peakMemory returns the most memory that this process has held, in KiB, and 0
// where the system does not say so: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func peakMemory() int {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return n
		}
	}
	return 0
}
