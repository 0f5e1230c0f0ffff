package base_test

import (
	"os/exec"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/need"
)

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// TestWhatOtherToolsWrite reads bases out of Debian's registry and out of what
// skopeo makes of them.
func TestWhatOtherToolsWrite(t *testing.T) {
	t.Parallel()
	skopeo, host := need.Skopeo(t), need.StartRegistry(t)
	for name, o := range map[string]sample.Options{
		"docker": {Layers: 2, Padding: 100_000, ExtraConfig: map[string]any{"config.X": 1}},
		"oci":    {OCI: true, OSFeatures: []string{"win32k"}},
	} {
		img := image(t, o)
		ref, dir := host+"/"+name+":v1", t.TempDir()
		pushIndex(t, ref, index(t, img))
		for _, c := range []struct{ from, target, ref string }{
			{"docker://" + ref, "oci:" + dir + "/layout:v1", "oci:" + dir + "/layout:v1"},
			{"docker://" + ref, "oci:" + dir + "/unnamed", "oci:" + dir + "/unnamed"},
			{"docker://" + ref, "oci-archive:" + dir + "/oci.tar", "tar:" + dir + "/oci.tar"},
			{"docker://" + ref, "docker-archive:" + dir + "/docker.tar:base:v1", "tar:" + dir + "/docker.tar"},
			{"", "", ref},
		} {
			if c.from != "" {
				run(t, skopeo, "copy", "--override-os", "windows", "--override-arch", "amd64", "--src-tls-verify=false", c.from, c.target)
			}
			b, err := base.Resolve(testContext(t), c.ref, options())
			if err != nil {
				t.Errorf("%s: %v", c.ref, err)
				continue
			}
			converted := !o.OCI && strings.HasPrefix(c.target, "oci") // skopeo rewrites the config then
			if got, want := string(b.Config), string(must[[]byte](t)(img.RawConfigFile())); got != want && !converted {
				t.Errorf("%s: config %s, want %s", c.ref, got, want)
			}
			for i, l := range must[[]v1.Layer](t)(img.Layers()) {
				checkBytes(t, b.Layers[i].Uncompressed, l.Uncompressed)
			}
		}
	}
}
