package distribution_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// seeds is how often each row is run.
func seeds() uint64 {
	if raced || testing.Short() {
		return 3
	}
	return 20
}

var onlySeed = flag.Uint64("seed", 0, "run the bench with this seed only")

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
			t.Run(strings.ReplaceAll(r.name, "/", ""), func(t *testing.T) {
				t.Parallel()
				line := table.line(r)
				for seed := range seeds() {
					if *onlySeed != 0 && seed+1 != *onlySeed {
						continue
					}
					var o outcome
					synctest.Test(t, func(t *testing.T) { o = runInMemory(t.Context(), r, seed+1) })
					line.add(t, seed+1, o)
				}
				line.check(t)
			})
		}
	})
	t.Log("in memory, waits of the default policy:\n" + table.String())
}

func runInMemory(ctx context.Context, r row, seed uint64) outcome {
	n := new(wires)
	b := &bed{row: r, pace: defaults, network: n, dial: n.dial, registry: newShelf(), repo: "app", hurry: 1}
	return b.run(ctx, seed, distribution.Policy{})
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
	for _, c := range b.complaints {
		err = errors.Join(err, errors.New(c))
	}
	out.err, out.pauses, out.notices = err, waits.list(), waits.notices
	return out
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

// unmoved tells whether the tag is where it was before the run.
func (b *bed) unmoved() error {
	content, err := tagged(b.registry, b.repo)
	if err == nil && string(content) != string(before().manifest.content) {
		err = errors.New("the tag has moved all the same")
	}
	return err
}

// source is the repository that has the first layer already, if the row wants one.
func (b *bed) source(host string) (*name.Repository, error) {
	if !b.row.mount {
		return nil, nil
	}
	s := specimen{layers: image().layers[:1], config: image().config, manifest: before().manifest}
	if err := s.store(b.registry, b.repo+"-base"); err != nil {
		return nil, err
	}
	from, err := name.NewRepository(host + "/" + b.repo + "-base")
	return &from, err
}

var _ http.Handler = (*faults)(nil)
