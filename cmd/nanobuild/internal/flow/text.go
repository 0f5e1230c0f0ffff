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

// filesText counts files in words.
func filesText(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// secondsText writes how long a step took.
func secondsText(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// warnings are told once in a run, however many projects earn them.
type warnings struct {
	mu   sync.Mutex
	told map[string]bool
}

func (w *warnings) first(message string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[message] {
		return false
	}
	if w.told == nil {
		w.told = map[string]bool{}
	}
	w.told[message] = true
	return true
}

func (r *run) warn(messages ...string) {
	for _, m := range messages {
		if r.told.first(m) {
			r.Log.Warn(m)
		}
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
	if _, running := s.started[step]; !running {
		s.started[step] = s.now()
	}
}

// running says whether the step was started and not stopped.
func (s *stopwatch) running(step string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, running := s.started[step]
	return running
}

// stop returns how long the step took; 0 if it was never started.
func (s *stopwatch) stop(step string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	started, ok := s.started[step]
	if !ok {
		return 0
	}
	delete(s.started, step)
	return s.now().Sub(started)
}
