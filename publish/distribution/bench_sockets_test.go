package distribution_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
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
	benchOnSockets(t, fit, seeds(2, 1), proxyTo(t, need.StartRegistryWith(t, need.RegistryOptions{})))
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
		for number, r := range rows {
			if r.secure || r.cdn {
				continue // these hosts need names
			}
			t.Run(strings.ReplaceAll(r.name, "/", ""), func(t *testing.T) {
				t.Parallel()
				line := table.line(r)
				outcomes := make([]outcome, seeds)
				var g errgroup.Group
				g.SetLimit(1)
				if r.slow || r.calm {
					g.SetLimit(int(seeds)) // it is waiting that takes the time
				}
				for i := range outcomes {
					g.Go(func() error {
						repo := fmt.Sprintf("row-%d/app-%d", number, i+1)
						outcomes[i] = runOnSockets(t, r, uint64(i)+1, registry, repo)
						return nil
					})
				}
				_ = g.Wait()
				for i, o := range outcomes {
					line.add(t, uint64(i)+1, o)
				}
				line.check(t)
			})
		}
	})
	t.Logf("on sockets, waits %d times as short:\n%s", hurry, table.String())
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
