package publish

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// runSkopeo runs skopeo and returns what it printed.
func runSkopeo(t *testing.T, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(need.Skopeo(t), append([]string{"--insecure-policy"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("skopeo %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// ociIndexOf is an index of OCI's family, which is the only one that skopeo finds in
// layouts.
func ociIndexOf(t *testing.T, shared v1.Layer) Content {
	t.Helper()
	children := threeBuilds(t, shared)
	var entries []v1.Descriptor
	for i := range children {
		img := mutate.ConfigMediaType(mutate.MediaType(children[i].Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		children[i].Image = img
		entries = append(entries, entryOf(t, img))
	}
	raw, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: entries})
	if err != nil {
		t.Fatal(err)
	}
	return OfIndex(raw, types.OCIImageIndex, children)
}

// An index that skopeo copies whole from each place is the same in the next, down to
// its bytes.
func TestSkopeoCopiesIndexes(t *testing.T) {
	t.Parallel()
	need.Skopeo(t)
	host := need.StartRegistry(t)
	dir := t.TempDir()
	oci := ociIndexOf(t, testLayer(t, 1, 40_000))
	docker := indexOf(t, threeBuilds(t, testLayer(t, 1, 40_000)))
	layout, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "app.tar")
	if _, err := PushContent(t.Context(), oci, []Sink{
		newTestRegistry(t, host+"/oci", RegistryOptions{}), NewLayout(layout, LayoutOptions{Repository: "team/app"}),
		NewTarball(archive, []string{"team/app"}, TarballOptions{}),
	}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := PushContent(t.Context(), docker, []Sink{newTestRegistry(t, host+"/docker", RegistryOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from string
		want Content
	}{
		"oci":     {"docker://" + host + "/oci:v1", oci},
		"docker":  {"docker://" + host + "/docker:v1", docker},
		"layout":  {"oci:" + layout + ":v1", oci},
		"archive": {"oci-archive:" + archive + ":v1", oci},
	} {
		to := "docker://" + host + "/copied/" + name + ":v1"
		runSkopeo(t, "copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", c.from, to)
		if raw := runSkopeo(t, "inspect", "--raw", "--tls-verify=false", to); !bytes.Equal(bytes.TrimSpace(raw), c.want.raw) {
			t.Errorf("%s: copied as %s", name, raw)
		}
		soundIndex(t, host+"/copied/"+name, "v1")
	}
	for _, ref := range []string{
		"docker-archive:" + archive + ":team/app:v1-ltsc2019", "oci:" + layout + ":v1-ltsc2019", "docker://" + host + "/docker:v1-ltsc2019",
	} {
		var config v1.ConfigFile
		if err := json.Unmarshal(runSkopeo(t, "inspect", "--config", "--raw", "--tls-verify=false", ref), &config); err != nil {
			t.Fatal(err)
		}
		if config.OSVersion != "10.0.17763.6414" {
			t.Errorf("%s is Windows %s", ref, config.OSVersion)
		}
	}
}

// distribution looks whether it has what an index names, and names what it lacks.
func TestDockerRegistryIndexes(t *testing.T) {
	t.Parallel()
	host := need.StartRegistryWith(t, need.RegistryOptions{})
	repo := host + "/app"
	linuxIndex(t, repo, "both")
	children := threeBuilds(t, testLayer(t, 1, 40_000))
	for range 2 {
		if _, err := PushContent(t.Context(), mergeOf(t, children), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both"}, PushOptions{}); err != nil {
			t.Fatal(err)
		}
		want := []string{"linux/amd64", "windows/amd64 10.0.26100", "windows/amd64 10.0.20348", "windows/amd64 10.0.17763"}
		if diff := cmp.Diff(want, platformsOf(t, repo, "both")); diff != "" {
			t.Errorf("both (-want +got):\n%s", diff)
		}
	}
	// All is there, as far as the sink knows, and yet the registry misses it.
	s := newTestRegistry(t, host+"/other", RegistryOptions{})
	content := indexOf(t, children)
	d, err := content.document()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range d.parts {
		s.gotManifest(part)
	}
	if _, err := s.Commit(t.Context(), content, []string{"v1"}); err != nil {
		t.Fatal(err)
	}
	soundIndex(t, host+"/other", "v1")
}
