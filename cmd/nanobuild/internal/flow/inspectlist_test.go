package flow

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// indexOf is an index of images on the platforms.
func indexOf(t *testing.T, all ...sample.Options) v1.ImageIndex {
	t.Helper()
	images := make([]v1.Image, 0, len(all))
	for _, o := range all {
		image, err := sample.Image(o)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	index, err := sample.Index(images...)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestInspectList shows the entries of an index in a registry and in a layout; an
// image of it is shown when it is asked for.
func TestInspectList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	index := indexOf(t, sample.Options{OSVersion: "10.0.26100.32995", OSFeatures: []string{"win32k"}}, sample.Options{OSVersion: "10.0.20348.4171"}, sample.Options{OS: "linux", NoOSVersion: true})
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if index, err = sample.WithAttestation(index, m.Manifests[1].Digest); err != nil {
		t.Fatal(err)
	}
	ref, dir := w.host+"/demo:v1", filepath.Join(t.TempDir(), "layout")
	if err := remote.WriteIndex(reference(t, ref), index); err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteLayout(dir, index); err != nil {
		t.Fatal(err)
	}
	for _, image := range []string{ref, "oci:" + dir} {
		found, err := InspectList(t.Context(), InspectOptions{Image: image}, w.Deps)
		if err != nil || found == nil || len(found.Entries) != 4 || found.Verdict != "ok" {
			t.Fatalf("%s: %+v, %v", image, found, err)
		}
		first, second, third, last := found.Entries[0], found.Entries[1], found.Entries[2], found.Entries[3]
		if first.Windows.Release != "ltsc2025" || second.Windows.Release != "ltsc2022" || third.Windows != nil || third.Platform.OS != "linux" {
			t.Errorf("%s: entries %+v", image, found.Entries)
		}
		if last.Attests != m.Manifests[1].Digest.String() || len(second.RunsOn) != len(first.RunsOn) || len(first.RunsOn) == 0 || len(third.RunsOn) > 0 {
			t.Errorf("%s: entries %+v", image, found.Entries)
		}
		if text, err := json.Marshal(found); err != nil || !strings.Contains(string(text), `"os.version":"10.0.20348.4171"`) {
			t.Errorf("%s: %s, %v", image, text, err)
		}
	}
	one := InspectOptions{Image: ref, OSVersion: "10.0.20348"}
	if list, err := InspectList(t.Context(), one, w.Deps); list != nil || err != nil {
		t.Errorf("list %+v, %v", list, err)
	}
	if found := inspect(t, w, one); found.Platform.OSVersion != "10.0.20348.4171" {
		t.Errorf("platform %+v", found.Platform)
	}
}

// TestInspectListOfOne: an image, and an index of one, are no list.
func TestInspectListOfOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, sample.Options{}, "one:v1")
	for _, image := range []string{w.host + "/one:v1", w.base} {
		if list, err := InspectList(t.Context(), InspectOptions{Image: image}, w.Deps); list != nil || err != nil {
			t.Errorf("%s: %+v, %v", image, list, err)
		}
	}
	if _, err := InspectList(t.Context(), InspectOptions{Image: w.host + "/gone:v1"}, w.Deps); stageOf(err) != StageBase {
		t.Errorf("error = %v", err)
	}
	if _, err := InspectList(t.Context(), InspectOptions{Image: w.base, OSVersion: "2022"}, w.Deps); stageOf(err) != StageUsage {
		t.Errorf("error = %v", err)
	}
}

// TestInspectListWithFaults: two entries for one build are named.
func TestInspectListWithFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "layout")
	if err := sample.WriteLayout(dir, indexOf(t, sample.Options{OSVersion: "10.0.20348.1"}, sample.Options{OSVersion: "10.0.20348.2"})); err != nil {
		t.Fatal(err)
	}
	found, err := InspectList(t.Context(), InspectOptions{Image: "oci:" + dir}, w.Deps)
	if err != nil || found == nil || found.Verdict != "broken" || len(found.Findings) != 1 || !strings.Contains(found.Findings[0], "same Windows build") {
		t.Errorf("%+v, %v", found, err)
	}
}
