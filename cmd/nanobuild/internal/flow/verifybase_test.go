//go:build !nosign

package flow

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

// madeAt is a base of a version, with the day that it was made.
func madeAt(version string, day time.Time) sample.Options {
	return sample.Options{OSVersion: version, ExtraConfig: map[string]any{
		"created": day.Format(time.RFC3339),
		"history": []map[string]any{{"created": day.Format(time.RFC3339), "created_by": "Apply image " + version}},
	}}
}

var patchTuesday = time.Date(2026, 6, 9, 10, 0, 0, 0, time.UTC)

// TestVerifyBaseAge publishes an image, and patches its base month after month.
func TestVerifyBaseAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const line = "windows/nanoserver:ltsc2022"
	w.put(t, madeAt("10.0.20348.900", patchTuesday), line)
	image := w.published(t, w.host+"/"+line)
	check := func(age, is string, want Verdict, words string) {
		t.Helper()
		found, err := verifyBy(t, &vouching{}, verifying(image, policy.Policy{MaxBaseAge: age, BaseIs: is}), w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if c := detailOf(t, found, CheckBaseAge); c.Verdict != want || !strings.Contains(c.Detail, words) {
			t.Errorf("%s: %+v, want %s with %s", age, c, want, words)
		}
	}
	w.Now = func() time.Time { return patchTuesday.AddDate(9, 0, 0) } // time alone makes no base old
	check("0d", "", Passed, "the newest, "+w.host+"/"+line+" 10.0.20348.900")
	w.put(t, madeAt("10.0.20348.1000", patchTuesday.AddDate(0, 0, 28)), line)
	check("0d", "", Failed, "28 days older than "+w.host+"/"+line+": made on 2026-06-09, that on 2026-07-07; 0d is the most; rebase it with nanobuild rebase "+image)
	check("27d", "", Failed, "28 days older")
	check("28d", "", Passed, "28 days older")
	check("4w", w.host+"/windows/nanoserver:10.0.20348.900", Passed, "28 days older") // its line counts
	w.put(t, madeAt("10.0.20348.900", patchTuesday.AddDate(1, 0, 0)), line)           // the same layers
	check("0d", "", Passed, "the newest")
	rebuilt := madeAt("10.0.20348.900", patchTuesday.Add(time.Hour))
	rebuilt.Padding = 10
	w.put(t, rebuilt, line)
	check("1d", "", Passed, "less than a day older")
	check("0h", "", Failed, "less than a day older")
	w.put(t, madeAt("10.0.20348.800", patchTuesday.AddDate(0, 0, -28)), line)
	check("0d", "", Passed, "newer than")
	w.put(t, sample.Options{OSVersion: "10.0.20348.2000", ExtraConfig: map[string]any{"history": []any{}}}, line)
	check("99w", "", Failed, "when both were made is not told")
	w.put(t, madeAt("10.0.26100.1", patchTuesday), line)
	check("99w", "", Failed, "the image is Windows 10.0.20348.900, and "+w.host+"/"+line+" is Windows 10.0.26100.1")
}

// TestVerifyAgeAsksNobodyElse: a label sends no requests to other hosts, and what it
// names in the image's own registry may be gone.
func TestVerifyAgeAsksNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorded := func(name string) sample.Options {
		return sample.Options{ExtraConfig: map[string]any{"config.Labels": map[string]string{"org.opencontainers.image.base.name": name}}}
	}
	for name, words := range map[string]string{
		"registry.invalid/base:1": "name the line with --base-is",
		w.host + "/base:1":        "404 Not Found",
	} {
		w.put(t, recorded(name), "demo:v1")
		found, err := verifyBy(t, &vouching{}, verifying(w.host+"/demo:v1", policy.Policy{MaxBaseAge: "30d"}), w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if c := detailOf(t, found, CheckBaseAge); c.Verdict != Failed || !strings.Contains(c.Detail, words) || !strings.Contains(c.Detail, name) {
			t.Errorf("%+v, want %s", c, words)
		}
	}
}

// TestVerifyBaseIs: layers and digests count, and what the image says only leads to them.
func TestVerifyBaseIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, sample.Options{OSVersion: "10.0.20348.900"}, "windows/nanoserver:ltsc2022")
	w.put(t, sample.Options{OSVersion: "10.0.20348.900", Env: []string{"A=b"}, Padding: 10}, "dotnet/runtime:8.0-nanoserver-ltsc2022")
	line := w.host + "/windows/nanoserver:ltsc2022"
	image := w.published(t, line)
	old := w.digest(t, line)
	check := func(image, is string, want Verdict, words string) {
		t.Helper()
		found, err := verifyBy(t, &vouching{}, verifying(image, policy.Policy{BaseIs: is}), w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if c := detailOf(t, found, CheckBase); c.Verdict != want || !strings.Contains(c.Detail, words) || c.Wanted != is {
			t.Errorf("%s: %+v, want %s with %s", is, c, want, words)
		}
	}
	check(image, line, Passed, "10.0.20348.900, "+old.String())
	check(image, w.host+"/dotnet/runtime:8.0-nanoserver-ltsc2022", Failed, "which is another line than")
	w.put(t, sample.Options{OSVersion: "10.0.20348.1000"}, "windows/nanoserver:ltsc2022")
	check(image, line, Passed, "an older base of the line, 10.0.20348.900, "+old.String()+"; "+line+" has 10.0.20348.1000")
	pinned := w.host + "/windows/nanoserver@"
	check(image, pinned+old.String(), Passed, old.String())
	check(image, pinned+w.digest(t, line).String(), Failed, "does not begin with the layers of")
	check(image, w.host+"/windows/nanoserver:gone", Failed, "404 Not Found")
	check(image, baseOf(t, "10.0.20348.1000"), Failed, "does not begin with the layers of oci:")
	check(image, baseOf(t, "10.0.26100.1"), Failed, "is Windows 10.0.26100.1")

	lies := func(name string, digest v1.Hash) string {
		t.Helper()
		made, err := sample.Image(sample.Options{OSVersion: "10.0.20348.900", Padding: 20})
		if err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{"org.opencontainers.image.base.name": name}
		if digest.Hex != "" {
			labels["org.opencontainers.image.base.digest"] = digest.String()
		}
		if made, err = mutate.Config(made, v1.Config{Labels: labels}); err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(reference(t, w.host+"/lies:v1"), made); err != nil {
			t.Fatal(err)
		}
		return w.host + "/lies:v1"
	}
	check(lies(line, old), line, Failed, "and does not begin with its layers")
	check(lies(line, v1.Hash{}), line, Failed, "does not say by digest what it is on")
	check(lies(line, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}), line, Failed, "404 Not Found")
}
