package flow

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// put pushes a sample base under tags of the world's registry.
func (w *world) put(t *testing.T, o sample.Options, refs ...string) {
	t.Helper()
	image, err := sample.Image(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if err := remote.Write(reference(t, w.host+"/"+ref), image); err != nil {
			t.Fatal(err)
		}
	}
}

// patches are bases of one build, with the tags that Microsoft gives each.
func (w *world) patches(t *testing.T, versions ...string) {
	t.Helper()
	for _, v := range versions {
		w.put(t, sample.Options{OSVersion: v}, "windows/nanoserver:"+v, "windows/nanoserver:"+v+"-amd64", "windows/nanoserver:ltsc2022")
	}
}

func inspect(t *testing.T, w *world, o InspectOptions) *Inspection {
	t.Helper()
	found, err := Inspect(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestBaseGrowsOld publishes an image, and patches its base month after month.
func TestBaseGrowsOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.patches(t, "10.0.20348.900", "10.0.20348.4171")
	o := w.options(w.app(t, "out", "hi"))
	o.Bases, o.Targets = []string{w.host + "/windows/nanoserver:ltsc2022"}, Targets{Repo: w.host + "/demo", Tags: []string{"v1"}}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Fatal(err)
	}
	image := InspectOptions{Image: w.host + "/demo:v1"}
	line := w.host + "/windows/nanoserver:ltsc2022"
	want := func(state BaseAge, version string, behind int) {
		t.Helper()
		age := inspect(t, w, image).Base.Age
		if age == nil || age.State != state || age.Version != version || age.Behind != behind || age.Reference != line || age.Problem != "" {
			t.Errorf("age %+v, want %s, %s, %d behind", age, state, version, behind)
		}
	}
	want(BaseCurrent, "10.0.20348.4171", 0)
	w.put(t, sample.Options{Env: []string{"A=b"}}, "windows/nanoserver:ltsc2022")
	want(BaseRebuilt, "10.0.20348.4171", 0)
	w.patches(t, "10.0.20348.5000")
	want(BaseBehind, "10.0.20348.5000", 1)
	w.patches(t, "10.0.20348.5100", "10.0.20348.10000")
	want(BaseBehind, "10.0.20348.10000", 3)
	w.put(t, sample.Options{OSVersion: "10.0.20348.10001"}, "windows/nanoserver:ltsc2022")
	want(BaseBehind, "10.0.20348.10001", 0) // its own tag is missing, so others may be
	w.put(t, sample.Options{OSVersion: "10.0.20348.900"}, "windows/nanoserver:ltsc2022")
	want(BaseAhead, "10.0.20348.900", 0)
	w.put(t, sample.Options{OSVersion: "10.0.26100.1"}, "windows/nanoserver:ltsc2022", "windows/nanoserver:ltsc2025")
	age := inspect(t, w, image).Base.Age
	if age == nil || age.State != "" || !strings.Contains(age.Problem, "10.0.26100.1") {
		t.Errorf("age %+v, want a problem with another build", age)
	}
	image.Against = w.host + "/windows/nanoserver:10.0.20348.10000"
	if age := inspect(t, w, image).Base.Age; age == nil || age.State != BaseBehind || age.Behind != 3 || age.Reference != image.Against {
		t.Errorf("age %+v against %s", age, image.Against)
	}
	image.Against = w.host + "/windows/nanoserver:ltsc2025"
	_, err := Inspect(t.Context(), image, w.Deps)
	if stageOf(err) != StageBase {
		t.Fatalf("error = %v, want one of the base", err)
	}
	for _, word := range []string{"10.0.26100.1", "10.0.20348.4171", "--against"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error = %v, want %s in it", err, word)
		}
	}
}

// TestLabelsSendNoRequests: what an image says of its base is asked for in its own
// registry and Microsoft's alone.
func TestLabelsSendNoRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		rw.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(other.Close)
	name := strings.TrimPrefix(other.URL, "http://") + "/base:1"
	w.put(t, sample.Options{ExtraConfig: map[string]any{"config.Labels": map[string]string{"org.opencontainers.image.base.name": name}}}, "demo:v1")
	if found := inspect(t, w, InspectOptions{Image: w.host + "/demo:v1"}); found.Base.Name != name || found.Base.Age != nil || asked.Load() > 0 {
		t.Errorf("base %+v, %d requests", found.Base, asked.Load())
	}
	if _, err := Inspect(t.Context(), InspectOptions{Image: w.host + "/demo:v1", Against: name}, w.Deps); stageOf(err) != StageBase || asked.Load() == 0 {
		t.Errorf("asked by name: %v, %d requests", err, asked.Load())
	}
}

// TestAgeOfWhatHasNoVersion: HostProcess images have none to compare.
func TestAgeOfWhatHasNoVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image, err := sample.Image(sample.Options{NoOSVersion: true})
	if err != nil {
		t.Fatal(err)
	}
	found := inspect(t, w, InspectOptions{Image: layoutOf(t, image), Against: baseOf(t, "10.0.20348.1")})
	if age := found.Base.Age; age == nil || age.State != "" || age.Version != "10.0.20348.1" {
		t.Errorf("age %+v", age)
	}
}
