//go:build linux

package main_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// compareVariable turns the comparison on: the number of rounds, each of which
// runs every tool once. 1 is for trying it out, 3 the fewest for a median.
const compareVariable = "NANOBUILD_TEST_COMPARE"

// TestCompare runs nanobuild, the SDK's own way to publish images, and crane side
// by side, and prints a table. Bytes and numbers of requests must keep to their
// limits; times are printed with a verdict, but fail nothing, since no machine
// that is shared can promise them. To run it:
//
//	NANOBUILD_TEST_COMPARE=3 go test -count=1 -v -timeout 30m -run '^TestCompare$' ./cmd/nanobuild
func TestCompare(t *testing.T) {
	rounds := compareRounds(t)
	needDotnet(t)
	began := time.Now()
	c := newComparison(t, rounds)
	t.Cleanup(func() {
		t.Logf("%s\n%s%d over their limit; %.0f s", c.header(), &c.table, c.table.over(), time.Since(began).Seconds())
	})
	c.publishFirst(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) { c.play(t, s) })
	}
	t.Run("base registry stopped", c.playStopped)
	t.Run("a folder against crane", c.playCrane)
	t.Run("memory", c.playMemory)
	t.Run("cache", c.playCache)
}

func compareRounds(t *testing.T) int {
	v := os.Getenv(compareVariable)
	if v == "" {
		t.Skip("set " + compareVariable + " to a number of rounds, such as 3")
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is no number of rounds", compareVariable, v)
	}
	return n
}

// comparison is the state that the scenarios share.
type comparison struct {
	rounds           int
	sdkVersion       string
	ours, sdk, plain tool
	bigBase          v1.Image
	world            world // the base in one registry, images in another
	outcomes         map[string]outcome
	last             map[string]string // what nanobuild printed last, by repository
	table            table
}

func newComparison(t *testing.T, rounds int) *comparison {
	t.Helper()
	root := t.TempDir()
	all := []app{helloApp, webapiApp, secondApp, thirdApp, shopApp}
	c := &comparison{rounds: rounds, last: map[string]string{}, outcomes: map[string]outcome{}}
	c.ours = nanobuildTool(newSite(t, root, "ours", all...), newStopwatch(t, need.Dotnet(t)))
	c.sdk = sdkTool(newSite(t, root, "sdk", all...))
	c.plain = plainTool(newSite(t, root, "plain", all...))
	c.sdkVersion = strings.TrimSpace(runDotnet(t, root, nil, "--version").stdout)
	c.bigBase = bigBase(t)
	base := registryProxy(t)
	c.world = world{base, registryProxy(t), pushBig(t, base, c.bigBase)}
	return c
}

// publishFirst brings every tool into the state after yesterday's publish: hello
// and webapi are built and in the registry.
func (c *comparison) publishFirst(t *testing.T) {
	t.Helper()
	for _, a := range []app{helloApp, webapiApp} {
		for _, tl := range c.turns(0) {
			tr := c.publish(t, tl, order{c.world, []app{a}, a.name})
			t.Logf("%s publishes %s for the first time: %s", tl.name(), a.name, seconds(tr.wall))
		}
	}
}

// turns are all tools, in another order each round.
func (c *comparison) turns(round int) []tool {
	all := []tool{c.ours, c.sdk, c.plain}
	k := round % len(all)
	return append(append([]tool{}, all[k:]...), all[:k]...)
}

// publish runs a tool, which must succeed. Each has repositories of its own.
func (c *comparison) publish(t testing.TB, tl tool, o order) trial {
	t.Helper()
	o.repo = tl.name() + "/" + o.repo
	tr := tl.publish(t, o)
	if tr.code != 0 {
		t.Fatalf("%s publishes %s: %s", tl.name(), o.repo, tr)
	}
	return tr
}

func (c *comparison) header() string {
	return fmt.Sprintf(`
nanobuild against .NET SDK %s (dotnet publish -t:PublishContainer) and crane; %s/%s, %d cores, GOMAXPROCS=2, medians of %d
%s
every registry is docker-registry behind a counting proxy in the test's process; the base has one layer of %d MB
container part: ours = run - longest dotnet call, the SDK's = run - plain dotnet publish in the same state
`, c.sdkVersion, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), c.rounds, sdkServers, bigBytes/1_000_000)
}
