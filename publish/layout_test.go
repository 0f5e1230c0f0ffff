package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func readIndex(t *testing.T, dir string) v1.IndexManifest {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err != nil {
		t.Fatal(err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	return index
}

func TestLayoutEntry(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	img := testImage(t, testLayer(t, 1, 1000))
	mustPut(t, NewLayout(dir, LayoutOptions{Repository: "team/app"}), img, "v1")
	size, err := img.Size()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{{
		MediaType: types.DockerManifestSchema2, Digest: digestOf(t, img), Size: size,
		Platform:    &v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.2700", OSFeatures: []string{"win32k"}},
		Annotations: map[string]string{"org.opencontainers.image.ref.name": "v1", "io.containerd.image.name": "team/app:v1"},
	}}}
	if diff := cmp.Diff(want, readIndex(t, dir)); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
	if mark, err := os.ReadFile(filepath.Join(dir, "oci-layout")); err != nil || string(mark) != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout = %s, %v", mark, err)
	}
}

func TestLayoutRefName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, repo := range []string{"api", "worker"} {
		s := NewLayout(dir, LayoutOptions{Repository: repo, RefName: func(tag string) string { return repo + ":" + tag }})
		mustPut(t, s, testImage(t, testLayer(t, uint64(len(repo)), 1000)), "latest")
	}
	var names []string
	for _, m := range readIndex(t, dir).Manifests {
		names = append(names, m.Annotations[annotationRefName]+" "+m.Annotations[annotationImageName])
	}
	if diff := cmp.Diff([]string{"api:latest api:latest", "worker:latest worker:latest"}, names); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// The images of an index have names of their own where all tags have the same one, too.
func TestLayoutNamesOfAnIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := NewLayout(dir, LayoutOptions{Repository: "team/app", RefName: func(string) string { return "mine" }})
	if _, err := PushContent(t.Context(), indexOf(t, threeBuilds(t, testLayer(t, 1, 1000))[:2]), []Sink{s}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range readIndex(t, dir).Manifests {
		names = append(names, m.Annotations[annotationRefName]+" "+m.Annotations[annotationImageName])
		if (m.Platform == nil) != m.MediaType.IsIndex() {
			t.Errorf("%s has the platform %v", m.MediaType, m.Platform)
		}
	}
	want := []string{"mine-ltsc2025 team/app:v1-ltsc2025", "mine-ltsc2022 team/app:v1-ltsc2022", "mine team/app:v1"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestLayoutKeepsForeignIndexContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("oci-layout", `{"imageLayoutVersion":"1.0.0","x":1}`)
	write("index.json", `{"schemaVersion":2,"x.vendor":{"a":[1,2]},"annotations":{"k":"v"},"manifests":[{"mediaType":"m","size":3,"digest":"sha256:`+strings.Repeat("a", 64)+`","y.vendor":true}]}`)
	img := testImage(t, testLayer(t, 1, 1000))
	mustPut(t, NewLayout(dir, LayoutOptions{}), img)
	mustPut(t, NewLayout(dir, LayoutOptions{}), img) // a nameless entry comes once
	b, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		XVendor     json.RawMessage   `json:"x.vendor"`
		Annotations map[string]string `json:"annotations"`
		Manifests   []struct {
			Y      bool    `json:"y.vendor"`
			Digest v1.Hash `json:"digest"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.XVendor) == 0 || got.Annotations["k"] != "v" || len(got.Manifests) != 2 || !got.Manifests[0].Y || got.Manifests[1].Digest != digestOf(t, img) {
		t.Errorf("index = %s", b)
	}
	if mark, err := os.ReadFile(filepath.Join(dir, "oci-layout")); err != nil || !strings.Contains(string(mark), `"x":1`) {
		t.Errorf("oci-layout = %s, %v", mark, err)
	}
}

func TestLayoutConcurrentRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shared")
	shared := testLayer(t, 99, 200_000)
	const runs = 8
	var wg sync.WaitGroup
	for i := range runs {
		img := testImage(t, shared, testLayer(t, uint64(i), 20_000))
		wg.Go(func() {
			if _, err := put(t.Context(), NewLayout(dir, LayoutOptions{}), img, fmt.Sprintf("run%d", i), "latest"); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, m := range readIndex(t, dir).Manifests {
		seen[m.Annotations[annotationRefName]] = true
	}
	if len(seen) != runs+1 || !seen["latest"] {
		t.Errorf("entries: %v", seen)
	}
	if l := hidden(t, dir); len(l) > 0 {
		t.Errorf("left behind: %v", l)
	}
}

// Many replacements of one index.json at once: none may undo another.
func TestLayoutConcurrentCommits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	img := testImage(t, testLayer(t, 1, 1000))
	mustPut(t, NewLayout(dir, LayoutOptions{}), img, "first")
	const runs, commits = 8, 12
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() {
			s := NewLayout(dir, LayoutOptions{})
			for j := range commits {
				if _, err := s.Commit(t.Context(), OfImage(img), []string{fmt.Sprintf("t%d-%d", i, j)}); err != nil {
					t.Errorf("commit %d of run %d: %v", j, i, err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(readIndex(t, dir).Manifests); n != 1+runs*commits {
		t.Errorf("%d entries, want %d", n, 1+runs*commits)
	}
}

func TestLayoutRefusesOtherFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "holiday.jpg")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := NewLayout(dir, LayoutOptions{})
	_, putErr := put(t.Context(), s, testImage(t, testLayer(t, 1, 1000)), "v1")
	for doing, err := range map[string]error{"Check": s.Check(t.Context()), "put": putErr} {
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), "holiday.jpg") {
			t.Errorf("%s = %v, want a UsageError that names the file", doing, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder was touched: %v, %v", entries, err)
	}
	if err := NewLayout(file, LayoutOptions{}).Check(t.Context()); err == nil {
		t.Error("a file in the place of the folder was accepted")
	}
}

// What a killed run leaves: blobs, perhaps the mark, its scratch folder.
func TestLayoutAfterKilledRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale := filepath.Join(dir, scratchPrefix+"dead")
	for _, d := range []string{stale, filepath.Join(dir, "blobs", "sha256")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	layer := testLayer(t, 1, 1000)
	for path, content := range map[string]string{
		filepath.Join(stale, scratchLock):                                        "",
		filepath.Join(stale, "half"):                                             "half a blob",
		filepath.Join(dir, lockName):                                             "",
		filepath.Join(dir, "blobs", "sha256", digestOf(t, layer).Hex):            "damaged",
		filepath.Join(dir, "blobs", "sha256", strings.Repeat("b", 64)):           "spare",
		filepath.Join(dir, "blobs", "sha256", digestOf(t, foreignLayer("")).Hex): "",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := NewLayout(dir, LayoutOptions{})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if has, err := s.Has(t.Context(), digestOf(t, layer)); has || err != nil {
		t.Errorf("Has of a damaged blob = %v, %v", has, err)
	}
	mustPut(t, s, testImage(t, layer), "v1")
	if has, err := s.Has(t.Context(), digestOf(t, layer)); !has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
	if l := hidden(t, dir); len(l) > 0 {
		t.Errorf("left behind: %v", l)
	}
}

func TestLayoutStageNeedsItsLayers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := NewLayout(dir, LayoutOptions{})
	img := testImage(t, testLayer(t, 1, 1000))
	if _, err := s.Stage(t.Context(), OfImage(img)); err == nil {
		t.Error("Stage accepted an image whose layer is missing")
	}
	if _, err := s.Commit(t.Context(), OfImage(img), []string{"v1"}); err == nil {
		t.Error("Commit accepted an image whose layer is missing")
	}
	if _, err := os.Stat(filepath.Join(dir, indexFile)); err == nil {
		t.Error("an index was written")
	}
}

func TestScratchOfLivingRunStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	alive, err := newScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, scratchPrefix+"of-somebody")
	if err := os.MkdirAll(filepath.Join(mine, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	second, err := newScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{alive.dir, mine} {
		if _, err := os.Stat(d); err != nil {
			t.Errorf("%s was removed", d)
		}
	}
	if err := errors.Join(alive.Close(), second.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(alive.dir); err == nil {
		t.Error("Close left the folder")
	}
}

func FuzzMergeIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"manifests":null}`))
	f.Add([]byte(`{"manifests":[null]}`))
	e := v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("c", 64)}, Annotations: map[string]string{annotationRefName: "v1"}}
	f.Fuzz(func(t *testing.T, index []byte) {
		merged, err := mergeIndex(index, []v1.Descriptor{e})
		if err != nil {
			return
		}
		again, err := mergeIndex(merged, []v1.Descriptor{e})
		if err != nil || string(again) != string(merged) {
			t.Errorf("merging twice: %v\n%s\n%s", err, merged, again)
		}
		_, list, err := parseIndex(merged)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, raw := range list {
			var d v1.Descriptor
			if err := json.Unmarshal(raw, &d); err != nil {
				t.Fatal(err)
			}
			if d.Annotations[annotationRefName] == "v1" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d entries of one name", n)
		}
	})
}
