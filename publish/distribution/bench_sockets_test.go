package distribution_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// hurry is by how much the pauses between tries are shorter where the clock is real.
const hurry = 200

// TestBenchAtRegistry is the bench with a real registry behind a proxy, and real
// connections to it.
func TestBenchAtRegistry(t *testing.T) {
	if raced && *seedCount == 0 {
		t.Skip("the race detector looks at TestBenchOnSockets; -seeds 1 runs this too")
	}
	need.Registry(t)
	t.Parallel()
	var fit []row
	for _, r := range rows() {
		if !r.still {
			fit = append(fit, r)
		}
	}
	benchOnSockets(t, fit, seeds(1, 1), proxyTo(t, need.StartRegistryWith(t, need.RegistryOptions{})))
}

// TestBenchOnSockets has go-containerregistry's registry behind real connections,
// which break in more ways than those in memory.
func TestBenchOnSockets(t *testing.T) {
	t.Parallel()
	benchOnSockets(t, rows(), seeds(1, 1), newShelf())
}

func benchOnSockets(t *testing.T, rows []row, seeds uint64, registry http.Handler) {
	t.Helper()
	var table report
	t.Run("rows", func(t *testing.T) {
		var waiting []socketRow
		for number, r := range rows {
			s := socketRow{row: r, line: table.line(r), number: number, seeds: int(seeds), registry: registry}
			switch {
			case r.secure || r.cdn: // these hosts need names
				table.drop(s.line)
			case r.slow || r.calm:
				waiting = append(waiting, s)
			default:
				t.Run(testName(r), func(t *testing.T) {
					t.Parallel()
					s.run(t, 1)
				})
			}
		}
		t.Run("those that wait", func(t *testing.T) {
			t.Parallel()
			var all sync.WaitGroup
			for _, s := range waiting {
				all.Go(func() { s.run(t, s.seeds) })
			}
			all.Wait()
		})
	})
	t.Logf("on sockets, waits %d times as short:\n%s", hurry, table.String())
}

// socketRow is a row that is run on sockets.
type socketRow struct {
	row      row
	line     *line
	number   int
	seeds    int
	registry http.Handler
}

// run runs the row with all seeds, so many at once.
func (s socketRow) run(t *testing.T, atOnce int) {
	t.Helper()
	outcomes := make([]outcome, s.seeds)
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range outcomes {
		g.Go(func() error {
			repo := fmt.Sprintf("row-%d/app-%d", s.number, i+1)
			outcomes[i] = runOnSockets(t, s.row, uint64(i)+1, s.registry, repo)
			return nil
		})
	}
	_ = g.Wait()
	for i, o := range outcomes {
		s.line.add(t, uint64(i)+1, o)
	}
	s.line.check(t)
}

func runOnSockets(t *testing.T, r row, seed uint64, registry http.Handler, repo string) outcome {
	b := &bed{
		row: r, network: sockets{small: r.slow}, dial: sockets{small: r.slow}.dial, registry: registry, hurry: hurry,
		repo: repo, pace: defaults,
	}
	b.pace.drip, b.pace.commit, b.pace.patience = 2*time.Millisecond, 50*time.Millisecond, 30*time.Second
	var p distribution.Policy
	if r.slow {
		b.pace.stall, b.pace.question, b.pace.answer = time.Second, 2*time.Second, 2*time.Second
		p.Stall, p.Question, p.Answer = b.pace.stall, b.pace.question, b.pace.answer
	}
	o := b.run(t.Context(), seed, p)
	o.elapsed = 0 // the clock of a busy machine says little
	return o
}

// proxyTo is a proxy before a registry, with connections of its own.
func proxyTo(t *testing.T, host string) http.Handler {
	t.Helper()
	carrier := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(carrier.CloseIdleConnections)
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	p.Transport, p.ErrorLog, p.FlushInterval = carrier, quiet, -1
	return p
}
