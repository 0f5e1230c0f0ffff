package main_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
	"github.com/nanobuild/nanobuild/testdata/need"
)

// kills is how many runs must end in the middle.
const kills = 20

// TestKilled kills the program at random moments while it packs and pushes. A
// layout is never half there, the tag names a whole image or the old one, the
// records lead nobody astray, and the next run removes what the dead one left in
// the temporary folder.
func TestKilled(t *testing.T) {
	t.Parallel()
	registry := need.StartRegistry(t)
	app := publishedApp(t, 24<<20)
	temp, layouts, cache := t.TempDir(), t.TempDir(), t.TempDir()
	env := []string{"TMPDIR=" + temp, "TMP=" + temp, "TEMP=" + temp}
	repo := registry + "/killed"
	publish := func(layout string) []string {
		return []string{"publish", app, "--base", ociBase(t), "--repo", repo, "--oci-layout", layout, "--cache", cache}
	}
	whole := ok(t, app, env, publish(filepath.Join(layouts, "first"))...)
	before := tagged(t, repo)
	dir, killed := filepath.Join(layouts, "killed"), 0
	runs := 0
	for ; killed < kills && runs < 4*kills; runs++ {
		// New content, so that there is work to do and the tag would move.
		writeFile(t, filepath.Join(app, "random.bin"), randomText(uint64(runs), 4<<20))
		cmd := command(t, app, env, publish(dir)...)
		wait := start(t, cmd)
		timer := time.AfterFunc(time.Duration(rand.Int64N(int64(whole.took))), func() { _ = cmd.Process.Kill() })
		r := wait()
		timer.Stop()
		if r.code != 0 {
			killed++
		}
		checkLayout(t, dir)
		// The tag moves last: what it names is whole, whenever the end came.
		if now := tagged(t, repo); now != before {
			checkRemote(t, repo, now)
			before = now
		}
		if t.Failed() {
			t.Fatalf("after run %d, killed after %.2f s", runs, r.took.Seconds())
		}
	}
	t.Logf("%d of %d runs were killed, a whole one takes %.2f s", killed, runs, whole.took.Seconds())
	if killed < kills {
		t.Errorf("only %d of %d runs were killed: the moments are chosen badly", killed, runs)
	}
	last := ok(t, app, env, publish(dir)...)
	checkLayout(t, dir)
	if honest := ok(t, app, env, append(publish(dir), "--cache", "off")...); honest.stdout != last.stdout {
		t.Errorf("with the records of killed runs: %swithout: %s", last.stdout, honest.stdout)
	}
	if left := leftovers(t, temp); len(left) > 0 {
		t.Errorf("left behind after the next run: %q", left)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{"blobs", "index.json", "oci-layout"}, e.Name()) {
			t.Errorf("%s is left in the layout", e.Name())
		}
	}
}

// publishedApp is a publish folder with bytes that do not compress.
func publishedApp(t testing.TB, bytes int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	if err := sampleapp.Write(dir, "hello"); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		writeFile(t, filepath.Join(dir, "data", string(rune('a'+i))+".bin"), randomText(uint64(1000+i), bytes/4))
	}
	return dir
}

// randomText is n bytes that depend on the seed only.
func randomText(seed uint64, n int) string {
	b := make([]byte, n)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	source := rand.NewChaCha8(key)
	_, _ = source.Read(b) // never fails
	return string(b)
}

// tagged is the digest under the tag latest, "" when there is none.
func tagged(t *testing.T, repo string) string {
	t.Helper()
	ref, err := name.ParseReference(repo + ":latest")
	if err != nil {
		t.Fatal(err)
	}
	desc, err := remote.Head(ref)
	if err != nil {
		return ""
	}
	return desc.Digest.String()
}

// checkRemote reads the whole image with this digest.
func checkRemote(t *testing.T, repo, digest string) {
	t.Helper()
	ref, err := name.ParseReference(repo + "@" + digest)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		t.Errorf("read %s: %v", ref, err)
		return
	}
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Errorf("the image %s: %v", ref, err)
	}
}

// checkLayout checks that a layout is not there, or whole: every blob has the
// digest it is called by, and every one that its index reaches is there.
func checkLayout(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "index.json")); errors.Is(err, fs.ErrNotExist) {
		return
	}
	var version struct{ ImageLayoutVersion string }
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "oci-layout"))), &version); err != nil || version.ImageLayoutVersion == "" {
		t.Errorf("oci-layout: %v %v", version, err)
	}
	idx, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Errorf("layout %s: %v", dir, err)
		return
	}
	manifest, err := idx.IndexManifest()
	if err != nil {
		t.Errorf("layout %s: %v", dir, err)
		return
	}
	for _, d := range manifest.Manifests {
		img, err := idx.Image(d.Digest)
		if err != nil {
			t.Errorf("image %s: %v", d.Digest, err)
			continue
		}
		checkBlobs(t, dir, img, d.Digest)
	}
}

func checkBlobs(t *testing.T, dir string, img v1.Image, manifest v1.Hash) {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Error(err)
		return
	}
	digests := []v1.Hash{manifest, m.Config.Digest}
	for _, l := range m.Layers {
		digests = append(digests, l.Digest)
	}
	for _, d := range digests {
		b, err := os.ReadFile(filepath.Join(dir, "blobs", d.Algorithm, d.Hex))
		if err != nil {
			t.Errorf("blob of the layout: %v", err)
			continue
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != d.Hex {
			t.Errorf("blob %s has another digest", d)
		}
	}
}
