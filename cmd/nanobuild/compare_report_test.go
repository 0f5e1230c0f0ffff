//go:build linux

package main_test

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// What the scenarios report, and the limits that they hold nanobuild to.

func unchanged(t *testing.T, c *comparison, o outcome) {
	c.table.add(o.part(0.1))
	c.table.add(ratioRow("  container part / sha256 of the folder", medianOf(o.ours, trial.part), c.hashPass(t, o), 2))
	c.table.add(o.whole(1), o.dotnet())
	c.table.add(o.blobs(t, 0))
	c.table.add(o.requests(t)...)
}

func unchangedAndSlow(t *testing.T, c *comparison, o outcome) {
	quick, is := c.outcomes[webapiUnchanged]
	if !is {
		t.Skipf("%q did not run", webapiUnchanged)
	}
	c.table.add(o.part(0), o.whole(1))
	c.table.add(timeRow("  container part grows by", medianOf(o.ours, trial.part)-medianOf(quick.ours, trial.part),
		o.sdkPart()-quick.sdkPart(), 200*time.Millisecond))
	c.table.add(o.blobs(t, 0))
	c.table.add(o.requests(t)...)
}

func changed(limit int64) func(*testing.T, *comparison, outcome) {
	return func(t *testing.T, c *comparison, o outcome) {
		c.table.add(o.part(0.15), o.whole(0), o.dotnet(), o.blobs(t, limit), o.toldRequests())
	}
}

func freshUnchanged(t *testing.T, c *comparison, o outcome) {
	c.table.add(o.part(0.15), o.whole(0), o.blobs(t, 0), o.toldRequests())
}

func second(t *testing.T, c *comparison, o outcome) {
	c.table.add(o.whole(0), o.blobs(t, secondPush), o.toldRequests())
}

func firstPush(t *testing.T, c *comparison, o outcome) {
	c.table.add(o.part(0.4), o.whole(0), o.blobs(t, noLimit), o.toldRequests())
	base, err := c.bigBase.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for _, l := range base.Layers {
		want += l.Size
	}
	down := func(tr trial) int64 { return tr.base.down[aboutBlob] }
	r := bytesRow("  bytes of the base's blobs downloaded", most(o.ours, down), medianOf(o.sdk, down), want+base.Config.Size)
	if r.verdict != verdictOK {
		t.Errorf("the base has %s, but %s were downloaded", r.limit, r.ours)
	}
	c.table.add(r)
	for _, tr := range o.ours {
		img := pullImage(t, tr.lines()[0])
		for i, l := range base.Layers {
			if img.Layers[i].Digest != l.Digest {
				t.Errorf("layer %d of the image is %s, the base's is %s", i, img.Layers[i].Digest, l.Digest)
			}
			if n := tr.target.uploads[l.Digest.String()]; n != 1 {
				t.Errorf("layer %d of the base was uploaded %d times", i, n)
			}
		}
	}
}

func firstPushMountable(t *testing.T, c *comparison, o outcome) {
	if len(o.plain) == 0 {
		t.Skipf("%q did not run", webapiUnchanged)
	}
	c.table.add(o.part(0), o.whole(0), o.blobs(t, noLimit), o.toldRequests())
}

func three(t *testing.T, c *comparison, o outcome) {
	c.table.add(ratioRow("  whole run, the SDK one after another", medianOf(o.ours, wall), medianOf(o.sdk, wall), 0))
	c.table.add(o.blobs(t, noLimit), o.toldRequests())
	uploads := func(tr trial) int { return tr.target.mostUploads() }
	r := countRow("  uploads of the same blob", most(o.ours, uploads), medianOf(o.sdk, uploads), 1)
	if r.verdict != verdictOK {
		t.Errorf("a blob was uploaded %s times", r.ours)
	}
	c.table.add(r)
}

func wall(tr trial) time.Duration { return tr.wall }

// sdkPart is the container part of the SDK's runs.
func (o outcome) sdkPart() time.Duration { return medianOf(o.sdk, wall) - medianOf(o.plain, wall) }

func (o outcome) part(limit float64) row {
	return ratioRow("  container part", medianOf(o.ours, trial.part), o.sdkPart(), limit)
}

func (o outcome) whole(limit float64) row {
	return ratioRow("  whole run", medianOf(o.ours, wall), medianOf(o.sdk, wall), limit)
}

// dotnet tells what nanobuild's switches for dotnet cost: they are no part of
// its container part, but of its whole run.
func (o outcome) dotnet() row {
	in := medianOf(o.ours, func(tr trial) time.Duration { return tr.dotnet })
	return ratioRow("  dotnet alone, ours / plain publish", in, medianOf(o.plain, wall), 0)
}

// blobs compares the bytes of blobs: nanobuild's worst run must keep to the limit.
func (o outcome) blobs(t *testing.T, limit int64) row {
	t.Helper()
	sent := func(tr trial) int64 { return tr.target.blobBytes() }
	r := bytesRow("  bytes of blobs uploaded", most(o.ours, sent), medianOf(o.sdk, sent), limit)
	if r.verdict == verdictOver {
		t.Errorf("%s of blobs were uploaded, more than %s", r.ours, r.limit)
	}
	return r
}

func targetRequests(tr trial) int { return tr.target.authorised() }
func baseRequests(tr trial) int   { return tr.base.authorised() }

func (o outcome) toldRequests() row {
	all := func(tr trial) int { return targetRequests(tr) + baseRequests(tr) }
	return countRow("  requests", most(o.ours, all), medianOf(o.sdk, all), noLimit)
}

// requests holds every run of nanobuild to one HEAD for its tag and one request
// at the base's registry.
func (o outcome) requests(t *testing.T) []row {
	t.Helper()
	for _, tr := range o.ours {
		asked := map[request]int{}
		for r, n := range tr.target.requests {
			if r.about != aboutPing && r.about != aboutToken {
				asked[r] = n
			}
		}
		if diff := cmp.Diff(map[request]int{{http.MethodHead, aboutManifest}: 1}, asked); diff != "" {
			t.Errorf("requests at the target (-want +got):\n%s", diff)
		}
		if n := tr.base.authorised(); n != 1 {
			t.Errorf("%d requests at the base's registry, want 1: %s", n, tr.base)
		}
		if n := tr.target.sent() + tr.base.sent(); n != 0 {
			t.Errorf("%d bytes of bodies were sent", n)
		}
	}
	return []row{
		countRow("  requests at the target", most(o.ours, targetRequests), medianOf(o.sdk, targetRequests), 1),
		countRow("  requests at the base's registry", most(o.ours, baseRequests), medianOf(o.sdk, baseRequests), 1),
	}
}

// hashPass is the time in which one thread opens, reads and hashes each file of
// the application's publish folder.
func (c *comparison) hashPass(t *testing.T, o outcome) time.Duration {
	t.Helper()
	var times []time.Duration
	for range len(o.ours) {
		began := time.Now()
		if err := hashFolder(c.plain.published(o.app)); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	return median(times)
}

func hashFolder(dir string) error {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		h.Reset()
		_, err = io.CopyBuffer(h, struct{ io.Reader }{f}, buf)
		h.Sum(nil)
		return err
	})
}

// pullImage is the manifest behind a digest reference that was printed.
func pullImage(t *testing.T, ref string) *v1.Manifest {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(r)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
