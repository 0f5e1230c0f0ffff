package flow

import (
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// What one job writes to files another pushes, byte by byte.
func TestPushFromFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	layout, archive := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out.tar")
	o := w.options(w.app(t, "hello", "hello"))
	o.Targets = Targets{Layouts: []string{layout}, Tarballs: []string{archive}, Tags: []string{"v7"}}
	built, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	digest := built[0][strings.LastIndex(built[0], "@"):]
	for _, source := range []string{"oci:" + layout, "oci:" + layout + digest, "tar:" + archive} {
		repo := w.host + "/pushed/hello"
		got, err := Push(t.Context(), PushOptions{Source: source, Repo: repo, Tags: []string{"v1", "v2"}, Jobs: 2}, w.Deps)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if got != repo+digest {
			t.Errorf("%s: pushed %s, want %s", source, got, digest)
		}
		for _, tag := range []string{"v1", "v2"} {
			ref, err := name.ParseReference(repo + ":" + tag)
			if err != nil {
				t.Fatal(err)
			}
			image, err := remote.Image(ref)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(image); err != nil {
				t.Errorf("%s: %v", source, err)
			}
		}
	}
}

func TestPushRefuses(t *testing.T) {
	t.Parallel()
	image, err := sample.Image(sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	layout := layoutOf(t, image)
	closed := httptest.NewServer(nil)
	closed.Close()
	for says, c := range map[string]struct {
		change func(*PushOptions)
		stage  Stage
	}{
		"is no image in a file":  {func(o *PushOptions) { o.Source = "ghcr.io/me/web" }, StageUsage},
		"--repo is missing":      {func(o *PushOptions) { o.Repo = "" }, StageUsage},
		"at least one job":       {func(o *PushOptions) { o.Jobs = 0 }, StageUsage},
		"the tag is given apart": {func(o *PushOptions) { o.Repo = "ghcr.io/me/web:v1" }, StageUsage},
		"is not a host":          {func(o *PushOptions) { o.Insecure = []string{"https://x"} }, StageUsage},
		"no OCI layout there":    {func(o *PushOptions) { o.Source = layout + "-no" }, StageBase},
		"connection refused; check": {func(o *PushOptions) {
			o.Source += "@" + digestOfImage(t, image)
			o.Repo = strings.TrimPrefix(closed.URL, "http://") + "/x"
		}, StagePush},
	} {
		o := PushOptions{Source: layout, Repo: "ghcr.io/me/web", Jobs: 1}
		c.change(&o)
		_, err := Push(t.Context(), o, newWorld(t).Deps)
		var staged *Error
		if !errors.As(err, &staged) || staged.Stage != c.stage || !strings.Contains(err.Error(), says) {
			t.Errorf("Push = %v, want stage %d and %q", err, c.stage, says)
		}
	}
}

func digestOfImage(t *testing.T, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
