package publish

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// skopeoReads returns the digest under which skopeo sees the image, after having
// copied all its blobs to a folder, which checks them.
func skopeoReads(t *testing.T, ref string) string {
	t.Helper()
	skopeo := need.Skopeo(t)
	args := []string{"--override-os", "windows", "--override-arch", "amd64", "--insecure-policy"}
	dest := t.TempDir()
	run := func(more ...string) []byte {
		var stderr bytes.Buffer
		cmd := exec.Command(skopeo, append(args, more...)...)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("skopeo %s: %v\n%s", strings.Join(more, " "), err, stderr.String())
		}
		return out
	}
	run("copy", "--src-tls-verify=false", ref, "dir:"+dest)
	var inspected struct{ Digest, Os string }
	if err := json.Unmarshal(run("inspect", "--tls-verify=false", ref), &inspected); err != nil {
		t.Fatal(err)
	}
	if inspected.Os != "windows" {
		t.Errorf("skopeo sees os %q", inspected.Os)
	}
	return inspected.Digest
}

func TestDockerRegistryAndSkopeo(t *testing.T) {
	t.Parallel()
	need.Skopeo(t)
	host := need.StartRegistry(t)
	dir := t.TempDir()
	base := remoteBase(t, host+"/windows/nanoserver", testLayer(t, 7, 400_000))
	img := testImage(t, base, testLayer(t, 1, 200_000), testLayer(t, 2, 90_000))
	sinks := []Sink{
		newTestRegistry(t, host+"/team/app", RegistryOptions{}),
		NewLayout(filepath.Join(dir, "layout"), LayoutOptions{Repository: "team/app"}),
		NewTarball(filepath.Join(dir, "app.tar"), []string{"team/app"}, TarballOptions{}),
	}
	for _, s := range sinks {
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	hows := map[How]int{}
	if _, err := Push(t.Context(), img, sinks, []string{"v1", "latest"}, PushOptions{Report: func(e Event) {
		if e.Kind == LayerFinished && e.Sink == host+"/team/app" {
			hows[e.How]++
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[How]int{Mounted: 1, Uploaded: 2}, hows); diff != "" {
		t.Errorf("layers of the registry (-want +got):\n%s", diff)
	}
	got, err := remote.Image(mustRepo(t, host+"/team/app").Tag("latest"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	digest := digestOf(t, img).String()
	if got := skopeoReads(t, "docker://"+host+"/team/app:v1"); got != digest {
		t.Errorf("skopeo sees %s, want %s", got, digest)
	}
	for _, tag := range []string{"v1", "latest"} {
		skopeoReads(t, "docker-archive:"+filepath.Join(dir, "app.tar")+":team/app:"+tag)
	}
}

// skopeo looks for OCI manifests alone in a layout.
func TestSkopeoReadsLayouts(t *testing.T) {
	t.Parallel()
	need.Skopeo(t)
	dir := t.TempDir()
	img := ociImage(t, testLayer(t, 1, 200_000), testLayer(t, 2, 90_000))
	sinks := []Sink{
		NewLayout(filepath.Join(dir, "layout"), LayoutOptions{Repository: "team/app"}),
		NewLayout(filepath.Join(dir, "named"), LayoutOptions{Repository: "team/app", RefName: func(tag string) string { return "team/app:" + tag }}),
		NewTarball(filepath.Join(dir, "app.tar"), []string{"team/app"}, TarballOptions{}),
	}
	if _, err := Push(t.Context(), img, sinks, []string{"v1", "latest"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	digest := digestOf(t, img).String()
	for _, ref := range []string{
		"oci:" + filepath.Join(dir, "layout") + ":v1", "oci:" + filepath.Join(dir, "layout") + ":latest",
		"oci:" + filepath.Join(dir, "named") + ":team/app:v1", "oci-archive:" + filepath.Join(dir, "app.tar") + ":v1",
	} {
		if got := skopeoReads(t, ref); got != digest {
			t.Errorf("skopeo sees %s at %s, want %s", got, ref, digest)
		}
	}
	skopeoReads(t, "docker-archive:"+filepath.Join(dir, "app.tar")+":team/app:v1")
}

// distribution refuses a manifest whose blobs it lacks, and then gets them.
func TestDockerRegistryMissesLayers(t *testing.T) {
	t.Parallel()
	host := need.StartRegistry(t)
	s := newTestRegistry(t, host+"/app", RegistryOptions{})
	img := testImage(t, testLayer(t, 1, 1000), testLayer(t, 2, 1000))
	if _, err := s.Commit(t.Context(), OfImage(img), []string{"v1"}); err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(mustRepo(t, host+"/app").Tag("v1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
}

// counter notes the requests that reach the network.
type counter struct {
	mu       sync.Mutex
	requests []string
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil { // https to a registry without it is none
		c.mu.Lock()
		defer c.mu.Unlock()
		line := r.Method + " " + r.URL.Path
		if r.URL.Query().Has("mount") {
			line += " mount"
		}
		c.requests = append(c.requests, line)
	}
	return resp, err
}

func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.requests
	c.requests = nil
	return kinds(out)
}

func TestDockerRegistryRequests(t *testing.T) {
	t.Parallel()
	host := need.StartRegistry(t)
	places := NewPlaces()
	requests := new(counter)
	img := testImage(t, testLayer(t, 1, 200_000), testLayer(t, 2, 90_000))
	for _, step := range []struct {
		repo string
		want []string
	}{
		{"team/app", slices.Concat(repeat(1, "GET ping"), repeat(1, "HEAD tag"),
			repeat(3, "HEAD blob", "POST upload", "PUT upload"), repeat(1, "PUT manifest"), repeat(1, "PUT tag"))},
		{"team/app", slices.Concat(repeat(1, "GET ping"), repeat(1, "HEAD tag"))},
		{"team/other", slices.Concat(repeat(1, "GET ping"), repeat(1, "HEAD tag"),
			repeat(3, "HEAD blob", "POST mount"), repeat(1, "PUT manifest"), repeat(1, "PUT tag"))},
	} {
		s := newTestRegistry(t, host+"/"+step.repo, RegistryOptions{Places: places, Network: testNetwork(requests)})
		if _, err := Push(t.Context(), img, []Sink{s}, []string{"v1"}, PushOptions{}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(step.want)
		if diff := cmp.Diff(step.want, requests.take()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.repo, diff)
		}
		found, err := s.Tagged(t.Context(), []string{"v1"})
		if raw, _ := img.RawManifest(); err != nil || found == nil || !bytes.Equal(found.Manifest, raw) {
			t.Errorf("%s: Tagged = %+v, %v", step.repo, found, err)
		}
		requests.take()
	}
}

// The peak of memory must not follow the size of the layer.
func TestMemoryStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 288 MB")
	}
	host := need.StartRegistry(t)
	dir := t.TempDir()
	sinks := []Sink{
		newTestRegistry(t, host+"/big", RegistryOptions{}),
		NewLayout(filepath.Join(dir, "layout"), LayoutOptions{}),
		NewTarball(filepath.Join(dir, "big.tar"), []string{"big"}, TarballOptions{}),
	}
	img := testImage(t, zeros(96<<20))
	before := peakRSS(t)
	if _, err := Push(t.Context(), img, sinks, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	if grown := peakRSS(t) - before; grown > 32<<20 {
		t.Errorf("the peak grew by %d MiB while 96 MiB were pushed", grown>>20)
	}
}

// peakRSS is the high-water mark of this process in bytes.
func peakRSS(t *testing.T) int64 {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var kb int64
		if n, _ := fmt.Sscanf(sc.Text(), "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	t.Skip("no VmHWM in /proc/self/status")
	return 0
}

var _ v1.Layer = zeros(0)
