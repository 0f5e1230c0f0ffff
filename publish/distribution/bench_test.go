package distribution_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

var (
	onlySeed  = flag.Uint64("seed", 0, "run the bench in memory with this seed only")
	seedCount = flag.Uint64("seeds", 0, "run each row of the bench with that many seeds")
)

// seeds is how often each row is run: usual times, or fewer where that takes long.
func seeds(usual, few uint64) uint64 {
	switch {
	case *seedCount > 0:
		return *seedCount
	case raced || testing.Short():
		return few
	}
	return usual
}

// defaults are the limits of a [distribution.Policy] that sets none.
var defaults = pace{
	stall: 30 * time.Second, question: time.Minute, answer: 10 * time.Minute,
	drip: 24 * time.Second, commit: 8 * time.Minute, patience: 2 * time.Hour,
}

// outcome is what became of a run.
type outcome struct {
	err     error
	strokes []stroke
	pauses  []time.Duration
	notices []string
	elapsed time.Duration // of the bubble's clock, where the work itself takes no time
}

// TestBench pushes and pulls an image with every kind of bad registry, many times,
// and has every byte checked. The network is in memory and the clock stands while
// anybody works, so that the policy is the real one.
func TestBench(t *testing.T) {
	t.Parallel()
	certificate() // outside of all bubbles
	var table report
	t.Run("rows", func(t *testing.T) {
		for _, r := range rows() {
			t.Run(testName(r), func(t *testing.T) {
				t.Parallel()
				line := table.line(r)
				for seed := range seeds(20, 2) {
					if *onlySeed != 0 && seed+1 != *onlySeed {
						continue
					}
					var o outcome
					synctest.Test(t, func(t *testing.T) { o = bedInMemory(r).run(t.Context(), seed+1, distribution.Policy{}) })
					line.add(t, seed+1, o)
				}
				line.check(t)
			})
		}
	})
	t.Log("in memory, waits of the default policy:\n" + table.String())
}

func bedInMemory(r row) *bed {
	n := new(wires)
	return &bed{row: r, pace: defaults, network: n, dial: n.dial, registry: newShelf(), repo: "app", hurry: 1}
}

// run pushes and pulls the image.
func (b *bed) run(ctx context.Context, seed uint64, p distribution.Policy) (out outcome) {
	waits := &pauses{begin: time.Now()}
	host := b.start(seed)
	n := b.client(p, waits)
	begin := time.Now()
	err := b.pushAndPull(ctx, n, host)
	out.elapsed = time.Since(begin)
	b.stop()
	for _, f := range b.faults {
		out.strokes = append(out.strokes, f.record()...)
	}
	for _, s := range out.strokes {
		if s.unnoticed {
			b.complain(fmt.Sprintf("%s at %s was not noticed", s.fault, s.key))
		}
	}
	b.countTokens(out.elapsed)
	for _, c := range b.complaints {
		err = errors.Join(err, fmt.Errorf("%w: %s", errComplaint, c))
	}
	out.err, out.pauses, out.notices = err, waits.list(), waits.notices
	return out
}

// errComplaint is what a client must not do, whether it gets through or not.
var errComplaint = errors.New("complaint")

// countTokens complains when more tokens were asked for than died: all workers must
// share one.
func (b *bed) countTokens(elapsed time.Duration) {
	if b.gate == nil || b.gate.life == 0 || b.hurry > 1 {
		return
	}
	// One for pushing and one for pulling; a client may renew one before it dies.
	if most := 2 + 2*int(elapsed/(b.gate.life*3/4)); b.gate.requests() > most {
		b.complain(fmt.Sprintf("%d tokens in %s, which live for %s", b.gate.requests(), elapsed, b.gate.life))
	}
}

func (b *bed) pushAndPull(ctx context.Context, n *distribution.Network, host string) error {
	if err := before().store(b.registry, b.repo); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	to, err := b.repository(n, host, distribution.Push)
	if err != nil {
		return err
	}
	from, err := b.source(host)
	if err != nil {
		return err
	}
	if err := push(ctx, to, image(), from); err != nil {
		return errors.Join(fmt.Errorf("push: %w", err), b.unmoved())
	}
	if err := image().check(b.registry, b.repo); err != nil {
		return fmt.Errorf("what was pushed: %w: %w", errWrong, err)
	}
	r, err := b.repository(n, host, distribution.Pull)
	if err != nil {
		return err
	}
	if err := pull(ctx, r, image()); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	return nil
}

var errMoved = errors.New("the tag has moved all the same")

// unmoved tells whether the tag is where it was before the run.
func (b *bed) unmoved() error {
	content, err := tagged(b.registry, b.repo)
	if err == nil && string(content) != string(before().manifest.content) {
		err = errMoved
	}
	return err
}

// source is the repository that has the first layer already, if the row wants one.
func (b *bed) source(host string) (*source, error) {
	if !b.row.mount {
		return nil, nil
	}
	if err := base().store(b.registry, b.repo+"-base"); err != nil {
		return nil, err
	}
	from, err := name.NewRepository(host + "/" + b.repo + "-base")
	return &source{from, b.row.granted}, err
}

var _ http.Handler = (*faults)(nil)
