//go:build !nosign

package flow

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

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
	w.put(t, sample.Options{OSVersion: "10.0.17763.7314"}, "windows/nanoserver:ltsc2019")
	check(lies(line, w.digest(t, w.host+"/windows/nanoserver:ltsc2019")), line, Failed, "10.0.17763.7314")
	check(lies(line, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}), line, Failed, "404 Not Found")
}

// TestVerifyBaseSilent: a registry that does not answer refuses no image.
func TestVerifyBaseSilent(t *testing.T) {
	t.Parallel()
	w := insideWorld(t)
	image := w.published(t, w.base)
	for _, asked := range []policy.Policy{{BaseIs: "registry.invalid/base:1"}, {BaseIs: "registry.invalid/base:1", MaxBaseAge: "30d"}} {
		if found, err := verifyBy(t, &vouching{}, verifying(image, asked), w.Deps); found != nil || stageOf(err) != StageBase || !strings.Contains(err.Error(), "registry.invalid") {
			t.Errorf("%+v, stage %d: %v", found, stageOf(err), err)
		}
	}
}
