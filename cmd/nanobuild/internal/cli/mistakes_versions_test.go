package cli

import (
	"fmt"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// dependent makes the scene's application one that needs the base's .NET.
func (s *scene) dependent(t *testing.T, framework, version string) {
	t.Helper()
	s.write(t, s.dir, "app/Demo.runtimeconfig.json", fmt.Sprintf(
		`{"runtimeOptions":{"tfm":"net%s","frameworks":[{"name":"Microsoft.NETCore.App","version":"%[1]s.0"},{"name":%q,"version":"%[1]s.0"}]}}`, version, framework))
}

// versionMistakes are about which Windows an image is for. Each message lists what
// there is and shows the flag that takes it.
func versionMistakes() []mistake {
	const other = registryHost + "/base/other:1"
	older, newer := sample.Options{OSVersion: "10.0.17763.6414"}, sample.Options{OSVersion: "10.0.26100.4652"}
	app := []string{"publish", "app", "--oci-layout", "out"}
	holding := func(images map[string]v1.ImageIndex, more ...func(*testing.T, *scene)) func(*testing.T, *scene) {
		return func(t *testing.T, s *scene) {
			for ref, image := range images {
				s.hold(t, ref, image)
			}
			for _, f := range more {
				f(t, s)
			}
			s.serve(t, registryHost, s.working())
		}
	}
	with := func(more ...string) []string { return append(append([]string{}, app...), more...) }
	return []mistake{
		{name: "two-bases-of-a-build", code: exitUsage, names: []string{baseRef, other, "10.0.20348", "--base"}, args: with("--base", baseRef, "--base", other), plan: func(t *testing.T, s *scene) {
			holding(map[string]v1.ImageIndex{
				baseRef: listOf(t, sample.Options{OSVersion: "10.0.20348.1"}), other: listOf(t, sample.Options{OSVersion: "10.0.20348.2"}),
			})(t, s)
		}},
		{name: "one-version-of-several-bases", code: exitUsage, names: []string{"--os-version", "--base"}, args: with("--base", "all", "--os-version", "10.0.20348")},
		{name: "one-version-and-all", code: exitUsage, names: []string{"--os-version", "--index"}, args: with("--index", "--os-version", "10.0.20348")},
		{name: "dotnet-not-published", code: exitUsage, names: []string{"10.0", "2019", "--base ltsc2022", "--base ltsc2025", "--self-contained"}, args: with("--base", "ltsc2019"), plan: func(t *testing.T, s *scene) {
			s.dependent(t, "Microsoft.AspNetCore.App", "10.0")
		}},
		{name: "dotnet-core-not-published", code: exitUsage, names: []string{"11.0", "--base servercore:ltsc2025"}, args: with("--base", "servercore:ltsc2022"), plan: func(t *testing.T, s *scene) {
			s.dependent(t, "Microsoft.NETCore.App", "11.0")
		}},
		{name: "dotnet-desktop", code: exitUsage, names: []string{"Microsoft.WindowsDesktop.App", "--self-contained"}, args: with("--base", "servercore"), plan: func(t *testing.T, s *scene) {
			s.dependent(t, "Microsoft.WindowsDesktop.App", "10.0")
		}},
		{name: "dotnet-missing-in-base", code: exitUsage, names: []string{baseRef, "--self-contained", "mcr.microsoft.com/dotnet/aspnet:8.0-nanoserver-ltsc2022"}, args: with("--base", baseRef), plan: func(t *testing.T, s *scene) {
			s.dependent(t, "Microsoft.AspNetCore.App", "8.0")
			holding(map[string]v1.ImageIndex{baseRef: listOf(t, sample.Options{})})(t, s)
		}},
		{name: "self-contained-space", code: exitUsage, names: []string{"--self-contained=false"}, args: with("--self-contained", "false")},
		{name: "inspect-without-the-version", code: exitBase, names: []string{baseRef, "10.0.17763.6414", "10.0.26100.4652", "--os-version"}, args: []string{"inspect", baseRef, "--os-version", "10.0.20348"}, plan: func(t *testing.T, s *scene) {
			holding(map[string]v1.ImageIndex{baseRef: listOf(t, older, newer)})(t, s)
		}},
		{name: "into-index-image", code: exitUsage, names: []string{webRepo, "v1"}, args: []string{"publish", "app", "--base", baseRef, "--into-index", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			s.hold(t, webRepo+":v1", ourImage(t, sample.Options{}))
			holding(map[string]v1.ImageIndex{baseRef: listOf(t, sample.Options{})})(t, s)
		}},
		{name: "into-index-format", code: exitUsage, names: []string{webRepo, "--format"}, args: []string{"publish", "app", "--base", baseRef, "--format", "docker", "--into-index", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			linux := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: ourImage(t, sample.Options{OS: "linux", NoOSVersion: true})})
			holding(map[string]v1.ImageIndex{baseRef: listOf(t, sample.Options{}), webRepo + ":v1": linux})(t, s)
		}},
		{name: "into-index-and-repo", code: exitUsage, names: []string{"--into-index", "--repo"}, args: []string{"publish", "app", "--repo", webRepo, "--into-index", webRepo + ":v1"}},
		{name: "rebase-other-build", code: exitBase, names: []string{webRepo, "10.0.20348", "10.0.26100.4652", "--base"}, args: []string{"rebase", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			old := ourImage(t, sample.Options{})
			s.hold(t, baseRef, old)
			s.hold(t, webRepo+":v1", recordedOn(t, baseRef, old))
			holding(map[string]v1.ImageIndex{baseRef: listOf(t, newer)})(t, s)
		}},
		{name: "rebase-unproven", code: exitBase, names: []string{webRepo, baseRef, "--base", "--old-base"}, args: []string{"rebase", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			s.hold(t, webRepo+":v1", recordedOn(t, baseRef, ourImage(t, sample.Options{})))
			holding(map[string]v1.ImageIndex{baseRef: listOf(t, sample.Options{OSVersion: "10.0.20348.5000"})})(t, s)
		}},
	}
}

// recordedOn is an image for Windows Server 2022 that says what its base was.
func recordedOn(t *testing.T, ref string, old v1.Image) v1.Image {
	t.Helper()
	digest, err := old.Digest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.Config(ourImage(t, sample.Options{}), v1.Config{Labels: map[string]string{
		"org.opencontainers.image.base.name": ref, "org.opencontainers.image.base.digest": digest.String(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return image
}
