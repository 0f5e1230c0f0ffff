//go:build linux

package main_test

import (
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trial is one run of a tool.
type trial struct {
	result
	wall         time.Duration
	dotnet       time.Duration // nanobuild's longest call of dotnet
	base, target traffic
}

// part is the container part of a run of nanobuild.
func (tr trial) part() time.Duration { return tr.wall - tr.dotnet }

// peak is the largest resident set in bytes: of the process, and of those that
// it waited for.
func (tr trial) peak() int64 {
	usage, is := tr.state.SysUsage().(*syscall.Rusage)
	if !is {
		return 0
	}
	return usage.Maxrss << 10 // Linux counts KiB
}

// summary is a line for the log.
func (tr trial) summary() string {
	parts := []string{seconds(tr.wall)}
	if tr.dotnet > 0 {
		parts = append(parts, "dotnet "+seconds(tr.dotnet))
	}
	if len(tr.base.requests) > 0 {
		parts = append(parts, "base: "+tr.base.String())
	}
	if len(tr.target.requests) > 0 {
		parts = append(parts, "target: "+tr.target.String())
	}
	return strings.Join(parts, "; ")
}

// order is what a tool is asked to do.
type order struct {
	world world
	apps  []app
	repo  string // without the registry; a prefix that ends in a slash for several applications
}

// tool publishes applications in a way of its own.
type tool struct {
	site
	watch *stopwatch // of the dotnet that it calls, if it does not say itself
	run   func(t testing.TB, s site, o order) result
}

func (tl tool) name() string { return filepath.Base(tl.dir) }

// publish runs the tool once and counts what it sends and asks for.
func (tl tool) publish(t testing.TB, o order) trial {
	t.Helper()
	o.world.base.reset()
	o.world.target.reset()
	began := time.Now()
	tr := trial{result: tl.run(t, tl.site, o)}
	tr.wall = time.Since(began)
	tr.target, tr.base = o.world.target.reset(), o.world.base.reset() // no traffic for the base where they are one
	if tl.watch != nil {
		var ran bool
		if tr.dotnet, ran = tl.watch.longest(t); !ran && tr.code == 0 {
			t.Fatalf("%s ran no dotnet that could be timed", tl.name())
		}
	}
	return tr
}

// nanobuildTool publishes with nanobuild, whose dotnet is timed.
func nanobuildTool(s site, watch stopwatch) tool {
	return tool{site: s, watch: &watch, run: func(t testing.TB, s site, o order) result {
		args := []string{"publish", "--base", o.world.from, "--repo", o.world.target.host + "/" + o.repo, "--dotnet", watch.program}
		for _, a := range o.apps {
			args = append(args, s.project(a))
		}
		return run(t, s.dir, s.env(), args...)
	}}
}

// sdkTool publishes with the SDK, one application after another.
func sdkTool(s site) tool {
	return tool{site: s, run: func(t testing.TB, s site, o order) result {
		return runEach(t, s, o.apps, func(a app) []string {
			repo := o.repo
			if len(o.apps) > 1 {
				repo = path.Join(o.repo, a.name)
			}
			return sdkImageArgs(o.world.from, o.world.target.host+"/"+repo)
		})
	}}
}

// plainTool publishes without an image.
func plainTool(s site) tool {
	return tool{site: s, run: func(t testing.TB, s site, o order) result {
		return runEach(t, s, o.apps, func(app) []string { return nil })
	}}
}

// runEach runs dotnet publish for each application until one fails, and returns
// the last result.
func runEach(t testing.TB, s site, apps []app, more func(app) []string) result {
	t.Helper()
	var r result
	for _, a := range apps {
		args := append(sdkArgs(filepath.Base(s.project(a))), more(a)...)
		if r = runDotnet(t, filepath.Dir(s.project(a)), s.env(), args...); r.code != 0 {
			break
		}
	}
	return r
}
