package distribution

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy says how long to wait for a registry and how often to try. A zero field
// takes its default.
type Policy struct {
	// Tries is how often a request is sent before its failure counts. Default 6.
	Tries int
	// FirstTries is the same for a host that has never answered: it may not exist.
	// Default 3.
	FirstTries int
	// Pause is the wait before the second try; each later one is twice as long, up
	// to MaxPause. Defaults 500 ms and 20 s.
	Pause, MaxPause time.Duration
	// Jitter returns a number from 0 to 1 that spreads a pause from three to five
	// quarters of its length, so that many clients do not come back at once. Default:
	// random.
	Jitter func() float64
	// MaxRetryAfter is the longest wait that a registry may ask for by Retry-After.
	// Default 2 min.
	MaxRetryAfter time.Duration
	// Total is the time after which no new try of a request begins. Default 30 min.
	Total time.Duration
	// Stall is how long a body may stand still while it moves. The time that its
	// source or its reader take does not count. Default 30 s.
	Stall time.Duration
	// Question is how long the answer to a request may take that sends nothing.
	// Default 1 min.
	Question time.Duration
	// Answer is how long any other may take, after the last byte of the request:
	// registries are silent while they store a large blob. Default 10 min.
	Answer time.Duration
	// Remark is when to tell the user that such an answer is waited for. Default 15 s.
	Remark time.Duration
	// Sleep waits, or fails when the context ends before. Default: a timer.
	Sleep func(context.Context, time.Duration) error
}

func (p Policy) withDefaults() Policy {
	setDefault(&p.Tries, 6)
	setDefault(&p.FirstTries, 3)
	setDefault(&p.Pause, 500*time.Millisecond)
	setDefault(&p.MaxPause, 20*time.Second)
	setDefault(&p.MaxRetryAfter, 2*time.Minute)
	setDefault(&p.Total, 30*time.Minute)
	setDefault(&p.Stall, 30*time.Second)
	setDefault(&p.Question, time.Minute)
	setDefault(&p.Answer, 10*time.Minute)
	setDefault(&p.Remark, 15*time.Second)
	if p.Jitter == nil {
		p.Jitter = rand.Float64
	}
	if p.Sleep == nil {
		p.Sleep = sleep
	}
	return p
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// pause is the wait after the failure of a try, counted from 1.
func (p Policy) pause(try int) time.Duration {
	d := p.Pause
	for range try - 1 {
		if d *= 2; d >= p.MaxPause {
			d = p.MaxPause
			break
		}
	}
	return time.Duration(float64(d) * (0.75 + p.Jitter()/2))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
