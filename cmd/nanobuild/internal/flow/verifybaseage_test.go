//go:build !nosign

package flow

import (
	"maps"
	"net"
	"net/http"
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

// inside lets requests to the world's registry through, and no other: names of other
// hosts do not exist.
type inside struct {
	host string
	next http.RoundTripper
}

func (i inside) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != i.host {
		return nil, &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}
	}
	return i.next.RoundTrip(req)
}

// insideWorld is a world without other hosts.
func insideWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Transport = inside{w.host, w.Transport}
	return w
}

// onMirror reads Microsoft's registry from a folder of the world's.
func (w *world) onMirror(o VerifyOptions) VerifyOptions {
	o.RegistryMap = []string{"mcr.microsoft.com=" + w.host + "/mcr"}
	return o
}

// publishedOnMirror is an image of the sample application on a base of Microsoft's.
func (w *world) publishedOnMirror(t *testing.T, base string) string {
	t.Helper()
	o := w.options(w.app(t, "out", "hi"))
	o.Bases, o.Targets = []string{base}, Targets{Repo: w.host + "/demo", Tags: []string{"v1"}}
	o.RegistryMap = []string{"mcr.microsoft.com=" + w.host + "/mcr"}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Fatal(err)
	}
	return w.host + "/demo:v1"
}

// changed writes an image anew with another config.
func (w *world) changed(t *testing.T, image string, change func(*v1.ConfigFile)) string {
	t.Helper()
	old, err := remote.Image(reference(t, image))
	if err != nil {
		t.Fatal(err)
	}
	config, err := old.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Labels = maps.Clone(config.Config.Labels)
	change(config)
	image = w.host + "/changed:v1"
	made, err := mutate.ConfigFile(old, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference(t, image), made); err != nil {
		t.Fatal(err)
	}
	return image
}

