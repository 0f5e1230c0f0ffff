//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const (
	cacheLimit     = 100_000
	cachePublishes = 10
)

// playCache publishes three applications ten times each, with other symbols
// each time, and looks at what the cache holds then.
func (c *comparison) playCache(t *testing.T) {
	s := c.ours.site
	s.forget(t)
	c.publish(t, c.plain, order{world: c.world, apps: []app{shopApp}})
	for _, a := range []app{helloApp, webapiApp, shopApp} {
		dir := filepath.Join(t.TempDir(), a.name)
		copyTree(t, c.plain.published(a), dir)
		for i := range cachePublishes {
			f, err := os.OpenFile(filepath.Join(dir, a.program+".pdb"), os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(f, "%d", i); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			ok(t, s.dir, s.env(), "publish", dir, "--base", c.world.from, "--repo", c.world.target.host+"/cache/"+a.name)
		}
	}
	c.table.section("cache after hello, webapi and shop, ten times each")
	bytes, there := folderSize(t, s.cache())
	if !there || bytes == 0 {
		t.Fatalf("no cache was written to %s", s.cache())
	}
	r := bytesRow("  size", bytes, 0, cacheLimit).withoutRival()
	if r.verdict != verdictOK {
		t.Errorf("the cache has %s, more than %s", r.ours, r.limit)
	}
	c.table.add(r)
}
