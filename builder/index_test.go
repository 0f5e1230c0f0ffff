package builder_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// on is an image for a version of Windows.
func on(t testing.TB, version string) v1.Image {
	t.Helper()
	return sampleImage(t, sample.Options{OSVersion: version})
}

func sampleImage(t testing.TB, o sample.Options) v1.Image {
	t.Helper()
	img, err := sample.Image(o)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digestOf(t testing.TB, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// entries are the manifests of an index, as they are in it.
func entries(t testing.TB, raw []byte) []string {
	t.Helper()
	var doc struct{ Manifests []json.RawMessage }
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	out := make([]string, len(doc.Manifests))
	for i, m := range doc.Manifests {
		out[i] = string(m)
	}
	return out
}

// versions are the os.versions of an index' entries, or their os.
func versions(t testing.TB, raw []byte) []string {
	t.Helper()
	var out []string
	for _, e := range entries(t, raw) {
		var d v1.Descriptor
		if err := json.Unmarshal([]byte(e), &d); err != nil {
			t.Fatal(err)
		}
		switch {
		case d.Platform == nil:
			out = append(out, "none")
		case d.Platform.OSVersion == "":
			out = append(out, d.Platform.OS)
		default:
			out = append(out, d.Platform.OSVersion)
		}
	}
	return out
}

func TestWriteIndex(t *testing.T) {
	t.Parallel()
	images := []v1.Image{
		on(t, "10.0.17763.9999"), sampleImage(t, sample.Options{NoOSVersion: true}), on(t, "10.0.20348.9"),
		sampleImage(t, sample.Options{OSVersion: "10.0.26100.1", OSFeatures: []string{"win32k"}, OCI: true}),
	}
	for oci, want := range map[bool]types.MediaType{true: types.OCIImageIndex, false: types.DockerManifestList} {
		raw, mt, err := builder.WriteIndex(images, oci)
		if err != nil || mt != want || !strings.HasPrefix(string(raw), fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[`, want)) {
			t.Errorf("%s, %s, %v", mt, raw, err)
		}
		if got := versions(t, raw); !slices.Equal(got, []string{"10.0.26100.1", "10.0.20348.9", "10.0.17763.9999", "windows"}) {
			t.Errorf("order %q", got)
		}
		wanted := fmt.Sprintf(`"digest":%q,"platform":{"architecture":"amd64","os":"windows","os.version":"10.0.26100.1","os.features":["win32k"]}}`, digestOf(t, images[3]))
		if e := entries(t, raw); !strings.HasSuffix(e[0], wanted) || strings.Contains(e[3], "os.version") {
			t.Errorf("entries %q", e)
		}
		configs := map[v1.Hash][]byte{}
		for _, img := range images {
			e := existing(t, img)
			configs[e.Digest] = e.Config
		}
		if report := lint.Index(raw, configs); len(report.Findings) > 0 {
			t.Errorf("lint: %v", report.Findings)
		}
	}
}

func TestWriteIndexRefuses(t *testing.T) {
	t.Parallel()
	_, _, err := builder.WriteIndex([]v1.Image{on(t, "10.0.20348.9"), on(t, "10.0.20348.2700")}, true)
	wantInput(t, err, "10.0.20348", "windows/amd64", "one base of each")
	if _, _, err := builder.WriteIndex(nil, true); err == nil {
		t.Error("an index of nothing")
	}
	if _, _, err := builder.WriteIndex([]v1.Image{sampleImage(t, sample.Options{ExtraConfig: map[string]any{"os": ""}})}, true); err == nil {
		t.Error("an image for no platform")
	}
}

// linuxFirst is an index of another tool, spaces and unknown keys included: an
// image for Linux with its provenance, and one for an older Windows with its.
func linuxFirst(windows string, mt types.MediaType) string {
	return fmt.Sprintf(`{
  "schemaVersion" : 2, "mediaType": %q,
  "manifests": [
    {"mediaType":"application/vnd.oci.image.manifest.v1+json", "digest":"sha256:%[3]s","size":1, "platform":{"os":"linux","architecture":"amd64"},"x":1},
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%[4]s","size":1,"annotations":{"vnd.docker.reference.digest":"%[2]s","vnd.docker.reference.type":"attestation-manifest"},"platform":{"os":"unknown","architecture":"unknown"}},
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%[2]s","size":1,"annotations":{"org.opencontainers.image.base.digest":"sha256:%[3]s","team":"a"},"own":[1, 2],"data":"e30=","platform":{"os":"windows","architecture":"amd64","os.version":"10.0.20348.9"}},
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%[5]s","size":1,"annotations":{"vnd.docker.reference.digest":"sha256:%[3]s","vnd.docker.reference.type":"attestation-manifest"},"platform":{"os":"unknown","architecture":"unknown"}}
  ],
  "annotations": {"team": "<a&b>"}, "odd": [1.50]
}`, mt, windows, strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64))
}

const oldDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestMergeIndex(t *testing.T) {
	t.Parallel()
	for _, family := range []types.MediaType{types.OCIImageIndex, types.DockerManifestList} {
		before := linuxFirst(oldDigest, family)
		images := []v1.Image{on(t, "10.0.17763.1"), on(t, "10.0.20348.2700"), on(t, "10.0.26100.1")}
		raw, mt, err := builder.MergeIndex([]byte(before), "text/plain", images)
		if err != nil || mt != family {
			t.Fatalf("%s, %v", mt, err)
		}
		if got := versions(t, raw); !slices.Equal(got, []string{"linux", "10.0.26100.1", "10.0.20348.2700", "unknown", "10.0.17763.1"}) {
			t.Errorf("entries %q", got)
		}
		is, was := entries(t, raw), entries(t, []byte(before))
		if is[0] != was[0] || is[3] != was[3] {
			t.Errorf("others changed: %s", raw)
		}
		if strings.Contains(is[2], "annotations") {
			t.Errorf("what was said of another image is kept: %s", is[2])
		}
		if !strings.HasSuffix(string(raw), `,"annotations":{"team": "<a&b>"},"odd":[1.50]}`) {
			t.Errorf("other keys changed: %s", raw)
		}
		if lost := builder.LostAttestations([]byte(before), raw); len(lost) != 1 || lost[0].Hex != strings.Repeat("b", 64) {
			t.Errorf("lost %v", lost)
		}
		again, _, err := builder.MergeIndex(raw, mt, images)
		if err != nil || string(again) != string(raw) {
			t.Errorf("the second time %s, %v", again, err)
		}
	}
}

func TestMergeIndexOfNothing(t *testing.T) {
	t.Parallel()
	img := sampleImage(t, sample.Options{OCI: true})
	raw, mt, err := builder.MergeIndex(nil, "", []v1.Image{img})
	want, wantType, err2 := builder.WriteIndex([]v1.Image{img}, true)
	if err != nil || err2 != nil || mt != wantType || string(raw) != string(want) {
		t.Errorf("%s, %s, %v", mt, raw, err)
	}
}

// TestMergeIndexHeals: an index with two images of a build, or with ours under no
// version, has one entry for it from now on.
func TestMergeIndexHeals(t *testing.T) {
	t.Parallel()
	img := on(t, "10.0.20348.7")
	first, mt, err := builder.WriteIndex([]v1.Image{img}, true)
	if err != nil {
		t.Fatal(err)
	}
	one := entries(t, first)[0]
	other := strings.Replace(strings.ReplaceAll(one, digestOf(t, img), oldDigest), "20348.7", "20348.8", 1)
	for _, list := range []string{one + "," + other, other + "," + one, other + "," + strings.ReplaceAll(other, "abc", "bca"), strings.Replace(one, `,"os.version":"10.0.20348.7"`, "", 1)} {
		raw, _, err := builder.MergeIndex([]byte(`{"schemaVersion":2,"manifests":[`+list+`]}`), mt, []v1.Image{img})
		if err != nil || !slices.Equal(entries(t, raw), []string{one}) {
			t.Errorf("%s became %s, %v", list, raw, err)
		}
	}
}

func TestMergeIndexRefuses(t *testing.T) {
	t.Parallel()
	img := existing(t, on(t, lastMonth))
	for name, raw := range map[string]string{
		"an image":      string(img.Manifest),
		"no list":       `{"schemaVersion":2}`,
		"no object":     `[]`,
		"no JSON":       `{"manifests":[`,
		"both":          `{"manifests":[],"layers":[]}`,
		"another type":  `{"manifests":[],"mediaType":"application/vnd.oci.image.manifest.v1+json"}`,
		"no digest":     `{"manifests":[{"size":1}]}`,
		"an empty one":  `{"manifests":[null]}`,
		"a huge one":    `{"manifests":[` + strings.Repeat("0,", 1<<17) + `0]}`,
		"a null of one": `null`,
	} {
		if got, _, err := builder.MergeIndex([]byte(raw), types.OCIImageIndex, []v1.Image{on(t, lastMonth)}); err == nil {
			t.Errorf("%s became %s", name, got)
		}
	}
}

func TestReplaceEntries(t *testing.T) {
	t.Parallel()
	old, err := v1.NewHash(oldDigest)
	if err != nil {
		t.Fatal(err)
	}
	before := []byte(linuxFirst(oldDigest, types.OCIImageIndex))
	from, to := newBase(t, sample.Options{OCI: true, OSVersion: lastMonth}), newBase(t, sample.Options{OCI: true, OSVersion: thisMonth})
	app, _ := build(t, newApp(t), from, builder.Overrides{})
	img := rebase(t, builder.RebaseRequest{Image: existing(t, app), OldBase: asOld(from), New: to})
	raw, err := builder.ReplaceEntries(before, types.OCIImageIndex, map[v1.Hash]v1.Image{old: img})
	if err != nil {
		t.Fatal(err)
	}
	is, was := entries(t, raw), entries(t, before)
	size, err := img.Size()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":%d,`+
		`"annotations":{"org.opencontainers.image.base.digest":%q,"team":"a"},"own":[1, 2],`+
		`"platform":{"architecture":"amd64","os":"windows","os.version":%q}}`, digestOf(t, img), size, to.Digest, thisMonth)
	if !slices.Equal(is, []string{was[0], want, was[3]}) {
		t.Errorf("entries %s", strings.Join(is, "\n"))
	}
	if lost := builder.LostAttestations(before, raw); len(lost) != 1 {
		t.Errorf("lost %v", lost)
	}
}

func TestReplaceEntriesRefuses(t *testing.T) {
	t.Parallel()
	older, newer, moved := on(t, "10.0.17763.1"), on(t, "10.0.20348.1"), on(t, "10.0.20348.2")
	raw, mt, err := builder.WriteIndex([]v1.Image{older, newer}, true)
	if err != nil {
		t.Fatal(err)
	}
	_, err = builder.ReplaceEntries(raw, mt, map[v1.Hash]v1.Image{existing(t, older).Digest: moved})
	wantInput(t, err, "10.0.20348", digestOf(t, newer), digestOf(t, moved))
	if _, err := builder.ReplaceEntries(raw, mt, map[v1.Hash]v1.Image{existing(t, moved).Digest: older}); err == nil || !strings.Contains(err.Error(), digestOf(t, moved)) {
		t.Errorf("an image that is not there: %v", err)
	}
	same, err := builder.ReplaceEntries(raw, mt, map[v1.Hash]v1.Image{existing(t, older).Digest: older})
	if err != nil || string(same) != string(raw) {
		t.Errorf("an image by itself: %s, %v", same, err)
	}
	// Both move on by one: no two are for the same build in the end.
	next, err := builder.ReplaceEntries(raw, mt, map[v1.Hash]v1.Image{existing(t, older).Digest: moved, existing(t, newer).Digest: on(t, "10.0.26100.1")})
	if err != nil || len(entries(t, next)) != 2 {
		t.Errorf("%s, %v", next, err)
	}
}
