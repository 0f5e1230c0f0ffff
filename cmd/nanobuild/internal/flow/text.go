package flow

import (
	"fmt"
	"sync"
	"time"
)

// BytesText writes a number of bytes the way registries bill them: decimal units.
func BytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	}
}

// secondsText writes how long a step took.
func secondsText(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func (d Deps) warn(messages ...string) {
	for _, m := range messages {
		d.Log.Warn(m)
	}
}

// stopwatch times steps that run side by side.
type stopwatch struct {
	now     func() time.Time
	mu      sync.Mutex
	started map[string]time.Time
}

func newStopwatch(now func() time.Time) *stopwatch {
	return &stopwatch{now: now, started: map[string]time.Time{}}
}

func (s *stopwatch) start(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started[step] = s.now()
}

// stop returns how long the step took; 0 if it was never started.
func (s *stopwatch) stop(step string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	started, ok := s.started[step]
	if !ok {
		return 0
	}
	return s.now().Sub(started)
}
