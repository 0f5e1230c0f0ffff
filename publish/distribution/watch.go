package distribution

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// StallError says that nothing came or went for too long.
type StallError struct {
	What  string // what was waited for
	Limit time.Duration
}

func (e *StallError) Error() string { return fmt.Sprintf("%s for %s", e.What, e.Limit) }

// watch ends a request that stands still.
type watch struct {
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer
	remark   *time.Timer
	stalled  *StallError // why it ended the request
	answered bool        // what the body of the request does is of no interest any more
	ended    bool
}

func newWatch(ctx context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watch{cancel: cancel}
}

// expect begins to wait for something, in the place of what was waited for before.
func (w *watch) expect(what string, limit time.Duration) {
	w.expectRemarked(what, limit, 0, nil)
}

// expectRemarked is expect with something to do when it takes long.
func (w *watch) expectRemarked(what string, limit, long time.Duration, remark func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.rest()
	w.timer = time.AfterFunc(limit, func() { w.stall(&StallError{What: what, Limit: limit}) })
	if remark != nil {
		w.remark = time.AfterFunc(long, remark)
	}
}

func (w *watch) stall(err *StallError) {
	w.mu.Lock()
	w.stalled = err
	w.mu.Unlock()
	w.cancel(err)
}

// cause is why the watch ended the request, else err.
func (w *watch) cause(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stalled != nil {
		return w.stalled
	}
	return err
}

// expectStored begins to wait for an answer for which the registry may have a lot to
// do, and says so when it takes long.
func (w *watch) expectStored(n *Network) {
	w.expectRemarked("no answer after the last byte", n.policy.Answer, n.policy.Remark, func() {
		n.o.Notice("waiting for the registry to store what was sent")
	})
}

// idle waits for nothing: the next step is not the network's.
func (w *watch) idle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest()
}

// rest stops the timers; the caller holds the lock.
func (w *watch) rest() {
	for _, t := range []*time.Timer{w.timer, w.remark} {
		if t != nil {
			t.Stop()
		}
	}
}

// answer notes that the answer has begun.
func (w *watch) answer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest()
	w.answered = true
}

// sending calls f, which may wait by the same watch, unless the answer has begun.
func (w *watch) sending(f func()) {
	w.mu.Lock()
	answered := w.answered
	w.mu.Unlock()
	if !answered {
		f()
	}
}

// end gives everything up that belongs to the request.
func (w *watch) end() {
	w.mu.Lock()
	w.rest()
	w.answered, w.ended = true, true
	w.mu.Unlock()
	w.cancel(nil)
}