// TestVerifyBaseAge publishes an image, and patches its base month after month.
func TestVerifyBaseAge(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	const line, shown = "mcr/windows/nanoserver:ltsc2022", "mcr.microsoft.com/windows/nanoserver:ltsc2022"
	w.put(t, madeAt("10.0.20348.900", patchTuesday), line)
	image := w.publishedOnMirror(t, shown)
	check := func(age, is string, want Verdict, words string) {
		t.Helper()
		found, err := verifyBy(t, &vouching{}, w.onMirror(verifying(image, policy.Policy{MaxBaseAge: age, BaseIs: is})), w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if c := detailOf(t, found, CheckBaseAge); c.Verdict != want || !strings.Contains(c.Detail, words) {
			t.Errorf("%s: %+v, want %s with %s", age, c, want, words)
		}
	}
	w.Now = func() time.Time { return patchTuesday.AddDate(9, 0, 0) } // time alone makes no base old
	check("0d", "", Passed, "the newest, "+shown+" 10.0.20348.900")
	w.put(t, madeAt("10.0.20348.1000", patchTuesday.AddDate(0, 0, 28)), line)
	check("0d", "", Failed, "28 days older than "+shown+": made on 2026-06-09, that on 2026-07-07; 0d is the most; rebase it with nanobuild rebase "+image)
	check("27d", "", Failed, "28 days older")
	check("28d", "", Passed, "28 days older")
	check("4w", "mcr.microsoft.com/windows/nanoserver:ltsc2022", Passed, "28 days older")
	w.put(t, madeAt("10.0.20348.900", patchTuesday.AddDate(1, 0, 0)), line) // the same layers
	check("0d", "", Passed, "the newest")
	rebuilt := madeAt("10.0.20348.900", patchTuesday.Add(time.Hour))
	rebuilt.Padding = 10
	w.put(t, rebuilt, line)
	check("1d", "", Passed, "less than a day older")
	check("0h", "", Failed, "less than a day older")
	w.put(t, madeAt("10.0.20348.800", patchTuesday.AddDate(0, 0, -28)), line)
	check("0d", "", Passed, "10.0.20348.900, newer than "+shown+", which has 10.0.20348.800")
	w.put(t, sample.Options{OSVersion: "10.0.20348.2000", ExtraConfig: map[string]any{"history": []any{}, "created": nil}}, line)
	check("99w", "", Failed, "when both were made is not told")
	w.put(t, madeAt("10.0.26100.1", patchTuesday), line)
	check("99w", "", Failed, "the image is Windows 10.0.20348.900, and "+shown+" is Windows 10.0.26100.1")
}

// TestVerifyAgeByTheBases: what an image says of itself makes its base no younger.
func TestVerifyAgeByTheBases(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	w.Now = func() time.Time { return patchTuesday.AddDate(1, 0, 0) }
	const line, shown = "mcr/windows/nanoserver:ltsc2022", "mcr.microsoft.com/windows/nanoserver:ltsc2022"
	w.put(t, madeAt("10.0.20348.900", patchTuesday), line)
	image := w.publishedOnMirror(t, shown)
	w.put(t, madeAt("10.0.20348.1000", patchTuesday.AddDate(0, 9, 0)), line)
	for _, c := range []struct {
		name   string
		change func(*v1.ConfigFile)
		words  string
	}{
		{"nothing", func(*v1.ConfigFile) {}, "273 days older than " + shown + ": made on 2026-06-09, that on 2027-03-09"},
		{"version", func(c *v1.ConfigFile) { c.OSVersion = "10.0.20348.99999" }, "273 days older"},
		{"times", func(c *v1.ConfigFile) {
			for i := range c.History {
				c.History[i].Created.Time = patchTuesday.AddDate(0, 9, 0)
			}
		}, "273 days older"},
		{"no record", func(c *v1.ConfigFile) { delete(c.Config.Labels, "org.opencontainers.image.base.digest") }, "does not say by digest what it is on"},
		{"layers", func(c *v1.ConfigFile) {
			c.RootFS.DiffIDs[0] = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
		}, "does not begin with its layers"},
		{"record of nothing", func(c *v1.ConfigFile) {
			c.Config.Labels["org.opencontainers.image.base.digest"] = "sha256:" + strings.Repeat("0", 64)
		}, "404 Not Found"},
	} {
		found, err := verifyBy(t, &vouching{}, w.onMirror(verifying(w.changed(t, image, c.change), policy.Policy{MaxBaseAge: "30d", RunsOn: []string{"ltsc2022"}})), w.Deps)
		if found == nil || stageOf(err) != StageSign {
			t.Fatalf("%s: stage %d: %v", c.name, stageOf(err), err)
		}
		if got := detailOf(t, found, CheckBaseAge); got.Verdict != Failed || !strings.Contains(got.Detail, c.words) {
			t.Errorf("%s: %+v, want %s", c.name, got, c.words)
		}
	}
}

// TestVerifyAgeOfOwnBases: steps on top of Windows count for both bases, or for none.
func TestVerifyAgeOfOwnBases(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	made := func(windows, copied time.Time, size int64) sample.Options {
		return sample.Options{OSVersion: "10.0.20348.900", Layers: 2, Padding: size, ExtraConfig: map[string]any{"history": []map[string]any{
			{"created": windows.Format(time.RFC3339), "created_by": "Apply image 10.0.20348.900"},
			{"created": copied.Format(time.RFC3339), "created_by": "COPY certificates"},
		}}}
	}
	line := w.host + "/base:1"
	w.put(t, made(patchTuesday, patchTuesday.AddDate(0, 1, 0), 1), "base:1")
	image := w.published(t, line)
	for _, c := range []struct {
		copied, now time.Time
		verdict     Verdict
		words       string
	}{
		{patchTuesday.AddDate(0, 10, 0), patchTuesday.AddDate(2, 0, 0), Failed, "274 days older"},
		{patchTuesday.AddDate(0, 1, 10), patchTuesday.AddDate(2, 0, 0), Passed, "10 days older"},
		{patchTuesday, patchTuesday.AddDate(2, 0, 0), Passed, "not older than"}, // never negative
		{patchTuesday.AddDate(0, 1, 11), patchTuesday.AddDate(0, 1, 5), Failed, "a time is yet to come"},
	} {
		w.put(t, made(patchTuesday, c.copied, 2+int64(c.copied.YearDay())), "base:1")
		w.Now = func() time.Time { return c.now }
		found, err := verifyBy(t, &vouching{}, verifying(image, policy.Policy{MaxBaseAge: "30d", BaseIs: line}), w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if got := detailOf(t, found, CheckBaseAge); got.Verdict != c.verdict || !strings.Contains(got.Detail, c.words) || strings.Contains(got.Detail, "-") && strings.HasPrefix(got.Detail, "-") {
			t.Errorf("%+v, want %s with %s", got, c.verdict, c.words)
		}
	}
}

// TestVerifyAgeAsksNobodyElse: a label chooses no yardstick. Microsoft's registry and its
// mirrors alone are asked on its word, and no mirror that the image lies in.
func TestVerifyAgeAsksNobodyElse(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	w.put(t, sample.Options{}, "evil/nanoserver:ltsc2022", "mcr/windows/nanoserver:ltsc2022")
	for _, c := range []struct {
		recorded, mapped string
		verdict          Verdict
		words            string
	}{
		{"registry.invalid/base:1", "", Failed, "name the line with --base-is"},
		{w.host + "/evil/nanoserver:ltsc2022", "", Failed, "name the line with --base-is"},
		{w.host + "/evil/nanoserver:ltsc2022", "mcr.microsoft.com=" + w.host + "/mcr", Failed, "name the line with --base-is"},
		{w.host + "/mcr/windows/nanoserver:ltsc2022", "registry.example.com=" + w.host + "/mcr", Failed, "name the line with --base-is"},
		{w.host + "/mcr/windows/nanoserver:ltsc2022", "mcr.microsoft.com=" + w.host + "/mcr", Passed, "the newest"},
		{"mcr.microsoft.com/windows/nanoserver:ltsc2022", "mcr.microsoft.com=" + w.host + "/mcr", Passed, "the newest"},
		{"mcr.microsoft.com/evil/nanoserver:ltsc2022", "mcr.microsoft.com=" + w.host, Failed, "name the line with --base-is"},
	} {
		w.put(t, sample.Options{ExtraConfig: map[string]any{"config.Labels": map[string]string{"org.opencontainers.image.base.name": c.recorded}}}, "demo:v1")
		o := verifying(w.host+"/demo:v1", policy.Policy{MaxBaseAge: "30d"})
		if c.mapped != "" {
			o.RegistryMap = []string{c.mapped}
		}
		found, err := verifyBy(t, &vouching{}, o, w.Deps)
		if found == nil {
			t.Fatal(err)
		}
		if got := detailOf(t, found, CheckBaseAge); got.Verdict != c.verdict || !strings.Contains(got.Detail, c.words) {
			t.Errorf("%s with %q: %+v, want %s with %s", c.recorded, c.mapped, got, c.verdict, c.words)
		}
	}
}
