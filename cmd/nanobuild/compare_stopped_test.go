//go:build linux

package main_test

import (
	"fmt"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// playStopped publishes an application on a pinned base to a new repository while
// the base's registry does not answer, but an image on the same base is in the
// target's.
func (c *comparison) playStopped(t *testing.T) {
	pinned := c.world
	pinned.from = pin(t, c.world.from)
	var codes []string
	for _, tl := range []tool{c.ours, c.sdk} {
		o := order{pinned, []app{helloApp}, "stopped"}
		c.publish(t, tl, o)
		o.repo = tl.name() + "/stopped/new"
		r := c.withoutBase(t, tl, o)
		if r.code != 0 && tl.name() == c.ours.name() {
			t.Errorf("the base's registry stopped, its layers in the target: %s", r)
		}
		codes = append(codes, fmt.Sprint(r.code))
	}
	c.table.section("hello to a new repository, pinned base, its registry stopped")
	r := row{what: "  exit code", ours: codes[0], rival: codes[1], limit: "0"}
	r.verdict = verdict(r.ours, r.limit)
	c.table.add(r)
}

// withoutBase publishes while the base's registry refuses connections.
func (c *comparison) withoutBase(t testing.TB, tl tool, o order) trial {
	t.Helper()
	c.world.base.stop()
	defer c.world.base.start(t)
	return tl.publish(t, o)
}

// pin replaces the tag of a reference by the digest that it names.
func pin(t testing.TB, ref string) string {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	d, err := remote.Head(tag)
	if err != nil {
		t.Fatal(err)
	}
	return tag.Context().Digest(d.Digest.String()).String()
}
