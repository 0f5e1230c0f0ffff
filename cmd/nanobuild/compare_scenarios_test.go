//go:build linux

package main_test

import (
	"testing"
	"time"
)

// scenario is a state of the world in which every tool publishes once per round.
type scenario struct {
	name    string
	apps    []app
	repo    string // below the tool's; the first application's name when empty
	once    bool   // one round without a plain publish: only bytes count
	plain   string // the scenario whose plain publishes count here, too; they know no registry
	latency time.Duration
	// world makes the registries of one run; nil for those that stay.
	world  func(t testing.TB, c *comparison) world
	change bool // one line of the first application's source before each run
	fresh  bool // the machine has no records and no stored blobs
	report func(t *testing.T, c *comparison, o outcome)
}

// webapiUnchanged is the scenario that others refer to.
const webapiUnchanged = "webapi, nothing changed"

const (
	helloChange  = 100_000 // bytes of blobs after one changed line
	webapiChange = 150_000
	secondPush   = 2_000_000 // of a second application's own layers
	slowness     = 50 * time.Millisecond
)

func scenarios() []scenario {
	return []scenario{
		{name: "hello, nothing changed", apps: []app{helloApp}, report: unchanged},
		{name: webapiUnchanged, apps: []app{webapiApp}, report: unchanged},
		{
			name: "webapi, nothing changed, 50 ms more per request", apps: []app{webapiApp},
			latency: slowness, plain: webapiUnchanged, report: unchangedAndSlow,
		},
		{name: "hello, one line changed", apps: []app{helloApp}, change: true, report: changed(helloChange)},
		{name: "webapi, one line changed", apps: []app{webapiApp}, change: true, report: changed(webapiChange)},
		{name: "second web app to a new repository", apps: []app{secondApp}, repo: "second/new", once: true, report: second},
		{name: "webapi, nothing changed, fresh machine", apps: []app{webapiApp}, fresh: true, report: freshUnchanged},
		{name: "webapi, one line changed, fresh machine", apps: []app{webapiApp}, fresh: true, change: true, report: changed(webapiChange)},
		{
			name: "webapi, first push, base on another registry, empty target", apps: []app{webapiApp},
			world: emptyTarget, fresh: true, report: firstPush,
		},
		{
			name: "webapi, first push, base in the target's registry", apps: []app{webapiApp},
			world: mountable, fresh: true, plain: webapiUnchanged, report: firstPushMountable,
		},
		{
			name: "three web apps in one call, empty target", apps: []app{webapiApp, secondApp, thirdApp}, repo: "three/", once: true,
			world: emptyTarget, fresh: true, report: three,
		},
	}
}

// emptyTarget is a new registry for the images; the base stays on its own.
func emptyTarget(t testing.TB, c *comparison) world {
	return world{c.world.base, registryProxy(t), c.world.from}
}

// mountable is a new registry that has the base, from which it can be mounted.
func mountable(t testing.TB, c *comparison) world {
	p := registryProxy(t)
	return world{p, p, pushBig(t, p, c.bigBase)}
}

// outcome is what a scenario's runs left, in the order of rounds.
type outcome struct {
	app              app // the first of them
	ours, sdk, plain []trial
}

// play runs the scenario and reports.
func (c *comparison) play(t *testing.T, s scenario) {
	rounds := c.rounds
	if s.once {
		rounds = 1
	}
	o := outcome{app: s.apps[0], plain: c.outcomes[s.plain].plain}
	for round := range rounds {
		for _, tl := range c.turns(round) {
			if (s.once || s.plain != "") && tl.name() == c.plain.name() {
				continue
			}
			tr := c.try(t, s, tl, round)
			switch tl.name() {
			case c.ours.name():
				o.ours = append(o.ours, tr)
			case c.sdk.name():
				o.sdk = append(o.sdk, tr)
			default:
				o.plain = append(o.plain, tr)
			}
		}
	}
	c.outcomes[s.name] = o
	c.table.section(s.name)
	s.report(t, c, o)
}

// try is one run of one tool in the scenario.
func (c *comparison) try(t *testing.T, s scenario, tl tool, round int) trial {
	t.Helper()
	w := c.world
	if s.world != nil && tl.name() != c.plain.name() {
		w = s.world(t, c)
	}
	if s.fresh {
		tl.forget(t)
	}
	if s.change {
		tl.changeLine(t, s.apps[0], time.Now().UnixNano()) // a line that it never had
	}
	repo := s.repo
	if repo == "" {
		repo = s.apps[0].name
	}
	w.delay(s.latency)
	defer w.delay(0)
	tr := c.publish(t, tl, order{w, s.apps, repo})
	t.Logf("round %d, %-5s %s", round+1, tl.name(), tr.summary())
	if tl.name() == c.ours.name() && s.world == nil {
		if before := c.last[repo]; !s.change && before != "" && tr.stdout != before {
			t.Errorf("nothing changed, but the image is %s and was %s", tr.stdout, before)
		}
		c.last[repo] = tr.stdout
	}
	return tr
}
